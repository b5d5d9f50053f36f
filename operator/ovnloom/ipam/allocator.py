"""Which interface of a Subnet has which address."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import NamedTuple

from ovnloom.ipam.address import FAMILIES, Family, Pair
from ovnloom.ipam.layout import Layout
from ovnloom.ipam.ranges import Ranges
from ovnloom.ipam.refusal import Exhausted, HoldsAnother, IsGateway, NoFamily, NoPool, Outside, Refusal, Taken
from ovnloom.ipam.side import Avoid, Side, Zone


@dataclass(frozen=True, slots=True)
class Stray:
    """An address in use that the Subnet doesn't offer any more: outside its CIDR, or its gateway since a change."""

    holder: str
    family: Family
    address: int


class Entry(NamedTuple):
    """What an IP object says on a restart: this holder has these addresses."""

    holder: str
    v4: int | None = None
    v6: int | None = None


class SubnetPool:
    """The addresses of one Subnet, of both families, and their holders.

    A holder is a name that is unique in the cluster (that of its IP object). Two holders never have one address; a
    request either gets all families that it asks for or changes nothing. Taking and releasing costs O(log n).

    Which address is next: the lowest free one; a released address is not given again until no free one is left.
    """

    __slots__ = ("_sides", "layout")

    def __init__(self, layout: Layout, entries: Iterable[Entry] = ()) -> None:
        self.layout = layout
        self._sides: dict[Family, Side] = {4: Side(4), 6: Side(6)}
        self.restore(entries)

    # -- giving addresses ---------------------------------------------------------------------------------------------

    def take_next(
        self,
        holder: str,
        families: Collection[Family] | None = None,
        pool: str | None = None,
        avoid: Avoid | None = None,
    ) -> Pair | Refusal:
        """The holder has an address of each family, the next of the pool (None: outside all IPPools).

        `families` None means all that the Subnet has. What the holder already has, it keeps, whichever pool it is of:
        that is what makes a StatefulSet's Pods stable.
        """
        return self.take(holder, Pair(), self.layout.networks.families if families is None else families, pool, avoid)

    def take(
        self,
        holder: str,
        wanted: Pair,
        fill: Collection[Family] = (),
        pool: str | None = None,
        avoid: Avoid | None = None,
    ) -> Pair | Refusal:
        """The holder has the wanted addresses, and the next of the pool for each family of `fill` that it lacks.

        Excluded addresses are given here and only here. The answer is all that the holder has then. Asking for what it
        has changes nothing; asking for another of a family that it has is refused, as a living interface keeps its
        address.
        """
        static: list[tuple[Side, int]] = []
        for family in FAMILIES:
            number = wanted.of(family)
            if number is None:
                continue
            side = self._sides[family]
            refusal = _refuse(side, holder, number)
            if refusal:
                return refusal
            if holder not in side.held:
                static.append((side, number))
        drawn: list[tuple[Side, int]] = []
        for family in sorted(fill):
            side = self._sides[family]
            if holder in side.held or wanted.of(family) is not None:
                continue
            if side.network is None:
                return NoFamily(family)
            zone = side.zones.get(pool)
            if zone is None:
                return NoPool(pool or "")
            number = zone.next(family, avoid)
            if number is None:
                return Exhausted(family, pool)
            drawn.append((side, number))
        for side, number in static:
            side.take(holder, number)
        for side, number in drawn:
            side.take_next(holder, number, pool)
        return self.address_of(holder)

    def release(self, holder: str) -> Pair:
        """The holder has no address here; the answer is what it had."""
        return Pair(*(self._sides[family].release(holder) for family in FAMILIES))

    def restore(self, entries: Iterable[Entry]) -> tuple[Taken | HoldsAnother, ...]:
        """The holders have the addresses that they say, wherever these lie; the answer is those that could not be.

        For a restart: an address that lies outside the CIDR now becomes a stray instead of being forgotten. Of two
        holders that claim one address the first wins; the other is in the answer and holds what else it claims.
        """
        refused: list[Taken | HoldsAnother] = []
        four, six = self._sides[4], self._sides[6]
        for holder, v4, v6 in entries:
            for side, number in ((four, v4), (six, v6)):
                if number is None:
                    continue
                by = side.holders.setdefault(number, holder)
                if by != holder:
                    refused.append(Taken(side.family, number, by))
                elif side.held.setdefault(holder, number) != number:
                    del side.holders[number]
                    refused.append(HoldsAnother(side.family, number, side.held[holder]))
        self._rebuild(FAMILIES)
        return tuple(refused)

    def resize(self, layout: Layout) -> tuple[Stray, ...]:
        """The Subnet has that Layout and every holder keeps its addresses; the answer is all strays.

        A family for which nothing changes keeps its released addresses apart; for the others they are free again.
        """
        changed = [family for family in FAMILIES if layout.side(family) != self.layout.side(family)]
        self.layout = layout
        self._rebuild(changed)
        return self.strays()

    def _rebuild(self, families: Iterable[Family]) -> None:
        for family in families:
            self._sides[family].rebuild(self.layout)

    # -- asking -------------------------------------------------------------------------------------------------------

    def holder_of(self, family: Family, address: int) -> str | None:
        """Who has the address, None when nobody has."""
        return self._sides[family].holders.get(address)

    def address_of(self, holder: str) -> Pair:
        """What the holder has; an empty Pair when it has nothing here."""
        return Pair(self._sides[4].held.get(holder), self._sides[6].held.get(holder))

    def holders(self) -> frozenset[str]:
        """Everyone who has an address here: while there is one the Subnet can't go."""
        return frozenset(self._sides[4].held) | frozenset(self._sides[6].held)

    def strays(self) -> tuple[Stray, ...]:
        """Addresses in use that the Subnet doesn't offer any more. They are nobody else's, and count as neither."""
        return tuple(
            Stray(holder, family, address) for family in FAMILIES for holder, address in self._sides[family].strays()
        )

    def using(self, family: Family, pool: str | None = None) -> Ranges:
        """Addresses in use, without excluded ones: of one IPPool, or (None) of the whole Subnet, IPPools included."""
        zones = _chosen(self._sides[family].zones, pool)
        return Ranges(span for zone in zones for span in zone.using.spans())

    def available(self, family: Family, pool: str | None = None) -> Ranges:
        """Addresses that can still be given: of one IPPool, or (None) of the whole Subnet, IPPools included.

        Its count is size(CIDR) less excluded and using ones, which is status.v4availableIPs; its text is the string
        status.v4availableIPrange.
        """
        zones = _chosen(self._sides[family].zones, pool)
        return Ranges(span for zone in zones for part in (zone.free, zone.released) for span in part.spans())

    def using_count(self, family: Family, pool: str | None = None) -> int:
        """How many addresses `using` has, without building them."""
        zones = self._sides[family].zones
        return sum(zone.using.count for zone in _chosen(zones, pool))

    def available_count(self, family: Family, pool: str | None = None) -> int:
        """How many addresses `available` has, without building them."""
        zones = self._sides[family].zones
        return sum(zone.free.count + zone.released.count for zone in _chosen(zones, pool))

    def can_take_next(
        self, families: Collection[Family] | None = None, pool: str | None = None, avoid: Avoid | None = None
    ) -> bool:
        """Whether a new holder would get an address of each of these families from that pool now."""
        for family in self.layout.networks.families if families is None else families:
            zone = self._sides[family].zones.get(pool)
            if self._sides[family].network is None or zone is None or zone.next(family, avoid) is None:
                return False
        return True


def _chosen(zones: dict[str | None, Zone], pool: str | None) -> list[Zone]:
    """All zones for None, that of the pool otherwise; none when there is no such pool."""
    if pool is None:
        return list(zones.values())
    return [zones[pool]] if pool in zones else []


def _refuse(side: Side, holder: str, number: int) -> Refusal | None:
    """Why the holder can't have that address, None when it can or has it."""
    holds = side.held.get(holder)
    if holds == number:
        return None
    if side.network is None:
        return NoFamily(side.family)
    if not side.usable(number):
        return Outside(side.family, number, *side.network.usable)
    if number == side.gateway:
        return IsGateway(side.family, number)
    by = side.holders.get(number)
    if by is not None:
        return Taken(side.family, number, by)
    return None if holds is None else HoldsAnother(side.family, number, holds)
