#!/bin/sh
# controller.sh: runs ovn-controller in the foreground. The rules of the one before stay in the switch until this one has computed its own.
# From the environment: OVS_RUNDIR, OVN_RUNDIR, SETTLE_SECONDS, TLS (a folder with tls.key, tls.crt, ca.crt; empty: plain TCP).
set -eu
export OVS_RUNDIR OVN_RUNDIR

ctl() { ovs-vsctl --db="unix:$OVS_RUNDIR/db.sock" --no-wait -t 10 "$@"; }
told() { ctl --if-exists get Open_vSwitch . "external_ids:$1" 2>/dev/null; }
# The node has been told who it is, and is not being cleaned.
is_chassis() { [ -n "$(told system-id)" ] && [ -z "$(told ovnloom-leaves)" ]; }
ask() { ovs-appctl -T 3 -t "$OVN_RUNDIR/ovn-controller.$(cat "$OVN_RUNDIR/ovn-controller.pid").ctl" "$@" 2>/dev/null; }
computed() { ask inc-engine/show-stats lflow_output | tr -dc '0-9\n' | tr '\n' ' '; }
is_connected() { [ "$(ask connection-status)" = connected ]; }

# The southbound database sends what this node needs in several steps; rules of the first alone would drop packets.
release() {
  until_second=$(($(date +%s) + SETTLE_SECONDS))
  before=
  until is_connected && now=$(computed) && [ -n "$now" ] && [ "$now" = "$before" ]; do
    [ "$(date +%s)" -lt "$until_second" ] || break
    before=${now:-}
    sleep 1
  done
  ctl remove Open_vSwitch . external_ids ovn-ofctrl-wait-before-clear
}

# A node that lost its disk has another name; who it was before still has its tunnel in the southbound database, which takes
# each only once: it leaves.
leave_as_before() {
  own=$(told system-id | tr -d '"')
  while kill -0 $$ 2>/dev/null; do
    remote=$(told ovn-remote | tr -d '"')
    if [ -n "$remote" ] && found=$(ovn-sbctl --db="$remote" -t 10 "$@" --bare --columns=name find Chassis hostname="$(told hostname)" 2>/dev/null); then
      for before in $found; do
        [ "$before" != "$own" ] || continue
        echo "controller.sh: was $before before; that one leaves" >&2
        ovn-sbctl --db="$remote" -t 30 "$@" --if-exists chassis-del "$before" || continue 2
      done
      return
    fi
    sleep 1
  done
}

mkdir -p "$OVN_RUNDIR"
# Of those that were killed.
rm -f "$OVN_RUNDIR"/ovn-controller.*.ctl "$OVN_RUNDIR/ovn-controller.pid"
until ovsdb-client -t 5 wait "unix:$OVS_RUNDIR/db.sock" Open_vSwitch connected >/dev/null 2>&1; do sleep 0.2; done
until is_chassis; do sleep 0.2; done
ctl set Open_vSwitch . external_ids:ovn-ofctrl-wait-before-clear=$((SETTLE_SECONDS * 1000))
release &
set --
[ -z "$TLS" ] || set -- --private-key="$TLS/tls.key" --certificate="$TLS/tls.crt" --ca-cert="$TLS/ca.crt"
leave_as_before "$@" &
exec ovn-controller -vconsole:info -vsyslog:off -vfile:off --no-chdir \
  --pidfile="$OVN_RUNDIR/ovn-controller.pid" "$@" "unix:$OVS_RUNDIR/db.sock"
