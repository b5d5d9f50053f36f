#!/bin/sh
# ready.sh ovsdb|vswitchd|controller: succeeds when the server does its work. The environment is that of the script that starts it.
set -eu
export OVS_RUNDIR OVN_RUNDIR

# The control socket of a server has the process id in its name, as everybody expects who looks for it.
control() { echo "$1/$2.$(cat "$1/$2.pid").ctl"; }

case $1 in
ovsdb) exec ovsdb-client -t 3 wait "unix:$OVS_RUNDIR/db.sock" Open_vSwitch connected ;;
vswitchd) exec ovs-appctl -T 3 -t "$(control "$OVS_RUNDIR" ovs-vswitchd)" version ;;
controller) [ "$(ovs-appctl -T 3 -t "$(control "$OVN_RUNDIR" ovn-controller)" connection-status)" = connected ] ;;
esac
