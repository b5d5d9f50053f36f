"""The addresses of one family of one Subnet."""

from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from ovnloom.ipam.address import Family
from ovnloom.ipam.layout import Layout
from ovnloom.ipam.network import Network
from ovnloom.ipam.ranges import Ranges

Avoid = Callable[[Family, int], bool]
"""Says of an address whether this one request must not get it (a Node's InternalIP)."""


@dataclass(slots=True, eq=False)
class Zone:
    """The addresses of one IPPool, or those of the Subnet that are in no IPPool; none of them excluded.

    Each address is in exactly one of the three sets. Addresses that were used wait in `released` until `free` is empty,
    so addresses climb through the CIDR before any is used again.
    """

    free: Ranges = field(default_factory=Ranges)
    released: Ranges = field(default_factory=Ranges)
    using: Ranges = field(default_factory=Ranges)

    def next(self, family: Family, avoid: Avoid | None) -> int | None:
        """The address that would be given now, None when there is none. Changes nothing."""
        for ranges in (self.free, self.released):
            if avoid is None:
                if ranges.first is not None:
                    return ranges.first
                continue
            for number in ranges:
                if not avoid(family, number):
                    return number
        return None

    def take(self, number: int) -> None:
        """The address, free or released, is in use."""
        if not self.free.discard(number):
            self.released.discard(number)
        self.using.add(number)

    def take_next(self, number: int) -> None:
        """Take what `next` said; reaching for a released address means that the released ones are free again."""
        if number in self.released:
            self.free = self.free | self.released
            self.released = Ranges()
        self.take(number)


class Side:
    """Who has which address of one family, and which are left.

    `network` is None when the Subnet has no CIDR of this family; addresses may still be in use from when it had one.
    """

    __slots__ = ("_pool_firsts", "_pool_spans", "excluded", "family", "gateway", "held", "holders", "network", "zones")

    def __init__(self, family: Family) -> None:
        self.family = family
        self.network: Network | None = None
        self.gateway: int | None = None
        self.excluded = Ranges()
        self.zones: dict[str | None, Zone] = {None: Zone()}
        self.holders: dict[int, str] = {}
        self.held: dict[str, int] = {}
        self._pool_firsts: list[int] = []
        self._pool_spans: list[tuple[int, Zone]] = []

    def rebuild(self, layout: Layout) -> None:
        """Divide the addresses anew: what is in use stays, what was released is free again."""
        family = self.family
        self.network = layout.networks.of(family)
        usable = Ranges([self.network.usable]) if self.network else Ranges()
        self.gateway = layout.gateway.of(family) if self.network else None
        reserved = Ranges() if self.gateway is None else Ranges([(self.gateway, self.gateway)])
        self.excluded = (layout.excludes.of(family) | reserved) & usable
        used = Ranges.of_sorted(sorted(self.holders))
        rest = usable - self.excluded
        spans: list[tuple[int, int, Zone]] = []
        zones: dict[str | None, Zone] = {}
        for name, of_pool in layout.pools:
            inside = of_pool.of(family) & rest
            rest = rest - inside
            zones[name] = _zone(inside, used)
            spans.extend((first, last, zones[name]) for first, last in inside.spans())
        zones[None] = _zone(rest, used)
        spans.sort(key=lambda span: span[0])
        self.zones = zones
        self._pool_firsts = [first for first, _, _ in spans]
        self._pool_spans = [(last, zone) for _, last, zone in spans]

    def usable(self, number: int) -> bool:
        """Whether an interface may have the address at all."""
        if self.network is None:
            return False
        first, last = self.network.usable
        return first <= number <= last

    def zone_of(self, number: int) -> Zone | None:
        """The Zone that the address belongs to; None when it is excluded or outside."""
        if not self.usable(number) or number in self.excluded:
            return None
        at = bisect_right(self._pool_firsts, number) - 1
        if at >= 0 and number <= self._pool_spans[at][0]:
            return self._pool_spans[at][1]
        return self.zones[None]

    def take(self, holder: str, number: int) -> None:
        """The holder has the address, which no other has."""
        self.holders[number] = holder
        self.held[holder] = number
        zone = self.zone_of(number)
        if zone:
            zone.take(number)

    def take_next(self, holder: str, number: int, pool: str | None) -> None:
        """The holder has the address that the pool gave as its next."""
        self.holders[number] = holder
        self.held[holder] = number
        self.zones[pool].take_next(number)

    def release(self, holder: str) -> int | None:
        """The holder has no address of this family; the one that it had is released."""
        number = self.held.pop(holder, None)
        if number is None:
            return None
        del self.holders[number]
        zone = self.zone_of(number)
        if zone:
            zone.using.discard(number)
            zone.released.add(number)
        return number

    def strays(self) -> Iterator[tuple[str, int]]:
        """Holders whose address is not usable here any more, or is the gateway's, by address."""
        for number in sorted(self.holders):
            if number == self.gateway or not self.usable(number):
                yield self.holders[number], number


def _zone(numbers: Ranges, used: Ranges) -> Zone:
    using = numbers & used
    return Zone(free=numbers - using, using=using)
