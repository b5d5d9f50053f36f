#!/bin/sh
# ready.sh ovsdb|vswitchd|controller: succeeds when the server does its work. The environment is that of the script that starts it.
set -eu
export OVS_RUNDIR OVN_RUNDIR

case $1 in
ovsdb) exec ovsdb-client -t 3 wait "unix:$OVS_RUNDIR/db.sock" Open_vSwitch connected ;;
vswitchd) exec ovs-appctl -T 3 -t "$OVS_RUNDIR/ovs-vswitchd.$(cat "$OVS_RUNDIR/ovs-vswitchd.pid").ctl" version ;;
controller) [ "$(ovs-appctl -T 3 -t "$OVN_RUNDIR/ovn-controller.ctl" connection-status)" = connected ] ;;
esac
