"""What a node rewrites and filters, as a table; what packets look like then."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from ovnloom.errors import Unavailable
from ovnloom.host import nft_kernel, openings
from ovnloom.node.counters import NAME, counter_of
from ovnloom.node.masquerade import Masquerade
from ovnloom.node.nat_table import table
from ovnloom.node.networks import routed
from ovnloom.node.view import View
from ovnloom.settings import NodeSettings
from tests.netns import address, forward, inside, listener, namespace, route, seen_from, wire
from tests.node.views import node, seen, subnet, view

CASES = Path(__file__).parent / "masquerade"
SETTINGS = NodeSettings()


def wanted(found: View) -> nft_kernel.Table:
    """The table of a node that knows nothing from before."""
    return table(found, routed(found, SETTINGS, {}))


@pytest.mark.parametrize("case", sorted(each.stem for each in CASES.glob("*.yaml")))
async def test_the_table_follows_from_the_view(case: str, alone: str, is_rewriting: bool) -> None:
    """Every rule stands where a reader of the contract looks for it, and the kernel takes the table as it is."""
    found = wanted(view((CASES / f"{case}.yaml").read_text()))
    golden = CASES / f"{case}.nft"
    if is_rewriting:
        golden.write_text(str(found))

    assert str(found) == golden.read_text()
    assert await nft_kernel.apply(found)
    assert not await nft_kernel.apply(found)


class Net(NamedTuple):
    """A node between its Pods (`10.16.0.5`, in `blue`; the router of OVN isn't needed for this) and the world."""

    pods: str
    node: str
    world: str


@pytest.fixture(scope="module")
def net() -> Iterator[Net]:
    """Namespaces for a node with a Pod behind ovn0, and for a host outside that knows how to reach the Pod."""
    with namespace() as pods, namespace() as host, namespace() as world:
        wire(host, "ovn0", pods)
        wire(host, "eth0", world)
        address(host, "ovn0", "100.64.0.2/16", "fd00:64::2/112")
        address(host, "eth0", "192.0.2.10/24", "2001:db8::10/64")
        address(host, "lo", "198.51.100.50/32", "2001:db8:50::50/128")
        address(world, "eth0", "192.0.2.99/24", "192.0.2.98/24", "2001:db8::99/64", "2001:db8::98/64")
        address(pods, "eth0", "100.64.0.1/16", "10.16.0.5/32", "10.17.0.5/32", "fd00:64::1/112", "fd00:16::5/128")
        forward(host)
        route(world, "198.51.100.50/32", "192.0.2.10")
        route(world, "2001:db8:50::50/128", "2001:db8::10")
        for cidr in ("10.16.0.0/16", "10.17.0.0/16", "fd00:16::/112"):
            route(host, cidr, "fd00:64::1" if ":" in cidr else "100.64.0.1")
            route(world, cidr, "2001:db8::10" if ":" in cidr else "192.0.2.10")
        route(pods, "default", "100.64.0.2")
        route(pods, "::/0", "fd00:64::2")
        yield Net(pods, host, world)


@pytest.fixture
def node_of(net: Net) -> Iterator[Net]:
    """The test runs on the node, whose tables are empty before and after."""
    with inside(net.node):
        yield net


BLUE = "10.16.0.0/16,fd00:16::/112"


async def show(found: View) -> None:
    """The node has the table of a View."""
    await nft_kernel.apply(wanted(found))


@pytest.mark.parametrize(
    ("pod", "far", "own"),
    [("10.16.0.5", "192.0.2.99", "192.0.2.10"), ("fd00:16::5", "2001:db8::99", "2001:db8::10")],
    ids=["IPv4", "IPv6"],
)
async def test_a_pod_with_nat_outgoing_is_seen_as_its_node(node_of: Net, pod: str, far: str, own: str) -> None:
    """The world has no route back to Pods; and without natOutgoing it must see the Pod itself."""
    with listener(node_of.world, far) as server:
        await show(seen(subnet("blue", BLUE)))
        assert seen_from(server, node_of.pods, far, pod) == pod

        await show(seen(subnet("blue", BLUE, natOutgoing=True)))
        assert seen_from(server, node_of.pods, far, pod) == own


async def test_who_comes_from_outside_is_seen_as_he_is(node_of: Net) -> None:
    """Logs and NetworkPolicies of Pods are about clients, not about the node that they came through."""
    await show(seen(subnet("blue", BLUE, natOutgoing=True)))

    with listener(node_of.pods, "10.16.0.5") as server:
        assert seen_from(server, node_of.world, "10.16.0.5", "192.0.2.99") == "192.0.2.99"


async def test_the_first_rule_of_nat_outgoing_that_fits_counts(node_of: Net) -> None:
    """`forward` shows the Pod to one network, while the rest of the world sees the node."""
    rules = [{"match": {"dstIPs": "192.0.2.98"}, "action": "forward"}, {"match": {"srcIPs": BLUE}, "action": "nat"}]
    await show(seen(subnet("blue", BLUE, natOutgoing=True, natOutgoingPolicyRules=rules)))

    with listener(node_of.world, "192.0.2.98") as shown, listener(node_of.world, "192.0.2.99") as hidden:
        assert seen_from(shown, node_of.pods, "192.0.2.98", "10.16.0.5") == "10.16.0.5"
        assert seen_from(hidden, node_of.pods, "192.0.2.99", "10.16.0.5") == "192.0.2.10"


@pytest.mark.parametrize(
    ("pod", "far", "fixed"),
    [("10.16.0.5", "192.0.2.99", "198.51.100.50"), ("fd00:16::5", "2001:db8::99", "2001:db8:50::50")],
    ids=["IPv4", "IPv6"],
)
async def test_a_gateway_with_an_address_lends_it(node_of: Net, pod: str, far: str, fixed: str) -> None:
    """Partners allow that address in their firewalls; a gateway that isn't active now must not use it."""
    spec = {"natOutgoing": True, "gatewayType": "centralized"}
    active = subnet("blue", BLUE, gatewayNode="worker-1:198.51.100.50, worker-1:2001:db8:50::50", **spec)
    passive = subnet("blue", BLUE, gatewayNode="worker-2:198.51.100.50, worker-1:198.51.100.50", **spec)

    with listener(node_of.world, far) as server:
        await show(seen(active))
        assert seen_from(server, node_of.pods, far, pod) == fixed
        await show(seen(passive))
        assert seen_from(server, node_of.pods, far, pod) != fixed


async def test_a_pod_that_was_sent_on_by_this_host_gets_its_replies(node_of: Net) -> None:
    """A Pod of another Subnet would answer the first one directly, past the host that knows the Service's address."""
    await show(seen(subnet("blue", BLUE), subnet("red", "10.17.0.0/16")))
    service = (
        "add table inet loomtest",
        "add chain inet loomtest pre { type nat hook prerouting priority -100; }",
        "add rule inet loomtest pre ip daddr 10.96.0.1 dnat ip to 192.0.2.99",
    )
    await nft_kernel.write(service)
    try:
        with listener(node_of.world, "192.0.2.99") as server:
            assert seen_from(server, node_of.pods, "10.96.0.1", "10.16.0.5") == "192.0.2.10"
    finally:
        await nft_kernel.remove("loomtest")


async def test_a_closed_host_lets_pods_pass(node_of: Net) -> None:
    """Docker and distributions close FORWARD; an accept of ours elsewhere doesn't open it again."""
    await show(seen(subnet("blue", BLUE)))
    close = ("add table ip filter", "add chain ip filter FORWARD { type filter hook forward priority 0; policy drop; }")
    await nft_kernel.write(close)
    try:
        with listener(node_of.world, "192.0.2.99") as server:
            assert seen_from(server, node_of.pods, "192.0.2.99", "10.16.0.5") is None
            await openings.make("ovn0")
            assert seen_from(server, node_of.pods, "192.0.2.99", "10.16.0.5") == "10.16.0.5"
    finally:
        await nft_kernel.remove("filter", "ip")


async def test_what_a_subnet_sends_and_receives_through_its_gateway_is_counted(node_of: Net) -> None:
    """Egress is what clouds charge for; the count survives every change of rules."""
    await nft_kernel.remove(NAME)
    await show(seen(subnet("blue", BLUE), subnet("red", "10.17.0.0/16")))

    with listener(node_of.world, "192.0.2.99") as server:
        seen_from(server, node_of.pods, "192.0.2.99", "10.16.0.5")
    await show(seen(subnet("blue", BLUE, natOutgoing=True), subnet("red", "10.17.0.0/16")))

    found = await nft_kernel.counters(NAME)
    assert found[counter_of("out", "blue", 4)].packets >= 3  # SYN, ACK, FIN
    assert found[counter_of("in", "blue", 4)].octets > 0
    assert found[counter_of("out", "red", 4)] == found[counter_of("out", "blue", 6)] == (0, 0)


async def test_half_a_connection_is_not_masqueraded(node_of: Net) -> None:
    """Replies to a client that came by another gateway must arrive from the address that he asked."""
    await show(seen(subnet("blue", BLUE, natOutgoing=True)))
    with inside(node_of.world), socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(0x0800)) as tap:
        tap.settimeout(5)
        with inside(node_of.pods), socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW) as raw:
            raw.sendto(ack("10.16.0.5", "192.0.2.99"), ("192.0.2.99", 0))
        while True:
            packet = tap.recv(2048)
            if packet[9] == socket.IPPROTO_TCP and packet[16:20] == socket.inet_aton("192.0.2.99"):
                break

    assert socket.inet_ntoa(packet[12:16]) == "10.16.0.5"


def ack(source: str, to: str) -> bytes:
    """An IPv4 packet with a TCP segment from the middle of a connection."""
    addresses = socket.inet_aton(source) + socket.inet_aton(to)
    tcp = bytes.fromhex("1f90d431000000010000000150100400") + b"\0\0\0\0"
    total = _sum(addresses + bytes([0, 6]) + len(tcp).to_bytes(2, "big") + tcp)
    tcp = tcp[:16] + total.to_bytes(2, "big") + tcp[18:]
    return bytes.fromhex("4500002800004000400600 00".replace(" ", "")) + addresses + tcp


def _sum(content: bytes) -> int:
    total = sum(int.from_bytes(content[at : at + 2], "big") for at in range(0, len(content), 2))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def test_a_subnet_that_is_wrong_now_keeps_its_masquerade() -> None:
    """A typo of its user would cut all its Pods off from the world otherwise."""
    before = routed(seen(subnet("blue", BLUE, natOutgoing=True)), SETTINGS, {})
    wrong = seen(subnet("blue", "10.16.0.0/99", conditions=({"type": "Validated", "status": "False"},)))

    assert routed(wrong, SETTINGS, before) == before
    assert routed(wrong, SETTINGS, {}) == {}


def test_after_a_restart_a_wrong_subnet_counts_unless_its_cidr_is_in_use() -> None:
    """Nobody remembers its last good spec then; but it must not take packets of what works."""
    no = ({"type": "Validated", "status": "False"},)
    good, host = subnet("good", "10.16.0.0/16"), node("worker-1", "192.0.2.10")
    found = seen(
        good,
        host,
        subnet("apart", "10.20.0.0/24", conditions=no),
        subnet("inside", "10.16.1.0/24", conditions=no),
        subnet("around", "192.0.2.0/24", conditions=no),
    )

    assert set(routed(found, SETTINGS, {})) == {"good", "apart"}


async def test_a_host_that_passes_nothing_on_is_told_to(alone: str) -> None:
    """Everything else is right then, and no Pod reaches the world: who looks for that looks for long.

    IPv6 isn't changed by itself: a host that gets its route by router advertisements would lose it.
    """
    set_forwarding("0")
    part = Masquerade(SETTINGS)
    only_v4 = seen(subnet("blue", "10.16.0.0/16"))

    await part.converge(only_v4)
    assert forwarding() == ["1", "0"]

    with pytest.raises(Unavailable, match=r"net\.ipv6\.conf\.all\.forwarding=1"):
        await part.converge(seen(subnet("blue", BLUE)))
    assert forwarding() == ["1", "0"]


FORWARDING = [Path("/proc/sys/net", path) for path in ("ipv4/ip_forward", "ipv6/conf/all/forwarding")]


def set_forwarding(value: str) -> None:
    """Whether the test's namespace passes packets on, in both families."""
    for path in FORWARDING:
        path.write_text(value)


def forwarding() -> list[str]:
    """The same as it is now."""
    return [path.read_text().strip() for path in FORWARDING]
