#!/bin/sh
# serve.sh nb|sb: serves one database of OVN in the foreground, alone or as a member of a raft cluster.
# From the environment: OVN_DBDIR, OVN_RUNDIR, OVN_SCHEMAS, LISTEN, NB_PORT, SB_PORT, NB_RAFT_PORT, SB_RAFT_PORT, PROBE_SECONDS,
# LOOK_SECONDS, ELECTION_TIMER, REPLICAS, ADDRESSES (space separated), OWN_ADDRESS, TLS (a folder with tls.key, tls.crt, ca.crt; empty: plain TCP).
set -eu

say() { echo "serve.sh $db: $*" >&2; }
die() { say "$*"; exit 1; }
bracketed() { case $1 in *:*) echo "[$1]" ;; *) echo "$1" ;; esac; }

db=$1
case $db in
nb) name=OVN_Northbound global=NB_Global port=$NB_PORT raft_port=$NB_RAFT_PORT ctl=ovn-nbctl ;;
sb) name=OVN_Southbound global=SB_Global port=$SB_PORT raft_port=$SB_RAFT_PORT ctl=ovn-sbctl ;;
*) die "nb or sb?" ;;
esac
schema=$OVN_SCHEMAS/ovn-$db.ovsschema
file=$OVN_DBDIR/ovn${db}_db.db
socket=$OVN_RUNDIR/ovn${db}_db.sock
control=$OVN_RUNDIR/ovn${db}_db.ctl
export OVS_RUNDIR="$OVN_RUNDIR" OVN_RUNDIR

proto=tcp
if [ -n "$TLS" ]; then
  proto=ssl
  # ovsdb-server and ovsdb-client name these options alike.
  set -- --private-key="$TLS/tls.key" --certificate="$TLS/tls.crt" --ca-cert="$TLS/ca.crt"
else
  set --
fi

raft_address() { echo "$proto:$(bracketed "$1"):$raft_port"; }

# Whether another member serves this database: then there is a cluster, and making a second one would split the network.
# Asked for a while: the others may just be restarting too.
is_cluster_up() {
  until_second=$(($(date +%s) + LOOK_SECONDS))
  while :; do
    for address in $ADDRESSES; do
      [ "$address" = "$OWN_ADDRESS" ] && continue
      remote=$proto:$(bracketed "$address"):$port
      if ovsdb-client "$@" -t 3 list-dbs "$remote" 2>/dev/null | grep -qx "$name"; then return 0; fi
    done
    [ "$(date +%s)" -lt "$until_second" ] || return 1
    sleep 1
  done
}

make_member() {
  first=${ADDRESSES%% *}
  own=$(raft_address "$OWN_ADDRESS")
  if [ "$OWN_ADDRESS" = "$first" ] && ! is_cluster_up "$@"; then
    source=$schema
    if [ -s "$file" ]; then
      say "the database was alone so far and becomes the first member of a cluster; the old file is $file.alone"
      mv -f "$file" "$file.alone"
      source=$file.alone
    fi
    say "making a cluster at $own"
    ovsdb-tool --election-timer="$ELECTION_TIMER" create-cluster "$file" "$source" "$own"
    return
  fi
  [ -s "$file" ] && mv -f "$file" "$file.alone"
  remotes=
  for address in $ADDRESSES; do
    [ "$address" = "$OWN_ADDRESS" ] || remotes="$remotes $(raft_address "$address")"
  done
  say "joining the cluster of$remotes as $own"
  # shellcheck disable=SC2086  # one word for each member
  ovsdb-tool join-cluster "$file" "$name" "$own" $remotes
}

# ovsdb-server is not started yet: the file is there in the form that is wanted.
make_file() {
  if [ "$REPLICAS" = 1 ]; then
    if [ ! -s "$file" ]; then
      ovsdb-tool create "$file" "$schema"
    elif ! ovsdb-tool db-is-standalone "$file"; then
      die "$file belongs to a raft cluster; set ovnCentral.replicas back, or make it stand alone: ovsdb-tool cluster-to-standalone NEW $file"
    fi
    return
  fi
  case " $ADDRESSES " in
  *" $OWN_ADDRESS "*) ;;
  *) die "this node has the address $OWN_ADDRESS, which is not in ovnCentral.addresses ($ADDRESSES); add it or select other nodes by ovnCentral.nodeSelector" ;;
  esac
  if [ ! -s "$file" ] || ovsdb-tool db-is-standalone "$file"; then make_member "$@"; fi
}

# Who this member was before it lost its disk still counts when the cluster looks for a majority: it leaves.
leave_as_before() {
  own=$(raft_address "$OWN_ADDRESS")
  ovs-appctl -T 10 -t "$control" cluster/status "$name" |
    awk -v own="$own)" 'index($0, " at " own) && !/\(self\)/ { print $1 }' |
    while read -r before; do
      say "was $before before; that one leaves the cluster"
      ovs-appctl -T 60 -t "$control" cluster/kick "$name" "$before" || say "not left: cluster/kick $name $before has to be repeated by hand"
    done
}

# ovsdb-server runs: the schema is that of our OVN or newer, and it listens as wanted.
settle() {
  # A member of a new cluster waits for the others, for as long as it takes.
  until ovsdb-client -t 30 wait "unix:$socket" "$name" connected >/dev/null 2>&1; do
    kill -0 $$ 2>/dev/null || exit 1
    sleep 1
  done
  if [ "$REPLICAS" != 1 ]; then leave_as_before; fi
  there=$(ovsdb-client -t 30 get-schema-version "unix:$socket" "$name")
  ours=$(ovsdb-tool schema-version "$schema")
  if ovsdb-tool compare-versions "$there" '<' "$ours"; then
    say "converting from schema $there to $ours; the rows of before are in $file.$there"
    ovsdb-client -t 60 backup "unix:$socket" "$name" >"$file.$there"
    ovsdb-client -t 60 convert "unix:$socket" "$schema"
  elif ovsdb-tool compare-versions "$there" '>' "$ours"; then
    say "the database has schema $there, newer than our $ours: an upgrade is under way, or this image is older than the last one"
  fi
  listen=p$proto:$port:$LISTEN
  probe=$((PROBE_SECONDS * 1000))
  # Only when it isn't so already: a row that is written anew closes the port for a moment, on every member.
  set -- "$ctl" --no-leader-only --db="unix:$socket" -t 60
  if [ "$("$@" --no-headings --format=csv --data=bare --columns=target,inactivity_probe list connection)" != "$listen,$probe" ]; then
    "$@" init -- --inactivity-probe="$probe" set-connection "$listen"
    say "listening on $listen"
  fi
}

mkdir -p "$OVN_RUNDIR"
rm -f "$socket"
make_file "$@"
settle &
exec ovsdb-server -vconsole:info -vsyslog:off -vfile:off --no-chdir \
  --remote="punix:$socket" --remote="db:$name,$global,connections" \
  --unixctl="$control" "$@" "$file"
