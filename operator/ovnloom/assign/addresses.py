"""Who has which address, in all Subnets: rebuilt from IP objects, and from nothing else.

A choice is booked here at once, so that no other choice of the same batch takes it, and confirmed when its IP object
arrives in the world. It is freed only when the IP object is gone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress

from ovnloom.api.ip import IP
from ovnloom.api.meta import FINALIZER, OLD_FINALIZER, Key
from ovnloom.assign.choice import Claim, Demand
from ovnloom.ipam import (
    FAMILIES,
    NO_ADDRESS,
    Avoid,
    Entry,
    Family,
    Layout,
    MacTable,
    Malformed,
    Pair,
    Refusal,
    Spans,
    Stray,
    SubnetPool,
    TakenMac,
    address_text,
    parse_mac,
    parse_pair,
)
from ovnloom.ovn import names
from ovnloom.world.graph import Reader
from ovnloom.world.indexes import IPS_OF_SUBNET
from ovnloom.world.moments import Strays
from ovnloom.world.subnet import node_addresses, pools, segment
from ovnloom.world.world import World


def layout(read: Reader, name: str) -> Layout | None:
    """View: what the addresses of a Subnet are divided into; None while the Subnet is missing or invalid."""
    found = read.view(segment, name)
    if found is None or not found.is_valid:
        return None
    kept: tuple[tuple[str, Spans], ...] = read.view(pools, name)[0]
    return found.layout(kept)


def is_unfinished(ip: IP) -> bool:
    """A user made it, and nobody has booked it yet: it has no right to the address that it names."""
    if not ip.namespace and ip.name == names.node_port(ip.pod_name):
        return False  # a Node's, which assign_node sees to
    is_booked = FINALIZER in ip.finalizers or OLD_FINALIZER in ip.finalizers
    return not ip.deleting and not (is_booked and (ip.v4 or ip.v6))


def entry(ip: IP) -> Entry:
    """What an IP object says that its holder has; text that is no address counts as none."""
    try:
        pair = parse_pair(ip.ip_address)
    except Malformed:
        pair = NO_ADDRESS
    return Entry(ip.name, pair.v4, pair.v6)


class Addresses:
    """The allocators of all Subnets, the MACs of the cluster, and the claims that wait for an address."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._pools: dict[str, SubnetPool] = {}
        self.macs = MacTable()
        self._queues: dict[str, dict[Demand, dict[Claim, None]]] = {}
        self._waits: dict[Claim, tuple[Demand, ...]] = {}
        self._freed: dict[str, None] = {}
        self._unsaved: dict[str, str] = {}
        """By holder the Subnet in which it has an address that no IP object says yet."""
        self._doubles: dict[str, dict[str, None]] = {}
        """By Subnet the IP objects whose address another one had first."""
        self._double_macs: dict[str, dict[str, None]] = {}
        self._guests: dict[str, str] = {}
        """By the IP object of a Vip the one that shares its address: that of the Pod which took the Vip."""
        self.changed: dict[str, None] = {}
        """Subnets whose usage differs from what was last reported; the reporter empties it."""

    # -- keeping up with the world ------------------------------------------------------------------------------------

    def follow(self, before: IP | None, after: IP | None) -> None:
        """The books say what the IP object says now."""
        if before is not None and (after is None or _address(before) != _address(after)):
            self._release(before)
        if after is not None and after.vip and before is not None and not before.vip:
            self._hand_over(after)
        if after is not None:
            self._withdraw(after.name, but=after.subnet)
            self._unsaved.pop(after.name, None)
        if after is not None:
            self._book(after)

    def forget(self, ip: IP) -> None:
        """A choice that could not be saved was never made."""
        self._release(ip)

    def _hand_over(self, ip: IP) -> None:
        """What a Pod had alone is the Vip's by now, at once, so that nobody gets it in between."""
        held = self._pools.get(ip.subnet)
        if held is not None and Key(ip.vip) not in self._world.tables[IP]:
            self._restore(ip.subnet, held, [entry(ip)._replace(holder=ip.vip)])
            self._unsaved[ip.vip] = ip.subnet

    def lend(self, vip: str, holder: str) -> str:
        """The holder shares the address that the Vip's IP object holds; or else the name of who does already."""
        other = self._guests.setdefault(vip, holder)
        return "" if other == holder else other

    def _book(self, ip: IP) -> None:
        if ip.vip:
            self._guests.setdefault(ip.vip, ip.name)
            return
        if is_unfinished(ip):
            return
        held = self._pools.get(ip.subnet)
        if held is not None:
            self._book_address(ip, held)
        if ip.mac and self.macs.mac_of(ip.name) != ip.mac:
            with suppress(Malformed):
                mac = parse_mac(ip.mac)
                if self.macs.take(ip.name, mac) is not None:
                    self._double_macs.setdefault(mac, {})[ip.name] = None

    def _book_address(self, ip: IP, held: SubnetPool) -> None:
        found = entry(ip)
        if held.address_of(ip.name) != Pair(found.v4, found.v6):
            self._restore(ip.subnet, held, [found])
            self.changed[ip.subnet] = None
            self._tell_strays(ip.subnet, held.strays())

    def _restore(self, subnet: str, held: SubnetPool, entries: Iterable[Entry]) -> None:
        """The holders have what they say. Two of them claiming one address is no reason to give it to a third."""
        entries = list(entries)
        refused = held.restore(entries)
        doubles = self._doubles.get(subnet, {})
        for found in entries:
            if refused and held.address_of(found.holder) != Pair(found.v4, found.v6):
                self._doubles.setdefault(subnet, doubles)[found.holder] = None
                for family, number in zip(FAMILIES, found[1:], strict=True):
                    first = held.holder_of(family, number) if number is not None else None
                    if first is not None:
                        self._world.touch((IP, Key(first)))  # so that its Pod hears of it too
            else:
                doubles.pop(found.holder, None)
        if not doubles:
            self._doubles.pop(subnet, None)

    def rival(self, ip: IP) -> str:
        """Another IP object that has an address of this one as well; mostly none."""
        held, doubles = self._pools.get(ip.subnet), self._doubles.get(ip.subnet)
        if held is None or not doubles or ip.vip:
            return ""
        _, *mine = entry(ip)
        names = {held.holder_of(family, number) or "" for family, number in zip(FAMILIES, mine, strict=True) if number}
        for name in doubles:
            other = self._world.tables[IP].get(Key(name))
            theirs = entry(other)[1:] if other is not None else (None, None)
            if any(number is not None and number == mine[at] for at, number in enumerate(theirs)):
                names.add(name)
        return min(names - {"", ip.name}, default="")

    def _withdraw(self, holder: str, but: str) -> None:
        """What the holder was promised in another Subnet, before the world changed, is free."""
        subnet = self._unsaved.get(holder, but)
        held = self._pools.get(subnet)
        if subnet != but and held is not None and held.release(holder) != NO_ADDRESS:
            self._freed[subnet] = None
            self.changed[subnet] = None

    def _release(self, ip: IP) -> None:
        if ip.vip:
            if self._guests.get(ip.vip) == ip.name:
                del self._guests[ip.vip]
            return
        if self._unsaved.get(ip.name) == ip.subnet:
            del self._unsaved[ip.name]
        self._release_mac(ip.name)
        held = self._pools.get(ip.subnet)
        self._doubles.get(ip.subnet, {}).pop(ip.name, None)
        if held is not None and held.release(ip.name) != NO_ADDRESS:
            self._freed[ip.subnet] = None
            self.changed[ip.subnet] = None
            if self._doubles.get(ip.subnet):
                table = self._world.tables[IP]
                again = [table[Key(name)] for name in self._doubles[ip.subnet] if Key(name) in table]
                self._restore(ip.subnet, held, [entry(double) for double in again if double.subnet == ip.subnet])
            if Key(ip.subnet) in self._world.tables[Strays]:
                self._tell_strays(ip.subnet, held.strays())

    def _release_mac(self, name: str) -> None:
        mac = self.macs.release(name)
        doubles = self._double_macs.pop(mac, None) if mac else None
        for other in doubles or ():
            double = self._world.tables[IP].get(Key(other))
            if other != name and double is not None:
                self._book(double)

    def pool(self, read: Reader, name: str) -> SubnetPool | None:
        """The allocator of a Subnet with the layout that it should have now; None while it may give no addresses."""
        wanted = read.view(layout, name)
        held = self._pools.get(name)
        if wanted is None:
            return None
        if held is None:
            found = map(self._world.tables[IP].__getitem__, self._world.members(IPS_OF_SUBNET, name))
            entries = sorted(entry(ip) for ip in found if not is_unfinished(ip) and not ip.vip)
            held = self._pools[name] = SubnetPool(wanted)
            self._restore(name, held, entries)
            self.changed[name] = None
            self._tell_strays(name, held.strays())
        elif held.layout != wanted:
            self._tell_strays(name, held.resize(wanted))
            self._freed[name] = None
            self.changed[name] = None
        return held

    def peek(self, name: str) -> SubnetPool | None:
        """The allocator of a Subnet as it stands, for reports."""
        return self._pools.get(name)

    def drop(self, name: str) -> None:
        """The Subnet is gone."""
        self._pools.pop(name, None)
        self._tell_strays(name, ())

    def _tell_strays(self, name: str, strays: tuple[Stray, ...]) -> None:
        words = tuple(f"{address_text(stray.family, stray.address)} of {stray.holder}" for stray in strays)
        self._world.put(Strays, Key(name), Strays(Key(name), words) if words else None)

    # -- giving -------------------------------------------------------------------------------------------------------

    def take(
        self, read: Reader, subnet: str, holder: str, wanted: Pair, fill: tuple[Family, ...], pool: str
    ) -> Pair | Refusal | None:
        """The holder has the addresses; or why not; or None while the Subnet may give none."""
        held = self.pool(read, subnet)
        if held is None or read.get(Strays, Key(subnet)) is not None:
            return None  # while it is as it was, an address of what it should become would reach nobody
        avoid = self._avoid(read) if fill else None
        found = held.take(holder, wanted, fill, pool or None, avoid)
        if isinstance(found, Pair):
            self._withdraw(holder, but=subnet)
            self._unsaved[holder] = subnet
            self.changed[subnet] = None
        return found

    def take_mac(self, holder: str, wanted: str) -> str | TakenMac:
        """The holder has that MAC, or with none wanted one that follows from its name; or who else has it."""
        if not wanted:
            return self.macs.take_next(holder, holder)
        return self.macs.take(holder, wanted) or wanted

    @staticmethod
    def _avoid(read: Reader) -> Avoid | None:
        nodes = read.view(node_addresses, None)
        return (lambda family, number: (family, number) in nodes) if nodes else None

    # -- waiting ------------------------------------------------------------------------------------------------------

    def wait(self, claim: Claim, demands: list[Demand]) -> None:
        """The claim is in these queues and no others; where it already waited it keeps its place."""
        before, after = self._waits.get(claim, ()), tuple(dict.fromkeys(demands))
        if before == after:
            return
        self.changed.update((demand.subnet, None) for demand in (*before, *after))
        for demand in before:
            if demand not in after:
                queue = self._queues[demand.subnet][demand]
                del queue[claim]
                if not queue:
                    del self._queues[demand.subnet][demand]
        for demand in after:
            self._queues.setdefault(demand.subnet, {}).setdefault(demand, {})[claim] = None
        if after:
            self._waits[claim] = after
        else:
            self._waits.pop(claim, None)

    def is_waiting(self, claim: Claim) -> bool:
        """Whether the claim stands in a queue."""
        return claim in self._waits

    def waiting(self, subnet: str) -> int:
        """How many claims wait for an address of the Subnet."""
        return len({claim for queue in self._queues.get(subnet, {}).values() for claim in queue})

    @property
    def has_freed(self) -> bool:
        """Whether an address was freed that those who wait have not been offered yet."""
        return bool(self._freed)

    def next_served(self) -> Iterator[Claim]:
        """The claims that can have an address now that some were freed: first come, first served.

        Ask for the next only after the one before was tried. One that is tried in vain ends its queue's turn.
        """
        while self._freed:
            subnet = next(iter(self._freed))
            del self._freed[subnet]
            for demand in list(self._queues.get(subnet, {})):
                yield from self._serve(subnet, demand)

    def _serve(self, subnet: str, demand: Demand) -> Iterator[Claim]:
        held = self._pools.get(subnet)
        families: list[Family] = [4 if family == 4 else 6 for family in demand.families]
        while held is not None:
            queue = self._queues.get(subnet, {}).get(demand)
            if not queue or not held.can_take_next(families, demand.pool or None):
                return
            first = next(iter(queue))
            yield first
            if self._queues.get(subnet, {}).get(demand, {}).get(first, False) is None:
                return


def _address(ip: IP) -> tuple[str, ...]:
    return ip.subnet, ip.v4, ip.v6, ip.mac, ip.vip
