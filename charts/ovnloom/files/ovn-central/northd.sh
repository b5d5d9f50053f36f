#!/bin/sh
# northd.sh: translates the northbound into the southbound database. Of several only one does, by a lock in the southbound one.
# The environment is that of serve.sh.
set -eu
export OVS_RUNDIR="$OVN_RUNDIR" OVN_RUNDIR

bracketed() { case $1 in *:*) echo "[$1]" ;; *) echo "$1" ;; esac; }

# The databases of this Pod, or of the whole cluster: the leader may be elsewhere.
remotes() {
  if [ "$REPLICAS" = 1 ]; then
    echo "unix:$OVN_RUNDIR/ovn$1_db.sock"
    return
  fi
  proto=${TLS:+ssl}
  all=
  for address in $ADDRESSES; do
    all=$all,${proto:-tcp}:$(bracketed "$address"):$2
  done
  echo "${all#,}"
}

set --
[ -z "$TLS" ] || set -- --private-key="$TLS/tls.key" --certificate="$TLS/tls.crt" --ca-cert="$TLS/ca.crt"
exec ovn-northd -vconsole:info -vsyslog:off -vfile:off --unixctl="$OVN_RUNDIR/ovn-northd.ctl" \
  --ovnnb-db="$(remotes nb "$NB_PORT")" --ovnsb-db="$(remotes sb "$SB_PORT")" "$@"
