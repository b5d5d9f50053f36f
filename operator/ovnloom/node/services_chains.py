"""One Service as chains of nftables, and the addresses that lead to them.

A chain for each port and family, where it is needed two or three: `any` for all backends, `inside` and `outside` for
policies `Local`, `ranges` for loadBalancerSourceRanges. A packet that finds its address in a map goes to the chain and
comes out with the address of a backend, refused, or dropped.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, collapse_addresses
from typing import NamedTuple, TypeVar

from ovnloom.api.service import Service
from ovnloom.host.marks import LOCAL_SERVICE, MASQUERADE
from ovnloom.host.nft import Chain, Rule, Set
from ovnloom.ipam import Family, Malformed, address_text, parse_address
from ovnloom.node.services_backends import Choice

Kind = TypeVar("Kind", IPv4Network, IPv6Network)
WORDS: Mapping[Family, tuple[str, str]] = {4: ("ip", "ipv4_addr"), 6: ("ip6", "ipv6_addr")}
"""The words of nft for a family's header, and for its addresses."""
ADDRESSES: Mapping[Family, str] = {4: "addresses4", 6: "addresses6"}
PORTS: Mapping[Family, str] = {4: "ports4", 6: "ports6"}
"""The maps from an address, protocol and port, and from a NodePort's protocol and port, to a chain."""
LOCAL = "fib saddr type local"
MOST_RULES = 16
"""Backends that have a rule each. More are one rule with a map: the kernel names such a map by looking at all others,
which makes 10,000 of them seconds, but rules are looked at one by one."""


class Entrance(NamedTuple):
    """An element of one of the maps; what two Services claim, the smaller `rank` has."""

    map: str
    key: str
    rank: tuple[bool, str, str]
    chain: str


@dataclass(frozen=True, slots=True)
class Fragment:
    """What one Service has in the table."""

    chains: tuple[Chain, ...] = ()
    sets: tuple[Set, ...] = ()
    entrances: tuple[Entrance, ...] = ()
    datagrams: tuple[tuple[str, frozenset[str]], ...] = ()
    """For UDP, where connections have no end: the chain's name, and the backends to which it leads."""


NOTHING = Fragment()


class Closed:
    """Addresses that no Service may take from whom they belong to: those of Pods."""

    def __init__(self, spans: Mapping[Family, list[tuple[int, int]]]) -> None:
        self._spans = spans

    def __contains__(self, text: str) -> bool:
        family, number = parse_address(text)
        return any(first <= number <= last for first, last in self._spans.get(family, ()))


OPEN = Closed({})


def fragment(service: Service, choices: Iterable[Choice], closed: Closed = OPEN) -> Fragment:
    """What the Service has in the table, with these backends; nothing when nobody serves it."""
    chains: list[Chain] = []
    sets: dict[str, Set] = {}
    entrances: list[Entrance] = []
    datagrams: list[tuple[str, frozenset[str]]] = []
    for choice in choices:
        part = _Part(service, choice)
        chains.extend(part.chains())
        sets.update((each.name, each) for each in part.sets())
        entrances.extend(part.entrances(closed))
        if choice.protocol == "udp":
            leads = frozenset(choice.near) | frozenset(choice.local)
            datagrams.extend((chain.name, leads) for chain in part.chains())
    return Fragment(tuple(chains), tuple(sets.values()), tuple(entrances), tuple(datagrams))


class _Part:
    """One port of a Service in one family."""

    def __init__(self, service: Service, choice: Choice) -> None:
        self._service = service
        self._choice = choice
        self._tail = f"{choice.family}/{service.namespace}/{service.key.name}/{choice.protocol}/{choice.port.port}"
        self._ip, self._type = WORDS[choice.family]
        self._then = f"meta l4proto {choice.protocol} dnat {self._ip} to"
        self._any = f"any/{self._tail}"
        self._is_split = bool(choice.near) and service.is_externally_local and self._has_outside
        self._inside = f"inside/{self._tail}" if choice.near and service.is_internally_local else self._any
        self._outside = f"outside/{self._tail}" if self._is_split else self._any
        self._balancer = f"ranges/{self._tail}" if service.ingress_ips and _is_limited(service) else self._outside

    @property
    def _has_outside(self) -> bool:
        service = self._service
        return bool(service.external_ips or service.ingress_ips or self._choice.port.node_port)

    def chains(self) -> Iterator[Chain]:
        choice = self._choice
        if not choice.near:
            yield Chain(self._any, tuple(self._refusal()))
        else:
            yield Chain(self._any, (Rule("jump own-address"), *self._selection(choice.near)))
        local = tuple(self._selection(choice.local)) if choice.local else (Rule("drop", "no backend on this node"),)
        if self._inside != self._any:
            yield Chain(self._inside, (Rule("jump own-address"), *local))
        if self._outside != self._any:
            yield Chain(self._outside, (*self._who_comes(), *local))
        if self._balancer != self._outside:
            yield Chain(self._balancer, (*self._ranges(), Rule(f"goto {self._outside}")))

    def _refusal(self) -> Iterator[Rule]:
        if self._choice.protocol == "tcp":
            yield Rule("meta l4proto tcp reject with tcp reset", "no backend")
        yield Rule("reject", "no backend")

    def _who_comes(self) -> Iterator[Rule]:
        """The node and its own Pods reach all backends; OVN would take replies to others past this node."""
        family = self._choice.family
        yield Rule(f"{self._ip} saddr @here{family} goto {self._any}")
        yield Rule(f"{LOCAL} goto {self._any}")
        for others in ("nodes", "pods"):
            yield Rule(f"{self._ip} saddr @{others}{family} meta mark set meta mark | {MASQUERADE:#x}")
        yield Rule(f"meta mark set meta mark | {LOCAL_SERVICE:#x}")

    def _ranges(self) -> Iterator[Rule]:
        """Without a range of this family nobody is meant to come: fail closed."""
        found = _networks(self._service.source_ranges, self._choice.family)
        source = f"{self._ip} saddr != {{ {', '.join(found)} }} " if found else ""
        yield Rule(f"{source}drop", "loadBalancerSourceRanges")

    # -- backends

    def _selection(self, backends: tuple[str, ...]) -> Iterator[Rule]:
        if self._service.affinity_seconds:
            yield from self._remembered(backends)
        if len(backends) > MOST_RULES:
            items = ", ".join(f"{at} : {_concatenated(text)}" for at, text in enumerate(backends))
            yield Rule(f"{self._then} numgen random mod {len(backends)} map {{ {items} }}")
            return
        for at, text in enumerate(backends):
            yield Rule(f"{self._share(len(backends) - at)}{self._then} {text}")

    @staticmethod
    def _share(left: int) -> str:
        return f"numgen random mod {left} == 0 " if left > 1 else ""

    def _remembered(self, backends: tuple[str, ...]) -> Iterator[Rule]:
        """A client goes where it went. Where nothing more can be remembered, the rules after these choose anew."""
        for text in backends:
            name = self._keeper(text)
            yield Rule(f"{self._ip} saddr @{name} update @{name} {{ {self._ip} saddr }} {self._then} {text}")
        for at, text in enumerate(backends):
            share = self._share(len(backends) - at)
            yield Rule(f"{share}update @{self._keeper(text)} {{ {self._ip} saddr }} {self._then} {text}")

    def sets(self) -> Iterator[Set]:
        """The clients of each backend, with session affinity."""
        seconds = self._service.affinity_seconds
        if not seconds:
            return
        flags = frozenset({"dynamic", "timeout"})
        used = dict.fromkeys(self._choice.near)
        if self._inside != self._any or self._outside != self._any:
            used |= dict.fromkeys(self._choice.local)
        for text in used:
            yield Set(self._keeper(text), self._type, flags=flags, timeout=seconds)

    def _keeper(self, text: str) -> str:
        word = text.replace("[", "").replace("]", "").replace(":", "_")
        return f"clients/{self._service.affinity_seconds}/{self._tail}/{word}"

    # -- addresses

    def entrances(self, closed: Closed) -> Iterator[Entrance]:
        service, choice = self._service, self._choice
        age = (service.created, str(service.key))
        where = (
            (service.cluster_ips, self._inside, True),
            (service.external_ips, self._outside, False),
            (service.ingress_ips, self._balancer, False),
        )
        seen = set()
        for addresses, chain, is_internal in where:
            for address in filter(None, (_address(text, choice.family) for text in addresses)):
                if address in seen or (not is_internal and address in closed):
                    continue
                seen.add(address)
                key = f"{address} . {choice.protocol} . {choice.port.port}"
                yield Entrance(ADDRESSES[choice.family], key, (not is_internal, *age), chain)
        if choice.port.node_port:
            key = f"{choice.protocol} . {choice.port.node_port}"
            yield Entrance(PORTS[choice.family], key, (False, *age), self._outside)


def _address(text: str, family: Family) -> str:
    try:
        found, number = parse_address(text)
    except Malformed:
        return ""
    return address_text(found, number) if found == family else ""


def _is_limited(service: Service) -> bool:
    """Whether not everybody may come; `0.0.0.0/0` is the usual way to say that all of both families may."""
    return bool(service.source_ranges) and not any(text.strip().endswith("/0") for text in service.source_ranges)


def _networks(ranges: tuple[str, ...], family: Family) -> list[str]:
    """Those of a family, none within another: a set of nftables must not overlap itself."""
    if family == 4:
        return [str(found) for found in collapse_addresses(_each(ranges, IPv4Network))]
    return [str(found) for found in collapse_addresses(_each(ranges, IPv6Network))]


def _each(ranges: tuple[str, ...], kind: Callable[[str, bool], Kind]) -> Iterator[Kind]:
    for text in ranges:
        with suppress(ValueError):
            yield kind(text.strip(), False)


def _concatenated(text: str) -> str:
    address, _, port = text.rpartition(":")
    return f"{address.strip('[]')} . {port}"
