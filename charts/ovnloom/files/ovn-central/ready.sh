#!/bin/sh
# ready.sh nb|sb|northd: succeeds when the server does its work. A database: it answers where clients ask, and is connected to its
# cluster. ovn-northd: it is connected to both databases, and translates or stands by. The environment is that of serve.sh.
set -eu
export OVS_RUNDIR="$OVN_RUNDIR" OVN_RUNDIR

ask_northd() { ovs-appctl -T 3 -t "$OVN_RUNDIR/ovn-northd.ctl" "$1"; }

case $LISTEN in
0.0.0.0) here=127.0.0.1 ;;
"[::]") here="[::1]" ;;
*) here=$LISTEN ;;
esac
case $1 in
nb) name=OVN_Northbound port=$NB_PORT ;;
sb) name=OVN_Southbound port=$SB_PORT ;;
northd)
  [ "$(ask_northd nb-connection-status)" = connected ]
  [ "$(ask_northd sb-connection-status)" = connected ]
  ask_northd status | grep -Eq '^Status: (active|standby)$'
  exit
  ;;
esac
if [ -n "$TLS" ]; then
  set -- --private-key="$TLS/tls.key" --certificate="$TLS/tls.crt" --ca-cert="$TLS/ca.crt" -t 3 wait "ssl:$here:$port"
else
  set -- -t 3 wait "tcp:$here:$port"
fi
exec ovsdb-client "$@" "$name" connected
