#!/bin/sh
# vswitchd.sh: runs ovs-vswitchd in the foreground. A restart leaves the flows in the kernel at work until ovn-controller has given
# the new one its rules; without that each restart would cut the node's Pods off for as long as ovn-controller computes.
# From the environment: OVS_RUNDIR, SETTLE_SECONDS.
set -eu
export OVS_RUNDIR

say() { echo "vswitchd.sh: $*" >&2; }
ctl() { ovs-vsctl --db="unix:$OVS_RUNDIR/db.sock" --no-wait -t 10 "$@"; }
told() { ctl --if-exists get Open_vSwitch . "external_ids:$1" 2>/dev/null; }
# The node has been told who it is, and is not being cleaned.
is_chassis() { [ -n "$(told system-id)" ] && [ -z "$(told ovnloom-leaves)" ]; }

until ovsdb-client -t 5 wait "unix:$OVS_RUNDIR/db.sock" Open_vSwitch connected >/dev/null 2>&1; do sleep 0.2; done
until is_chassis; do sleep 0.2; done

# How many rules br-int has; a new bridge has at most one by itself.
rules() { ovs-ofctl -t 3 dump-aggregate br-int 2>/dev/null | sed -n 's/.*flow_count=\([0-9]*\).*/\1/p'; }

# ovn-controller's rules come in parts: they are there when no more of them come.
release() {
  until_second=$(($(date +%s) + SETTLE_SECONDS))
  before=0
  until now=$(rules) && [ "${now:-0}" -gt 1 ] && [ "$now" = "$before" ]; do
    if [ "$(date +%s)" -ge "$until_second" ]; then
      say "no rules from ovn-controller in $SETTLE_SECONDS s; packets are looked at without them"
      break
    fi
    before=${now:-0}
    sleep 0.5
  done
  ctl remove Open_vSwitch . other_config flow-restore-wait
}

if ctl br-exists br-int 2>/dev/null && [ "$(ctl get Open_vSwitch . external_ids:ovn-bridge-datapath-type)" = system ]; then
  ctl set Open_vSwitch . other_config:flow-restore-wait=true
  release &
else
  # A datapath in the process has died with it: there is nothing to wait for.
  ctl remove Open_vSwitch . other_config flow-restore-wait
fi
# Of those that were killed.
rm -f "$OVS_RUNDIR"/ovs-vswitchd.*.ctl
exec ovs-vswitchd -vconsole:info -vsyslog:off -vfile:off --no-chdir --pidfile="$OVS_RUNDIR/ovs-vswitchd.pid" "unix:$OVS_RUNDIR/db.sock"
