"""How Pods leave a cluster, as a host outside sees them: by which node, with which address, and when one fails."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest

from demo.tour.install import NAMESPACE
from demo.tour.place import ECHO, Place, Pod, at, host_of
from sandbox import Host, until
from tests.cluster.bound import WEB, bound, change

pytestmark = [pytest.mark.xdist_group("nodes"), pytest.mark.long, pytest.mark.timeout(300)]

NAME, CIDR = "gateways", "10.90.0.0/24"
NODES = "worker-1,worker-2"
BEYOND = "203.0.113.9"
"""An address behind the host outside, which no router but that one knows."""
METRICS = 10665
PATIENCE = 60.0
USUAL: dict[str, Any] = {
    "gatewayType": "centralized",
    "gatewayNode": NODES,
    "gatewayNodeSelectors": None,
    "natOutgoing": True,
    "enableEcmp": False,
    "natOutgoingPolicyRules": None,
    "externalEgressGateway": None,
    "policyRoutingTableID": None,
    "policyRoutingPriority": None,
}


@dataclass(frozen=True)
class Ways:
    """A Subnet, a Pod of it on each node, and what the host outside sees of them."""

    place: Place
    pods: tuple[Pod, Pod]

    def sees(self, pod: Pod, address: str = "", right: Callable[[str], bool] = bool) -> str:
        """The source that a server outside sees, the first right one if there is any."""
        url = at(address or self.place.outside.address, ECHO, "/clientip")
        return host_of(self.place.answers(partial(self.place.asks, pod, url), lambda said: right(host_of(said))))

    def leave_by(self, pod: Pod, source: str, address: str = "") -> bool:
        return self.sees(pod, address, source.__eq__) == source

    def address(self, node: str) -> str:
        return self.place.nodes[node]

    def host(self, node: str) -> Host:
        return self.place.sandbox.host(node)

    @property
    def active(self) -> str:
        """The node that the Subnet says carries its traffic."""
        return str(self.place.get("subnet", NAME).get("status", {}).get("activateGateway", ""))

    def until_active(self, node: str) -> None:
        until(lambda: self.active == node, f"{node} to be the gateway", PATIENCE)

    def set(self, **spec: Any) -> None:
        change(self.place, NAME, **spec)

    @contextmanager
    def known_outside(self, node: str) -> Iterator[None]:
        """The host outside has a route to the Pods, by this node; without it no answer would find one."""
        outside = self.place.outside
        outside.run("ip", "route", "replace", CIDR, "via", self.address(node))
        try:
            yield
        finally:
            outside.run("ip", "route", "delete", CIDR)


@pytest.fixture(scope="module")
def site(place: Place) -> Iterator[Ways]:
    place.outside.run("ip", "address", "replace", f"{BEYOND}/32", "dev", "lo")
    try:
        with bound(place, NAME, cidrBlock=CIDR, **{key: value for key, value in USUAL.items() if value}) as pods:
            first, second = pods
            yield Ways(place, (first, second))
    finally:
        place.outside.run("ip", "address", "delete", f"{BEYOND}/32", "dev", "lo")


@pytest.fixture
def ways(site: Ways) -> Ways:
    """The Subnet is centralised, with worker-1 as the active one of two gateway nodes."""
    site.set(**{**USUAL, "gatewayNode": "worker-1"})
    site.until_active("worker-1")
    site.set(gatewayNode=NODES)
    for pod in site.pods:
        assert site.leave_by(pod, site.address("worker-1"))
    return site


def test_pods_of_all_nodes_leave_by_the_active_gateway_node(ways: Ways) -> None:
    """Firewalls outside know one address for the whole Subnet; the second node only stands by."""
    assert [ways.sees(pod) for pod in ways.pods] == [ways.address("worker-1")] * 2
    assert ways.active == "worker-1"


def test_labels_choose_gateway_nodes_where_no_names_do(ways: Ways) -> None:
    """Nodes come and go under other names; what they are for is said by labels."""
    ways.set(gatewayNode="", gatewayNodeSelectors=[{"matchLabels": {"kubernetes.io/hostname": "worker-2"}}])
    for pod in ways.pods:
        assert ways.leave_by(pod, ways.address("worker-2"))


def test_another_order_of_the_list_moves_nothing(ways: Ways) -> None:
    """Who goes to the other node breaks all connections, so the active one stays as long as it can be used."""
    ways.set(gatewayNode="worker-2,worker-1", enableEcmp=False)
    seen = ways.place.get("subnet", NAME)["metadata"]["generation"]
    until(lambda: _has_read(ways, seen), "the controller to have read the list", PATIENCE)

    assert ways.active == "worker-1"
    assert [ways.sees(pod) for pod in ways.pods] == [ways.address("worker-1")] * 2


def test_traffic_goes_out_by_the_other_node_once_the_active_one_is_not_ready_and_stays_there(ways: Ways) -> None:
    """A gateway node that loses its power takes nobody with it, and its return breaks no connection again."""
    # A leader on the node that fails would first have to lose its Lease, which takes less than the cluster does.
    active, other = _followed(ways), _led(ways)
    ways.set(gatewayNode=active)
    ways.until_active(active)
    ways.set(gatewayNode=NODES)
    pod = next(each for each in ways.pods if each.node == other)
    assert ways.leave_by(pod, ways.address(active))
    with _not_ready(ways, active):
        assert ways.leave_by(pod, ways.address(other))
        ways.until_active(other)
    ready = ("--for=condition=Ready", f"--timeout={PATIENCE:.0f}s")
    ways.place.sandbox.kubectl("wait", "node", active, *ready, seconds=PATIENCE + 30)

    assert [ways.sees(each) for each in ways.pods] == [ways.address(other)] * 2
    assert ways.active == other


def test_with_ecmp_both_nodes_carry_traffic_at_once(ways: Ways) -> None:
    """One node's interface would be the limit for the whole Subnet otherwise."""
    ways.set(enableEcmp=True)
    wanted = {ways.address("worker-1"), ways.address("worker-2")}
    seen: set[str] = set()

    def ask() -> bool:
        seen.update(ways.sees(pod) for pod in ways.pods)
        return seen >= wanted

    until(ask, "connections by both nodes", PATIENCE)
    assert seen == wanted


def test_a_gateway_node_sends_from_the_address_that_the_list_names(ways: Ways) -> None:
    """An address for each Subnet, which the node has beside its own, tells tenants apart outside."""
    fixed = _free(ways)
    node = ways.host("worker-1")
    device = _device(node, ways.address("worker-1"))
    node.run("ip", "address", "replace", f"{fixed}/32", "dev", device)
    try:
        ways.set(gatewayNode=f"worker-1:{fixed}")
        for pod in ways.pods:
            assert ways.leave_by(pod, fixed)
    finally:
        node.run("ip", "address", "delete", f"{fixed}/32", "dev", device)


def test_without_nat_the_world_sees_the_pod_itself(ways: Ways) -> None:
    """Where routers know the cluster's networks nothing has to be hidden."""
    ways.set(natOutgoing=False)
    with ways.known_outside("worker-1"):
        for pod in ways.pods:
            assert ways.leave_by(pod, pod.address)
            assert ways.place.answers(partial(ways.place.asks_from_outside, at(pod.address, WEB))) == pod.name


def test_rules_say_for_whom_and_where_to_a_source_stays(ways: Ways) -> None:
    """A data centre that routes Pods and a world that doesn't need different treatment in one Subnet."""
    first, second = ways.pods
    outside = ways.place.outside.address
    rules = [
        {"match": {"srcIPs": first.address, "dstIPs": f"{outside}/32"}, "action": "forward"},
        {"match": {"dstIPs": f"{outside}/32"}, "action": "nat"},
    ]
    ways.set(natOutgoingPolicyRules=rules)
    with ways.known_outside("worker-1"):
        assert ways.leave_by(first, first.address)
        assert ways.leave_by(second, ways.address("worker-1"))


@pytest.mark.parametrize("kind", ["distributed", "centralized"])
def test_an_external_egress_gateway_leads_pods_and_nobody_else_to_its_router(ways: Ways, kind: str) -> None:
    """The router sees the Pods' own addresses; the node itself goes on by its own default route."""
    place, outside = ways.place, ways.place.outside
    egress = {"externalEgressGateway": outside.address, "policyRoutingTableID": 1001, "policyRoutingPriority": 1001}
    ways.set(gatewayType=kind, natOutgoing=False, **egress)
    for pod in ways.pods:
        with ways.known_outside(pod.node if kind == "distributed" else "worker-1"):
            assert ways.leave_by(pod, pod.address, BEYOND)
    for node in place.nodes:
        assert f"via {outside.address}" not in ways.host(node).run("ip", "route", "get", BEYOND)


def test_counters_say_what_a_subnet_sent_through_a_gateway_node(ways: Ways) -> None:
    """Whose traffic fills the gateway's interface is the first question when it is full."""
    first, second = (_bytes(ways, node) for node in ("worker-1", "worker-2"))
    assert ways.leave_by(ways.pods[1], ways.address("worker-1"))

    until(lambda: _bytes(ways, "worker-1") >= first + 500, "the counters of the gateway node", PATIENCE)
    assert _bytes(ways, "worker-2") == second


def _bytes(ways: Ways, node: str) -> float:
    """What the node says it has passed on for the Subnet, both ways."""
    text = ways.place.asks_from_outside(at(ways.address(node), METRICS, "/metrics")) or ""
    lines = [line for line in text.splitlines() if line.startswith("ovn_subnet_gateway_packet_bytes{")]
    return sum(float(line.rpartition(" ")[2]) for line in lines if f'"{CIDR}"' in line)


@contextmanager
def _not_ready(ways: Ways, node: str) -> Iterator[None]:
    """The node is frozen, and the API server has been told so, as its controllers would after some 50 s."""
    host = ways.host(node)
    host.freeze()
    try:
        condition = (
            '{"status":{"conditions":[{"type":"Ready","status":"Unknown","reason":"NodeStatusUnknown",'
            '"message":"frozen","lastHeartbeatTime":null,"lastTransitionTime":null}]}}'
        )
        ways.place.kubectl("patch", "node", node, "--subresource=status", "-p", condition)
        yield
    finally:
        host.thaw()


def _led(ways: Ways) -> str:
    """The node of the controller that leads."""
    holder = ways.place.get("lease", "kube-ovn-controller", "-n", NAMESPACE)["spec"]["holderIdentity"]
    return str(ways.place.get("pod", holder, "-n", NAMESPACE)["spec"]["nodeName"])


def _followed(ways: Ways) -> str:
    """A node of no such controller."""
    return next(node for node in ways.place.nodes if node != _led(ways))


def _has_read(ways: Ways, generation: int) -> bool:
    said = ways.place.get("subnet", NAME)["status"].get("conditions", [])
    return any(each.get("observedGeneration", 0) >= generation for each in said)


def _free(ways: Ways) -> str:
    """An address of the nodes' network that nobody has."""
    return ways.place.outside.fabric.of_host(150)[0]


def _device(host: Host, address: str) -> str:
    """The interface that has the address."""
    return next(line.split()[1] for line in host.run("ip", "-o", "address").splitlines() if f" {address}/" in line)
