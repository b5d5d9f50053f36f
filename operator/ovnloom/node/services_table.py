"""The nftables table of Services: what is the same for all of them, and what each adds.

prerouting, output ──> find ──> map of addresses or NodePorts ──> chain of a Service: the address of a backend
postrouting: what was marked on that way leaves with an address of this host
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from ovnloom.api.meta import Key
from ovnloom.host.marks import MASQUERADE
from ovnloom.host.nft import Chain, Found, Hook, Rule, Set, Table, changes
from ovnloom.ipam import FAMILIES
from ovnloom.node.services_chains import ADDRESSES, NOTHING, PORTS, WORDS, Entrance, Fragment

NAME = "ovnloom-services"
GUARD = "written"
"""A chain that every transaction mentions first, so that none goes into a table that isn't ours any more."""
LOOPBACK = {4: "ip daddr != 127.0.0.0/8", 6: "ip6 daddr != ::1"}
INTERVAL = frozenset({"interval"})


@dataclass(frozen=True, slots=True)
class Surroundings:
    """The addresses around this node, by family: as elements of sets."""

    pods: Mapping[int, frozenset[str]] = field(default_factory=dict)
    """CIDRs whose traffic comes from Pods."""
    here: Mapping[int, frozenset[str]] = field(default_factory=dict)
    """Addresses of the Pods of this node."""
    nodes: Mapping[int, frozenset[str]] = field(default_factory=dict)
    """Addresses of all nodes."""
    own: Mapping[int, frozenset[str]] = field(default_factory=dict)
    """Addresses of this node to which Pods anywhere answer by way of this node."""


NOWHERE = Surroundings()


def frame_chains() -> tuple[Chain, ...]:
    """The chains that the table has without any Service."""
    bit = f"{MASQUERADE:#x}"
    masquerade = [Rule(f"{WORDS[family][0]} saddr @own{family} return") for family in FAMILIES]
    find = [
        Rule(f"{WORDS[family][0]} daddr . meta l4proto . th dport vmap @{ADDRESSES[family]}") for family in FAMILIES
    ]
    find += [Rule(f"fib daddr type local {LOOPBACK[family]} jump nodeports{family}") for family in FAMILIES]
    ports = [
        Chain(f"nodeports{family}", (Rule(f"meta l4proto . th dport vmap @{PORTS[family]}"),)) for family in FAMILIES
    ]
    return (
        Chain(GUARD),
        Chain("own-address", (*masquerade, Rule(f"meta mark set meta mark | {bit}"))),
        *ports,
        Chain("find", tuple(find)),
        Chain("prerouting", (Rule("jump find"),), Hook("nat", "prerouting", -100)),
        Chain("output", (Rule("jump find"),), Hook("nat", "output", -100)),
        Chain(
            "postrouting",
            (
                # The mark goes, or the tunnel that carries the packet would be masqueraded as well.
                Rule(f"meta mark & {bit} == {bit} meta mark set meta mark ^ {bit} masquerade fully-random"),
            ),
            Hook("nat", "postrouting", 98),
        ),
    )


def frame_sets(around: Surroundings) -> tuple[Set, ...]:
    """The sets that rules of all Services look at."""
    sets = []
    for family in FAMILIES:
        kind = WORDS[family][1]
        sets.append(Set(f"pods{family}", kind, around.pods.get(family, frozenset()), INTERVAL))
        sets.append(Set(f"here{family}", kind, around.here.get(family, frozenset())))
        sets.append(Set(f"nodes{family}", kind, around.nodes.get(family, frozenset())))
        sets.append(Set(f"own{family}", kind, around.own.get(family, frozenset())))
    return tuple(sets)


def map_of(name: str, elements: frozenset[str]) -> Set:
    """One of the maps to chains, with these of its elements."""
    number = "inet_proto . inet_service"
    kinds = {ADDRESSES[family]: f"{WORDS[family][1]} . {number}" for family in FAMILIES}
    return Set(name, kinds.get(name, number), elements, value="verdict")


MAPS = (*ADDRESSES.values(), *PORTS.values())


class Book:
    """All fragments, and which of them has each entrance. What one Service changes costs what it changes."""

    def __init__(self) -> None:
        self.around = NOWHERE
        self.fragments: dict[Key, Fragment] = {}
        self._claims: dict[tuple[str, str], dict[Key, Entrance]] = {}
        self._leads: dict[str, frozenset[str]] = {}
        """The backends of each chain for UDP."""
        self._shown: dict[Key, Fragment] = {}
        """What the kernel has, where that is something else than in `fragments`."""
        self._was: dict[tuple[str, str], str | None] = {}
        """The chain that the kernel has at an entrance, of those that may have changed."""
        self._was_around = NOWHERE

    def put(self, key: Key, found: Fragment) -> bool:
        """The Service has this fragment, `NOTHING` when there is none; whether that is a change."""
        before = self.fragments.get(key, NOTHING)
        if before == found:
            return False
        self._shown.setdefault(key, before)
        for entrance in {*before.entrances, *found.entrances}:
            place = (entrance.map, entrance.key)
            self._was.setdefault(place, self.at(place))
        for entrance in before.entrances:
            self._claims[entrance.map, entrance.key].pop(key, None)
        for entrance in found.entrances:
            self._claims.setdefault((entrance.map, entrance.key), {})[key] = entrance
        for chain, _ in before.datagrams:
            self._leads.pop(chain, None)
        self._leads.update(found.datagrams)
        if found == NOTHING:
            self.fragments.pop(key, None)
        else:
            self.fragments[key] = found
        return True

    def at(self, place: tuple[str, str]) -> str | None:
        """The chain to which an entrance leads: that of the smallest rank."""
        claims = self._claims.get(place)
        return min(claims.values(), key=lambda entrance: entrance.rank).chain if claims else None

    def whole(self) -> Table:
        """The table with all Services."""
        chains, sets = [*frame_chains()], [*frame_sets(self.around)]
        for found in self.fragments.values():
            chains.extend(found.chains)
            sets.extend(found.sets)
        elements: dict[str, set[str]] = {name: set() for name in MAPS}
        for place in self._claims:
            if (chain := self.at(place)) is not None:
                elements[place[0]].add(f"{place[1]} : goto {chain}")
        maps = tuple(map_of(name, frozenset(items)) for name, items in elements.items())
        return Table(NAME, chains=tuple(chains), sets=(*sets, *maps))

    def written(self) -> None:
        """The kernel has all of it."""
        for place in self._was:
            if not self._claims.get(place):
                self._claims.pop(place, None)
        self._shown.clear()
        self._was.clear()
        self._was_around = self.around

    def transaction(self) -> tuple[str, ...]:
        """The commands for what changed since it was written: only of chains, sets and elements that are others now."""
        olds = list(self._shown.values())
        news = [self.fragments.get(key, NOTHING) for key in self._shown]
        have, want = _maps(self._was.items()), _maps((place, self.at(place)) for place in self._was)
        if self.around != self._was_around:
            have, want = (*have, *frame_sets(self._was_around)), (*want, *frame_sets(self.around))
        found = Found(
            {chain.name: (None, tuple(rule.mark for rule in chain.rules)) for old in olds for chain in old.chains},
            {each.name: each for each in (*have, *(each for old in olds for each in old.sets))},
        )
        chains = tuple(chain for new in news for chain in new.chains)
        sets = (*want, *(each for new in news for each in new.sets))
        commands = changes(Table(NAME, chains=chains, sets=sets), found)
        return (f"flush chain inet {NAME} {GUARD}", *commands) if commands else ()

    def datagrams(self) -> dict[tuple[str, str], tuple[frozenset[str], frozenset[str]]]:
        """For each entrance for UDP that may have changed since it was written: the backends then, and now."""
        before = {chain: to for old in self._shown.values() for chain, to in old.datagrams}
        nobody: frozenset[str] = frozenset()
        found = {}
        for place, was in self._was.items():
            if "udp . " in place[1]:
                then = nobody if was is None else before.get(was, self._leads.get(was, nobody))
                found[place] = (then, self._leads.get(self.at(place) or "", nobody))
        return found


def _maps(found: Iterable[tuple[tuple[str, str], str | None]]) -> tuple[Set, ...]:
    elements: dict[str, set[str]] = {name: set() for name in MAPS}
    for (name, key), chain in found:
        if chain is not None:
            elements[name].add(f"{key} : goto {chain}")
    return tuple(map_of(name, frozenset(items)) for name, items in elements.items())
