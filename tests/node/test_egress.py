"""Subnets that leave by a router which their user names."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from ovnloom.api.pod import Pod
from ovnloom.host import routes, rules
from ovnloom.host.routes import OURS, Route
from ovnloom.host.rules import Rule
from ovnloom.node.egress import Egress, wanted
from ovnloom.node.networks import routed
from ovnloom.node.view import View
from ovnloom.settings import NodeSettings
from tests.netns import address, forward, ip, listener, namespace, route, seen_from, wire
from tests.node.views import node, seen, subnet

BLUE = "10.16.0.0/16,fd00:16::/112"
SPEC: dict[str, Any] = {
    "externalEgressGateway": "192.0.2.99,2001:db8::99",
    "policyRoutingPriority": 1001,
    "policyRoutingTableID": 1001,
}
CENTRAL = {**SPEC, "gatewayType": "centralized"}


def pod(name: str, addresses: str, switch: str = "blue") -> Pod:
    """A Pod of this node that has its addresses."""
    said = {"allocated": "true", "ip_address": addresses, "logical_switch": switch}
    annotations = {f"ovn.kubernetes.io/{word}": text for word, text in said.items()}
    return Pod.decode({"metadata": {"name": name, "namespace": "shop", "annotations": annotations}})


def detour(view: View) -> Any:
    """What a node should have that knows nothing from before."""
    return wanted(view, routed(view, NodeSettings(), {}))


def test_a_distributed_subnet_has_a_rule_for_each_pod_of_the_node() -> None:
    """Pods of other nodes leave there; a rule for the CIDR would catch what only passes here."""
    found = detour(seen(subnet("blue", BLUE, **SPEC), pod("a", "10.16.0.5,fd00:16::5"), pod("b", "10.17.0.5", "red")))

    assert found.rules == {Rule(1001, "10.16.0.5/32", 1001), Rule(1001, "fd00:16::5/128", 1001)}
    assert found.routes == {Route("0.0.0.0/0", "192.0.2.99", table=1001), Route("::/0", "2001:db8::99", table=1001)}


@pytest.mark.parametrize(
    ("more", "is_here"),
    [
        ({"gatewayNode": "worker-2, worker-1:192.0.2.4"}, True),
        ({"gatewayNode": "worker-2"}, False),
        ({"gatewayNodeSelectors": [{"matchLabels": {"zone": "a"}}]}, True),
        ({"gatewayNodeSelectors": [{"matchLabels": {"zone": "b"}}]}, False),
        ({"gatewayNode": "worker-2", "gatewayNodeSelectors": [{"matchLabels": {"zone": "a"}}]}, False),
    ],
)
def test_a_centralised_subnet_has_a_rule_on_its_gateways(more: dict[str, Any], is_here: bool) -> None:
    """gatewayNodeSelectors count where gatewayNode is empty."""
    me = node("worker-1", "192.0.2.10")
    me = type(me).decode({"metadata": {"name": "worker-1", "labels": {"zone": "a"}}})

    found = detour(seen(me, subnet("blue", BLUE, **CENTRAL, **more), pod("a", "10.16.0.5")))

    assert {each.source for each in found.rules} == ({"10.16.0.0/16", "fd00:16::/112"} if is_here else set())


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ({"policyRoutingTableID": 254}, "policyRoutingTableID"),
        ({"policyRoutingPriority": 32766}, "policyRoutingPriority"),
        ({"policyRoutingPriority": 0}, "policyRoutingPriority"),
        ({"externalEgressGateway": "nonsense"}, "externalEgressGateway"),
    ],
)
def test_what_would_break_the_host_is_not_done(spec: dict[str, Any], said: str) -> None:
    """A default route in the main table cuts the node off; a rule behind the main table has no effect."""
    found = detour(seen(subnet("blue", BLUE, **{**SPEC, **spec}), pod("a", "10.16.0.5")))

    assert (found.rules, found.routes) == (frozenset(), frozenset())
    assert said in found.problems[0]


def test_a_table_has_one_gateway() -> None:
    """Of two Subnets that want it differently one would silently lose; so that one is told."""
    other = subnet("red", "10.17.0.0/16", **{**SPEC, "externalEgressGateway": "192.0.2.98"})

    found = detour(seen(subnet("blue", BLUE, **SPEC), other, pod("a", "10.16.0.5"), pod("b", "10.17.0.5", "red")))

    assert {each.source for each in found.rules} == {"10.16.0.5/32"}
    assert "red" in found.problems[0]
    assert "blue" in found.problems[0]


def test_nat_outgoing_goes_before_it() -> None:
    """The contract serves the gateway only where the node doesn't hide the Pods."""
    assert detour(seen(subnet("blue", BLUE, natOutgoing=True, **SPEC), pod("a", "10.16.0.5"))).rules == frozenset()


@pytest.mark.parametrize("pod_address", ["10.16.0.5", "fd00:16::5"])
async def test_the_pod_leaves_by_that_router_and_comes_back_when_it_may_not(alone: str, pod_address: str) -> None:
    """Packets decide: the address that is asked for is one that only that router has."""
    far = "198.51.100.1" if "." in pod_address else "2001:db8:f::1"
    with namespace() as pods, namespace() as router:
        wire(alone, "ovn0", pods)
        wire(alone, "eth0", router)
        address(alone, "ovn0", "100.64.0.2/16", "fd00:64::2/112")
        address(alone, "eth0", "192.0.2.10/24", "2001:db8::10/64")
        address(router, "eth0", "192.0.2.99/24", "2001:db8::99/64")
        address(router, "lo", "198.51.100.1/32", "2001:db8:f::1/128")
        address(pods, "eth0", "100.64.0.1/16", "10.16.0.5/32", "fd00:64::1/112", "fd00:16::5/128")
        forward(alone)
        for cidr, near, out in (
            ("10.16.0.0/16", "100.64.0.1", "192.0.2.10"),
            ("fd00:16::/112", "fd00:64::1", "2001:db8::10"),
        ):
            route(alone, cidr, near)
            route(router, cidr, out)
        route(pods, "default", "100.64.0.2")
        route(pods, "::/0", "fd00:64::2")
        part = Egress(NodeSettings())
        blue = subnet("blue", BLUE, **SPEC)
        with listener(router, far) as server:
            assert seen_from(server, pods, far, pod_address) is None

            await part.converge(seen(blue, pod("a", "10.16.0.5,fd00:16::5")))
            assert seen_from(server, pods, far, pod_address) == pod_address

            await part.converge(seen(blue))
            assert seen_from(server, pods, far, pod_address) is None

        await part.converge(seen())
        assert (await rules.ours(), await routes.in_tables(OURS)) == (frozenset(), frozenset())


async def test_what_is_right_is_not_touched_and_what_is_removed_comes_back(alone: str) -> None:
    """A rule that is made anew lets packets pass by the main table for a moment."""
    with namespace() as router:
        wire(alone, "eth0", router)
        address(alone, "eth0", "192.0.2.10/24", "2001:db8::10/64")
        view = seen(subnet("blue", BLUE, **SPEC), pod("a", "10.16.0.5,fd00:16::5"))
        found = detour(view)
        part = Egress(NodeSettings())
        woken: asyncio.Queue[None] = asyncio.Queue()
        following = asyncio.create_task(part.follow(lambda: woken.put_nowait(None)))
        try:
            async with asyncio.timeout(10):
                await woken.get()  # the first look
                await part.converge(view)
                ip("rule del from 10.16.0.5")
                ip("route flush table 1001")
                while (await rules.ours(), await routes.in_tables(OURS)) != (found.rules, found.routes):
                    await woken.get()
                    await part.converge(view)
        finally:
            following.cancel()
