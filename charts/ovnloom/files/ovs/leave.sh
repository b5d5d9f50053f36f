#!/bin/sh
# leave.sh: ends ovn-controller and keeps its chassis and ports in the southbound database, so that the other nodes go on sending to this one.
set -eu
exec ovs-appctl -T 10 -t "$OVN_RUNDIR/ovn-controller.$(cat "$OVN_RUNDIR/ovn-controller.pid").ctl" exit --restart
