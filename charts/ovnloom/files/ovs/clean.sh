#!/bin/sh
# clean.sh: the node is no chassis any more, has no bridge and no datapath, and its database is gone. The servers' own containers may
# be started again meanwhile: they wait, because the database says that the node leaves. Succeeds as well when it is run again.
# From the environment: OVS_DBDIR, OVS_RUNDIR, OVN_RUNDIR.
set -eu
export OVS_RUNDIR OVN_RUNDIR

say() { echo "clean.sh: $*" >&2; }
ctl() { ovs-vsctl --db="unix:$OVS_RUNDIR/db.sock" --no-wait -t 10 "$@"; }
# One that doesn't answer has ended.
tell() { ! ovs-appctl -T 5 -t "$1" version >/dev/null 2>&1 || ovs-appctl -T 20 -t "$@"; }
control() { echo "$1/$2.$(cat "$1/$2.pid" 2>/dev/null).ctl"; }

if ! ovsdb-client -t 5 list-dbs "unix:$OVS_RUNDIR/db.sock" >/dev/null 2>&1; then
  [ -e "$OVS_DBDIR/conf.db" ] || exit 0
  say "no ovsdb-server answers at $OVS_RUNDIR/db.sock, so bridges and datapath can't be removed; see why ovs-ovn doesn't run here"
  exit 1
fi
if [ -z "$(ctl --if-exists get Open_vSwitch . external_ids:ovnloom-serves)" ]; then
  say "the node has an Open vSwitch of its own, which stays as it is"
  exit 0
fi
ctl set Open_vSwitch . external_ids:ovnloom-leaves=true
# It takes its chassis, its tunnels and br-int's rules along.
tell "$(control "$OVN_RUNDIR" ovn-controller)" exit
for bridge in $(ctl list-br); do
  say "removing $bridge"
  ctl del-br "$bridge"
done
tell "$(control "$OVS_RUNDIR" ovs-vswitchd)" exit --cleanup
rm -f "$OVS_DBDIR/conf.db" "$OVS_DBDIR/conf.db.before" "$OVS_DBDIR/system-id.conf"
