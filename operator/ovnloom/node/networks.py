"""Which networks a node reaches through the default Vpc, and by what address of its own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from ovnloom.api.node import Node
from ovnloom.api.subnet import Subnet
from ovnloom.ipam import FAMILIES, Family, Malformed, Networks, address_text, parse_address, parse_cidr_block
from ovnloom.node.view import View
from ovnloom.settings import NodeSettings

PREFIX = "ovn.kubernetes.io/"


@dataclass(frozen=True, slots=True)
class Routed:
    """A Subnet whose gateway is the router of the default Vpc, as it last could be used."""

    subnet: Subnet
    networks: Networks

    @property
    def name(self) -> str:
        return self.subnet.name

    @property
    def is_centralized(self) -> bool:
        return self.subnet.gateway_type == "centralized"


Known = Mapping[str, Routed]


def routed(view: View, settings: NodeSettings, known: Known) -> dict[str, Routed]:
    """The Subnets that this node routes to and filters for, by name, the join Subnet among them.

    One whose spec can't be used as it is written stays as it was `known`, like its rows in OVN. After a restart nobody
    knows it; then its CIDR counts unless an older Subnet or a node has it. One that the controller hasn't judged yet
    doesn't count.
    """
    found: dict[str, Routed] = {}
    doubtful: list[Routed] = []
    for subnet in view.subnets.values():
        if not is_routed(subnet, settings) or subnet.deleting:
            continue
        is_valid = validated(subnet)
        read = _read(subnet)
        if is_valid and read is not None:
            found[subnet.name] = read
        elif subnet.name in known:
            found[subnet.name] = known[subnet.name]
        elif is_valid is False and read is not None:
            doubtful.append(read)
    for each in sorted(doubtful, key=lambda each: each.name):
        if not _has_node(each.networks, view):
            found.setdefault(each.name, each)
    losers = {name for family in FAMILIES for name in _overlapping(found.values(), family)}
    return {name: found[name] for name in sorted(found) if name not in losers}


def is_routed(subnet: Subnet, settings: NodeSettings) -> bool:
    """Whether the router of the default Vpc is the Subnet's gateway."""
    return subnet.vpc in ("", settings.cluster_router) and subnet.provider in ("", "ovn") and subnet.has_router


def validated(subnet: Subnet) -> bool | None:
    """What the controller says of the Subnet's spec; None while it has said nothing."""
    said = {condition.type: condition.status for condition in subnet.conditions}.get("Validated")
    return None if said is None else said == "True"


def internal_ips(node: Node | None) -> dict[Family, str]:
    """The first InternalIP of each family, as the kernel writes it."""
    found: dict[Family, str] = {}
    for text in node.internal_ips if node else ():
        try:
            family, number = parse_address(text)
        except Malformed:
            continue
        found.setdefault(family, address_text(family, number))
    return found


def _read(subnet: Subnet) -> Routed | None:
    try:
        return Routed(subnet, parse_cidr_block(subnet.cidr_block))
    except Malformed:
        return None


def _has_node(networks: Networks, view: View) -> bool:
    return any(has_address_in(networks, node, family) for node in view.nodes.values() for family in FAMILIES)


def _overlapping(found: Iterable[Routed], family: Family) -> Iterator[str]:
    """The younger of two whose CIDRs share addresses, as may be for a moment: one packet can't be of both."""
    ranges = sorted(
        (network.address, -network.last_address, each.subnet.meta.created, each.name)
        for each in found
        if (network := each.networks.of(family)) is not None
    )
    open_: list[tuple[int, str, str]] = []
    for first, minus_last, created, name in ranges:
        while open_ and open_[-1][0] < first:
            open_.pop()
        yield from (max((created, name), other[1:])[1] for other in open_)
        open_.append((-minus_last, created, name))


def hosts(view: View) -> dict[str, tuple[str, ...]]:
    """The InternalIPs of all nodes: all that `routed` asks of them."""
    return {name: node.internal_ips for name, node in view.nodes.items()}


def has_address_in(networks: Networks, node: Node | None, family: Family) -> bool:
    """Whether the node's InternalIP lies in the CIDR of that family."""
    address, network = internal_ips(node).get(family), networks.of(family)
    return address is not None and network is not None and parse_address(address)[1] in network
