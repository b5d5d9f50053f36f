"""What a change costs: who is looked at again, counted."""

from typing import Any

import pytest

from ovnloom.api.ip import IP
from ovnloom.api.meta import Key
from ovnloom.intent import Owner, Row
from ovnloom.pipeline import Pipeline, Turn
from ovnloom.settings import Settings
from tests.compile.manifests import decode

PODS = 1000


def subnet(name: str, cidr: str, **spec: Any) -> dict[str, Any]:
    body = {"apiVersion": "kubeovn.io/v1", "kind": "Subnet", "metadata": {"name": name}}
    return {**body, "spec": {"vpc": "ovn-cluster", "cidrBlock": cidr, **spec}}


def pod(at: int, **annotations: str) -> dict[str, Any]:
    meta = {"name": f"p{at}", "namespace": "default", "uid": f"u{at}", "annotations": annotations}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": {"nodeName": f"n{at % 2}"}}


def node(name: str, ready: bool = True) -> dict[str, Any]:
    condition = {"type": "Ready", "status": str(ready)}
    return {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name}, "status": {"conditions": [condition]}}


def namespace(name: str, **labels: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}


def put(pipeline: Pipeline, *bodies: dict[str, Any]) -> None:
    for found in decode(*bodies):
        pipeline.put(type(found), found.key, found)


@pytest.fixture
def busy() -> Pipeline:
    """A cluster with 1,000 Pods in one Subnet, at rest."""
    pipeline = Pipeline(Settings())
    vpc = {"apiVersion": "kubeovn.io/v1", "kind": "Vpc", "metadata": {"name": "ovn-cluster"}}
    put(pipeline, vpc, subnet("join", "100.64.0.0/16"), subnet("ovn-default", "10.16.0.0/16"), namespace("default"))
    put(pipeline, node("n0"), node("n1"), *(pod(at) for at in range(PODS)))
    pipeline.run()
    pipeline.unsettled.clear()
    return pipeline


def looked_at(turn: Turn) -> set[str]:
    """The owners that a turn compiled, or made choices for."""
    assert not turn.failures
    return {str(owner) for owner in (*turn.intents, *turn.assigned)}


def test_an_edit_that_concerns_no_port_compiles_no_pod(busy: Pipeline) -> None:
    """natOutgoing is the nodes' affair: 9,000 Pods must not pay for it."""
    put(busy, subnet("ovn-default", "10.16.0.0/16", natOutgoing=True, mtu=1300, private=True))

    assert looked_at(busy.turn()) == {"Subnet/ovn-default"}


def test_an_edit_that_concerns_ports_compiles_them_and_chooses_nothing(busy: Pipeline) -> None:
    """DHCP is a column of each port, and no reason to look for addresses."""
    put(busy, subnet("ovn-default", "10.16.0.0/16", enableDHCP=True))

    turn = busy.turn()

    assert len(turn.intents) == PODS + 1
    assert set(map(str, turn.assigned)) <= {"Subnet/ovn-default"}


def test_a_larger_network_compiles_each_pod_once(busy: Pipeline) -> None:
    """The CIDR is on every Pod's annotations; nobody is compiled twice on the way."""
    put(busy, subnet("ovn-default", "10.16.0.0/15"))

    turns = [busy.turn(), busy.turn()]

    assert len(turns[0].intents) <= PODS + 10
    assert looked_at(turns[1]) == set()


@pytest.mark.parametrize(
    "body",
    [pod(PODS), pod(7, **{"ovn.kubernetes.io/port_security": "true"})],
    ids=["a new Pod", "another wish of a Pod"],
)
def test_a_pod_costs_what_it_changes(busy: Pipeline, body: dict[str, Any]) -> None:
    """The cost of a Pod must not grow with the number of Pods."""
    put(busy, body)
    name = body["metadata"]["name"]

    seen: set[str] = set()
    for _ in range(4):
        turn = busy.turn()
        seen |= looked_at(turn)
        for _, choice in turn.choices:
            busy.save(choice)

    assert seen == {f"Pod/default/{name}", f"Membership/default/{name}"}
    assert set(map(str, busy.unsettled)) == {f"Pod/default/{name}"}


def test_a_pod_that_goes_concerns_nobody_else(busy: Pipeline) -> None:
    """Its address is freed in the books, not by asking all others."""
    for found in decode(pod(7)):
        busy.put(type(found), found.key, None)

    seen: set[str] = set()
    for _ in range(4):
        turn = busy.turn()
        seen |= looked_at(turn)
        for _, choice in turn.choices:
            busy.save(choice)

    assert seen == {"Pod/default/p7", "Membership/default/p7"}


def test_a_node_that_flips_concerns_no_pod(busy: Pipeline) -> None:
    """Nodes report their state all the time."""
    put(busy, node("n1", ready=False))

    assert looked_at(busy.turn()) <= {"Node/n1"}


def test_an_address_of_a_node_concerns_no_pod_that_has_one(busy: Pipeline) -> None:
    """A Node's InternalIP is avoided by those who look for an address, not by those who have one."""
    body = node("n1")
    body["status"]["addresses"] = [{"type": "InternalIP", "address": "172.30.0.5"}]
    put(busy, body)

    assert looked_at(busy.turn()) == {"Node/n1"}


def test_another_subnet_concerns_no_pod(busy: Pipeline) -> None:
    """All Subnets of a Vpc are compared with each other; that is one view, and not everybody's affair."""
    put(busy, subnet("blue", "10.20.0.0/24"))

    seen = looked_at(busy.turn())

    assert seen == {"Subnet/blue", "Vpc/ovn-cluster"}


def test_a_label_of_a_namespace_concerns_no_pod(busy: Pipeline) -> None:
    """Pods that have their address don't ask where others get theirs."""
    put(busy, namespace("default", team="a"))

    assert looked_at(busy.turn()) == {"Namespace/default"}


def test_an_object_of_a_megabyte_is_judged_like_any_other(busy: Pipeline) -> None:
    """Junk in free fields costs its own memory, and what a user is told stays short."""
    junk = "x" * 1_000_000
    put(
        busy,
        subnet("blue", junk, gateway=junk, excludeIps=[junk], acls=[{"match": junk, "direction": junk}]),
        subnet("green", "10.21.0.0/24", acls=[{"match": junk, "direction": junk, "action": junk}], gatewayType=junk),
        pod(1, **{"ovn.kubernetes.io/ip_address": junk, "k8s.v1.cni.cncf.io/networks": junk, "junk": junk}),
        pod(PODS, **{"ovn.kubernetes.io/ip_pool": junk}),
        pod(PODS + 1, **{"ovn.kubernetes.io/logical_switch": junk}),
    )

    busy.run()

    said = {owner: busy.problems(owner, intent) for owner, intent in busy.intents()}
    told = {str(owner) for owner, problems in said.items() if problems}
    names = {f"Pod/default/p{at}" for at in (1, PODS, PODS + 1)}
    assert told == {"Subnet/blue", "Subnet/green", *names}
    assert max(len(problem.message) for problems in said.values() for problem in problems) <= 1000


def test_a_bug_in_one_owner_stops_nobody_else(busy: Pipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    """A view that raises fails its readers alone, and they recover by themselves."""
    from ovnloom.world import subnet as judge

    real = judge.parse_cidr_block

    def broken(text: str) -> Any:
        if text == "10.20.0.0/24":
            raise ZeroDivisionError("our own bug")
        return real(text)

    monkeypatch.setattr(judge, "parse_cidr_block", broken)
    put(busy, subnet("blue", "10.20.0.0/24"), pod(PODS))
    turn = busy.turn()
    assert {type(bug) for bug in turn.failures.values()} == {ZeroDivisionError}
    assert Owner("Pod", Key(f"p{PODS}", "default")) in turn.intents

    put(busy, subnet("blue", "10.21.0.0/24"))
    busy.run()

    assert not busy.wanted.held()


def policy(name: str, subject: dict[str, str], peer: dict[str, str], space: str = "default") -> dict[str, Any]:
    spec = {
        "podSelector": {"matchLabels": subject},
        "ingress": [{"from": [{"podSelector": {"matchLabels": peer}}]}],
    }
    meta = {"name": name, "namespace": space}
    return {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": meta, "spec": spec}


def labelled(at: int, **found: str) -> dict[str, Any]:
    body = pod(at)
    return {**body, "metadata": {**body["metadata"], "labels": found}}


def test_a_policy_looks_at_the_pods_that_it_moves(busy: Pipeline) -> None:
    """Others of the namespace are asked by their labels, once for all that have the same, and not compiled."""
    put(busy, labelled(1, app="web"), labelled(2, role="front"))
    busy.run()
    put(busy, policy("first", {"none": "here"}, {"none": "there"}))
    busy.run()

    put(busy, policy("second", {"app": "web"}, {"role": "front"}))
    seen = looked_at(busy.turn())

    owners = {name for name in seen if not name.startswith("Selection/")}
    assert owners == {"NetworkPolicy/default/second", "Membership/default/p1", "Membership/default/p2"}


def test_a_pod_joins_a_set_once_however_many_policies_use_it(busy: Pipeline) -> None:
    """What many policies say alike is one set: its cost is one element."""
    put(busy, *(policy(f"policy-{at}", {"app": "web"}, {"role": "front"}) for at in range(50)))
    busy.run()
    busy.unsettled.clear()

    put(busy, labelled(3, role="front"))
    seen = looked_at(busy.turn())

    assert seen == {"Pod/default/p3", "Membership/default/p3"}
    assert len(busy.wanted.members(Owner("Membership", Key("p3", "default")))) == 1


def test_a_policy_of_another_namespace_looks_at_no_pod_here(busy: Pipeline) -> None:
    """Policies of one team cost another team nothing."""
    put(busy, policy("here", {"app": "web"}, {"role": "front"}))
    busy.run()

    put(busy, namespace("other"), policy("there", {"app": "web"}, {"role": "front"}, space="other"))
    busy.run()
    put(busy, policy("more", {}, {}, space="other"))

    assert {name for name in looked_at(busy.turn()) if name.startswith(("Pod", "Membership"))} == set()


def test_a_gateway_node_that_fails_costs_its_subnets_one_row_each_in_one_plan(busy: Pipeline) -> None:
    """What leaves by it is cut until then, so nothing else may come first; and Pods have no part in it."""
    central = {"gatewayType": "centralized", "gatewayNode": "n0,n1"}
    put(busy, *(subnet(f"out{at}", f"10.30.{at}.0/24", **central) for at in range(3)))
    busy.run()
    busy.unsettled.clear()
    put(busy, node("n0", ready=False))

    turn = busy.turn()

    assert looked_at(turn) == {"Subnet/out0", "Subnet/out1", "Subnet/out2", "Node/n0"}
    hops = {row.columns["nexthops"] for owner, intent in turn.intents.items() for row in intent.rows if _is_out(row)}
    assert hops == {frozenset({str(busy.world.tables[IP][Key("node-n1")].v4)})}
    assert {str(owner) for owner in busy.plan().owners} >= {"Subnet/out0", "Subnet/out1", "Subnet/out2"}
    assert looked_at(busy.turn()) == set()


def _is_out(row: Row) -> bool:
    return row.table == "Logical_Router_Policy" and row.columns["priority"] == 29000 and "10.30." in row.name


def test_a_node_that_has_its_bridge_concerns_its_network_alone(busy: Pipeline) -> None:
    """Labels of nodes change one after the other when a ProviderNetwork comes, and neither Subnets nor Pods pay."""
    network = {"apiVersion": "kubeovn.io/v1", "kind": "ProviderNetwork", "spec": {"defaultInterface": "eth1"}}
    put(busy, *({**network, "metadata": {"name": name}} for name in ("one", "two")))
    put(busy, {**network, "kind": "Vlan", "metadata": {"name": "v"}, "spec": {"id": 5, "provider": "one"}})
    put(busy, subnet("under", "10.31.0.0/24", vlan="v"))
    busy.run()
    body = node("n0")
    body["metadata"]["labels"] = {"one.provider-network.kubernetes.io/ready": "true"}
    put(busy, body)

    assert looked_at(busy.turn()) == {"ProviderNetwork/one", "Node/n0"}
