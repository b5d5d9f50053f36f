#!/bin/sh
# ovsdb.sh: serves the database of the node's Open vSwitch in the foreground, and writes into it what the node is to OVN.
# From the environment: OVS_DBDIR (conf.db and system-id.conf), OVS_RUNDIR, OVS_SCHEMAS, NODE_NAME, ENCAP_TYPE, OVN_REMOTE (empty: the
# node agent says where the southbound database is), DATAPATH (auto, kernel or userspace), HW_OFFLOAD (true or false).
set -eu

say() { echo "ovsdb.sh: $*" >&2; }
die() { say "$*"; exit 1; }

schema=$OVS_SCHEMAS/vswitch.ovsschema
file=$OVS_DBDIR/conf.db
socket=$OVS_RUNDIR/db.sock
identity=$OVS_DBDIR/system-id.conf
export OVS_RUNDIR

# Two servers of one file would be two switches on one node.
if ovsdb-client -t 3 list-dbs "unix:$socket" >/dev/null 2>&1; then
  die "another ovsdb-server answers at $socket: the node has an Open vSwitch of its own; set ovs.mode to host, or stop and disable it"
fi

make_file() {
  mkdir -p "$OVS_DBDIR" "$OVS_RUNDIR"
  if [ ! -s "$file" ]; then
    ovsdb-tool create "$file" "$schema"
  elif [ "$(ovsdb-tool needs-conversion "$file" "$schema")" = yes ]; then
    say "converting from schema $(ovsdb-tool db-version "$file"); the rows of before are in $file.before"
    cp -p "$file" "$file.before"
    ovsdb-tool convert "$file" "$schema"
  fi
  # The chassis keeps its name for as long as the node keeps its disk.
  [ -s "$identity" ] || cat /proc/sys/kernel/random/uuid >"$identity"
}

is_kernel_able() { ovs-dpctl dump-dps >/dev/null 2>&1; }

settle() {
  until ovsdb-client -t 5 wait "unix:$socket" Open_vSwitch connected >/dev/null 2>&1; do
    kill -0 $$ 2>/dev/null || exit 1
    sleep 0.2
  done
  case $DATAPATH in
  kernel) datapath=system ;;
  userspace) datapath=netdev ;;
  *) datapath=netdev; if is_kernel_able; then datapath=system; fi ;;
  esac
  set -- --db="unix:$socket" --no-wait -t 30
  ovs-vsctl "$@" init -- remove Open_vSwitch . external_ids ovnloom-leaves
  set -- "$@" set Open_vSwitch . \
    external_ids:system-id="$(cat "$identity")" external_ids:hostname="$NODE_NAME" \
    external_ids:ovnloom-serves=true \
    external_ids:ovn-encap-type="$ENCAP_TYPE" external_ids:ovn-bridge-datapath-type="$datapath" \
    external_ids:ovn-remote-probe-interval=10000 external_ids:ovn-openflow-probe-interval=180 \
    other_config:hw-offload="$HW_OFFLOAD"
  [ -z "$OVN_REMOTE" ] || set -- "$@" external_ids:ovn-remote="\"$OVN_REMOTE\""
  # A thread for each of many CPUs costs more memory than it brings throughput.
  [ "$(nproc)" -le 12 ] || set -- "$@" other_config:n-handler-threads=10 other_config:n-revalidator-threads=4
  ovs-vsctl "$@"
  say "chassis $(cat "$identity") with datapath $datapath"
}

make_file
rm -f "$socket"
settle &
exec ovsdb-server -vconsole:info -vsyslog:off -vfile:off --no-chdir --pidfile="$OVS_RUNDIR/ovsdb-server.pid" \
  --remote="punix:$socket" --remote=db:Open_vSwitch,Open_vSwitch,manager_options "$file"
