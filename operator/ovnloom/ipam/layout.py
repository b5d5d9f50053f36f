"""What the addresses of a Subnet are divided into."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from ovnloom.ipam.address import FAMILIES, NO_ADDRESS, Family, Pair, parse_pair
from ovnloom.ipam.items import NOTHING, Spans, parse_items
from ovnloom.ipam.malformed import Malformed
from ovnloom.ipam.network import Networks, parse_cidr_block


@dataclass(frozen=True, slots=True)
class Layout:
    """A Subnet's CIDRs, gateways, excluded addresses and IPPools, as one comparable value.

    Excluded addresses and pools may reach outside the CIDR: what lies outside counts for nothing. The gateway is always
    reserved, whether or not the excludes name it. Pools are in the order of the caller and must be disjoint.
    """

    networks: Networks
    gateway: Pair = NO_ADDRESS
    excludes: Spans = NOTHING
    pools: tuple[tuple[str, Spans], ...] = ()

    def __post_init__(self) -> None:
        overlap = first_overlap(self.pools)
        if overlap:
            one, other, shared = overlap
            raise Malformed(other, f"shares {shared} with IPPool {one}", "give each address to one IPPool only")

    def side(self, family: Family) -> tuple[object, ...]:
        """The part that concerns one family: equal sides mean that nothing changes for its addresses."""
        pools = ((name, spans.v4 if family == 4 else spans.v6) for name, spans in self.pools)
        excludes = self.excludes.v4 if family == 4 else self.excludes.v6
        return self.networks.of(family), self.gateway.of(family), excludes, tuple(pools)


def parse_layout(
    cidr_block: str,
    gateway: str = "",
    exclude_ips: Sequence[str] = (),
    pools: Mapping[str, Sequence[str]] | None = None,
) -> Layout:
    """The Layout of a Subnet's spec and its IPPools' spec.ips; a missing gateway is the first usable address.

    Raises Malformed that names the part at fault.
    """
    networks = parse_cidr_block(cidr_block)
    named = parse_pair(gateway)
    default = networks.default_gateway
    gateways = Pair(*(default.of(family) if named.of(family) is None else named.of(family) for family in FAMILIES))
    parsed = tuple((name, parse_items(ips)) for name, ips in (pools or {}).items())
    return Layout(networks, gateways, parse_items(exclude_ips), parsed)


def first_overlap(pools: Sequence[tuple[str, Spans]]) -> tuple[str, str, str] | None:
    """The first two pools that share an address and what they share as text, or None when all are disjoint."""
    for family in FAMILIES:
        spans = sorted(
            (first, last, at) for at, (_, of_pool) in enumerate(pools) for first, last in of_pool.of(family).spans()
        )
        for (_, last, one), (first, _, other) in pairwise(spans):
            if first <= last:
                one, other = min(one, other), max(one, other)
                shared = pools[one][1].of(family) & pools[other][1].of(family)
                return pools[one][0], pools[other][0], shared.text(family)
    return None


def disjoint_pools(
    pools: Sequence[tuple[str, Spans]],
) -> tuple[tuple[tuple[str, Spans], ...], dict[str, tuple[str, str]]]:
    """The pools that can stand together, and for each one left out the earlier pool and what it shares with that.

    An earlier pool wins, so give the oldest first: a new IPPool never takes addresses from one that is in use.
    """
    kept: list[tuple[str, Spans]] = []
    refused: dict[str, tuple[str, str]] = {}
    for name, spans in pools:
        overlap = first_overlap([*kept, (name, spans)])
        if overlap:
            refused[name] = (overlap[0], overlap[2])
        else:
            kept.append((name, spans))
    return tuple(kept), refused
