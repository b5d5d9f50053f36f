"""Metrics: one line each, with its unit and what it is good for."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)

queue_length = Gauge("ovnloom_queue_length", "Owners that wait to be compiled.")
queue_age = Gauge("ovnloom_queue_age_seconds", "Age of the oldest owner that waits to be compiled.")
batch_size = Histogram(
    "ovnloom_batch_owners", "Owners in one batch.", buckets=(1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)
)
stage_seconds = Histogram("ovnloom_stage_seconds", "Time of one batch in one stage.", ["stage"], buckets=_SECONDS)
operations = Counter(
    "ovnloom_plan_operations_total", "Operations written to the northbound database.", ["table", "operation"]
)
drift_repaired = Counter(
    "ovnloom_drift_repaired_total", "Operations that undid a change somebody else made to our rows.", ["table"]
)
held_owners = Gauge(
    "ovnloom_held_owners", "Owners whose rows are left as they are until their problem is solved.", ["kind"]
)
refused_owners = Counter("ovnloom_refused_owners_total", "Owners whose part of a transaction OVN refused.", ["kind"])
compile_failures = Counter(
    "ovnloom_compile_failures_total", "Unexpected exceptions in the compile of one owner.", ["kind"]
)
budget_stops = Counter("ovnloom_budget_stops_total", "Plans that stopped because they would delete too much.")
budget_waiting = Gauge("ovnloom_budget_waiting_rows", "Rows that wait for approval of their deletion.")
idl_state = Gauge(
    "ovnloom_idl_state", "1 for the state that the connection to the northbound database is in.", ["state"]
)
is_leader = Gauge("ovnloom_leader", "1 while this replica holds the Lease and the database lock.")
world_complete = Gauge("ovnloom_world_complete", "1 once every kind has been listed.")
owned_rows = Gauge("ovnloom_owned_rows", "Rows in the northbound database that carry our owner.")
kube_writes = Counter(
    "ovnloom_kube_writes_total",
    "Requests that wrote to the API server, by what came of them.",
    ["verb", "kind", "outcome"],
)
kube_seconds = Histogram(
    "ovnloom_kube_write_seconds", "Time of one write to the API server.", ["verb"], buckets=_SECONDS
)
waiting_pods = Gauge("ovnloom_waiting_pods", "Pods that wait for a free address.", ["subnet"])

# The agent of a node.
part_seconds = Histogram(
    "ovnloom_node_part_seconds",
    "Time in which one part of a node was made right, by what came of it.",
    ["part", "outcome"],
    buckets=_SECONDS,
)
part_failing = Gauge("ovnloom_node_part_failing", "1 while a part of a node isn't as it should be.", ["part"])
pod_seconds = Histogram(
    "ovnloom_node_pod_seconds",
    "Time of one step of a Pod's interface: `told` (its address is known), `port`, `installed` (by ovn-controller), "
    "`inside`; `own` is all but the waiting for others.",
    ["step"],
    buckets=_SECONDS,
)
pods_busy = Gauge("ovnloom_node_busy", "Interfaces of Pods that are being made or removed now.")
leftovers = Counter("ovnloom_node_leftovers_total", "Interfaces of Pods that were gone, removed.")

# Names that dashboards of kube-ovn know.
cni_latency = Histogram(
    "cni_op_latency_seconds",
    "Time of one request of the CNI plugin.",
    ["node_name", "method", "status_code"],
    buckets=_SECONDS,
)
cni_wait_address = Counter("cni_wait_address_seconds", "Time that Pods waited for their address.", ["node_name"])
cni_wait_route = Counter("cni_wait_route_seconds", "Time that Pods waited for their route.", ["node_name"])
cni_wait_connectivity = Counter(
    "cni_wait_connectivity_seconds", "Time that Pods waited for OVN to connect their port.", ["node_name"]
)
subnet_available_ips = Gauge(
    "kube_ovn_subnet_available_ip_count",
    "Addresses of a Subnet that are free.",
    ["subnet_name", "protocol", "subnet_cidr"],
)
subnet_used_ips = Gauge(
    "kube_ovn_subnet_used_ip_count",
    "Addresses of a Subnet that are in use.",
    ["subnet_name", "protocol", "subnet_cidr"],
)
_TRAFFIC = ["hostname", "subnet_name", "cidr", "direction", "protocol"]
gateway_packets = Gauge(
    "ovn_subnet_gateway_packets",
    "Packets that left a Subnet (egress) or came to it (ingress) through this node as a gateway; it counts up.",
    _TRAFFIC,
)
gateway_bytes = Gauge("ovn_subnet_gateway_packet_bytes", "The bytes of these packets; it counts up.", _TRAFFIC)
