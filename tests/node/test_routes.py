"""Routes of a node to Pods, in its kernel."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from ovnloom.api.node import Node
from ovnloom.api.subnet import Subnet
from ovnloom.errors import Unavailable
from ovnloom.host.routes import Route, on_link
from ovnloom.node.joined import joined
from ovnloom.node.networks import routed
from ovnloom.node.routes import Routes
from ovnloom.node.view import View
from ovnloom.settings import NodeSettings
from tests.netns import address, ip, namespace, wire
from tests.node.views import VALID, node, seen, subnet

JOIN = subnet("join", "100.64.0.0/16,fd00:64::/112")
BLUE = subnet("blue", "10.16.0.0/16,fd00:16::/112")
GIVEN = {
    "ip_address": "100.64.0.2,fd00:64::2",
    "mac_address": "00:00:00:12:34:56",
    "cidr": "100.64.0.0/16,fd00:64::/112",
    "gateway": "100.64.0.1,fd00:64::1",
}
ME = node("worker-1", "192.0.2.10", "2001:db8::10", annotations=GIVEN)
V4, V6 = (
    Route("10.16.0.0/16", "100.64.0.1", "192.0.2.10", "ovn0"),
    Route("fd00:16::/112", "fd00:64::1", "2001:db8::10", "ovn0"),
)
CONNECTED = {Route("100.64.0.0/16", "", "100.64.0.2", "ovn0"), Route("fd00:64::/112", link="ovn0")}


@pytest.fixture
def host(alone: str) -> Iterator[str]:
    """A node with ovn0 and a NIC, in which the test runs."""
    with namespace() as far:
        wire(alone, "ovn0", far)
        wire(alone, "eth0", far, "eth1")
        address(alone, "ovn0", "100.64.0.2/16", "fd00:64::2/112")
        address(alone, "eth0", "192.0.2.10/24", "2001:db8::10/64")
        yield alone


def told(*subnets: Subnet, me: Node = ME) -> View:
    """What worker-1 knows with these Subnets besides the join Subnet."""
    return seen(me, JOIN, *subnets)


async def test_pods_are_reached_with_the_address_that_the_cluster_knows(host: str) -> None:
    """NetworkPolicies and logs know a node by its InternalIP; the join address is ours alone."""
    await Routes(NodeSettings()).converge(told(BLUE))

    assert await on_link("ovn0") == {V4, V6, *CONNECTED}
    assert " src 192.0.2.10 " in ip("route get 10.16.0.5")
    assert " src 2001:db8::10 " in ip("route get fd00:16::5")


async def test_what_is_gone_or_changed_is_put_right(host: str) -> None:
    """A Subnet that was deleted must not keep addresses of the physical network away from this host."""
    part = Routes(NodeSettings())
    await part.converge(told(BLUE, subnet("old", "10.20.0.0/24")))
    for words in ("add 10.99.0.0/24 via 100.64.0.9", "del 10.16.0.0/16", "del 100.64.0.0/16", "del fd00:64::/112"):
        ip(f"route {words}")

    await part.converge(told(BLUE))

    assert await on_link("ovn0") == {V4, V6, *CONNECTED}


async def test_routes_of_others_stay(host: str) -> None:
    """The host's own network is none of ours, whatever it is."""
    ip("route add 198.51.100.0/24 via 192.0.2.1")
    before = await on_link("eth0")

    await Routes(NodeSettings()).converge(told(BLUE))

    assert await on_link("eth0") == before
    assert Route("198.51.100.0/24", "192.0.2.1", "", "eth0") in (before or ())


async def test_a_subnet_in_which_the_node_lives_gets_no_route(host: str) -> None:
    """It would lead the node's own packets, to the API server too, into OVN."""
    await Routes(NodeSettings()).converge(told(subnet("around", "192.0.2.0/24")))

    assert await on_link("ovn0") == CONNECTED


async def test_a_subnet_that_is_wrong_now_keeps_its_route(host: str) -> None:
    """After a restart of the agent as well, when nobody remembers what it was."""
    await Routes(NodeSettings()).converge(told(BLUE))
    no = ({"type": "Validated", "status": "False"},)

    await Routes(NodeSettings()).converge(
        told(subnet("blue", "10.16.0.0/16,fd00:16::/112", conditions=no), subnet("a", "10.16.0.0/8"))
    )

    assert await on_link("ovn0") >= {V4, V6}


async def test_an_internal_ip_that_no_interface_has_is_no_source(host: str) -> None:
    """In some clouds the outside knows a host by an address that only a router has; the kernel refuses such routes."""
    outside = node("worker-1", "203.0.113.9", annotations=GIVEN)

    await Routes(NodeSettings()).converge(told(BLUE, me=outside))

    assert Route("10.16.0.0/16", "100.64.0.1", "", "ovn0") in (await on_link("ovn0") or ())


async def test_a_gateway_that_changes_takes_the_routes_along(host: str) -> None:
    """The join Subnet's gateway may be edited; a route to the old one would cut the node off from all Pods."""
    part = Routes(NodeSettings())
    await part.converge(told(BLUE))

    await part.converge(
        told(BLUE, me=node("worker-1", "192.0.2.10", annotations={**GIVEN, "gateway": "100.64.0.7,fd00:64::7"}))
    )

    found = {(each.to, each.via) for each in await on_link("ovn0") or () if each.via}
    assert found == {("10.16.0.0/16", "100.64.0.7"), ("fd00:16::/112", "fd00:64::7")}


async def test_whoever_removes_a_route_wakes_the_part(host: str) -> None:
    """`netplan apply` flushes what it doesn't know; three seconds without Pods is an outage, a loop is a waste."""
    part = Routes(NodeSettings())
    await part.converge(told(BLUE))
    woken: asyncio.Queue[None] = asyncio.Queue()
    following = asyncio.create_task(part.follow(lambda: woken.put_nowait(None)))
    try:
        async with asyncio.timeout(10):
            await woken.get()  # the first look
            ip("route del 10.16.0.0/16")
            await woken.get()
            await part.converge(told(BLUE))
    finally:
        following.cancel()

    assert V4 in (await on_link("ovn0") or ())


async def test_what_is_missing_is_said(alone: str) -> None:
    """The agent's /readyz shows this sentence to whoever wonders why the node isn't ready."""
    with pytest.raises(Unavailable, match="interface ovn0"):
        await Routes(NodeSettings()).converge(told(BLUE))
    with pytest.raises(Unavailable, match=r"ovn\.kubernetes\.io/mac_address"):
        joined(node("worker-1", annotations={"ip_address": "100.64.0.2"}))
    with pytest.raises(Unavailable, match="registers"):
        joined(None)


def test_subnets_of_other_vpcs_are_not_reached() -> None:
    """Two Vpcs may have the same CIDR, and only one can be this host's."""
    other = Subnet.decode(
        {
            "metadata": {"name": "x"},
            "spec": {"cidrBlock": "10.16.0.0/16", "vpc": "acme"},
            "status": {"conditions": list(VALID)},
        }
    )
    assert set(routed(told(other), NodeSettings(), {})) == {"join"}
