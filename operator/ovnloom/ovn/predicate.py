"""A match as a function of a packet, for those who ask what the rows mean without sending one.

    predicate("outport == @web && ip4.src == $peers && tcp.dst == 80").bind(references)(packet) -> bool

A text is read once and kept; binding it to the sets and groups of one database costs microseconds, and a packet less
than one. What OVN itself can't evaluate (a set or port group that isn't there) matches nothing, as there.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache, partial
from ipaddress import IPv4Address, IPv6Address
from operator import attrgetter, ge, gt, le, lt
from typing import Final, NamedTuple

from ovnloom.ovn.expression import Comparison, Field, Junction, Node, Resident, Truth, parse
from ovnloom.ovn.symbols import CONNECTION_STATES, MEANINGS, PREREQUISITES, STRINGS, WIDTHS
from ovnloom.ovn.tokens import Token

IPV4, IPV6 = 0x800, 0x86DD
"""Values of `eth.type`."""
TCP, UDP, SCTP, ICMP4, ICMP6 = 6, 17, 132, 1, 58
"""Values of `ip.proto`."""
NEW: Final = 0x21
"""`ct.trk && ct.new`: connection tracking has seen the packet, and no connection that it belongs to."""
ESTABLISHED: Final = 0x22
REPLY: Final = 0x2A


@dataclass(frozen=True, slots=True)
class Packet:
    """What a match can look at. Addresses are numbers; `sport` and `dport` are an ICMP packet's type and code.

    Fields that have no attribute of their own are in `other` under OVN's names, or 0.
    """

    inport: str = ""
    outport: str = ""
    eth_type: int = IPV4
    src: int = 0
    dst: int = 0
    proto: int = 0
    sport: int = 0
    dport: int = 0
    eth_src: int = 0
    eth_dst: int = 0
    ttl: int = 64
    ct_state: int = NEW
    other: Mapping[str, int] | None = None


Test = Callable[[Packet], bool]


class Numbers:
    """Constants that a field is compared with: single values and masked ones."""

    __slots__ = ("masked", "single", "width")

    def __init__(self, texts: Iterable[str] = ()) -> None:
        self.single: set[int] = set()
        self.masked: list[tuple[int, int]] = []
        self.width = 0
        """How many bits the widest of them needs."""
        for text in texts:
            self.add(*number(text))

    def add(self, value: int, mask: int | None = None) -> None:
        """One more constant; bits that the mask lacks don't count."""
        if mask is None:
            self.single.add(value)
        else:
            self.masked.append((value & mask, mask))
        self.width = max(self.width, (value if mask is None else mask).bit_length())

    def __contains__(self, value: int) -> bool:
        return value in self.single or any(value & mask == wanted for wanted, mask in self.masked)

    def __len__(self) -> int:
        return len(self.single) + len(self.masked)


class References(NamedTuple):
    """What `$set`, `@group` and is_chassis_resident() name in one database."""

    sets: Mapping[str, Numbers] = {}
    groups: Mapping[str, Collection[str]] = {}
    residents: Collection[str] = ()


def _never(_: Packet) -> bool:
    return False


def _always(_: Packet) -> bool:
    return True


class Predicate:
    """One match, read. `ports` are terms that must hold of inport or outport: field and names (`@group` or a port)."""

    __slots__ = ("_bound", "groups", "node", "ports", "sets", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self.node = parse(text)
        constants = [token for comparison in _comparisons(self.node) for token in comparison.constants]
        self.sets = frozenset(token.text[1:] for token in constants if token.kind == "set")
        self.groups = frozenset(token.text[1:] for token in constants if token.kind == "group")
        self.ports = tuple(_ports(self.node))
        self._bound: Test | None = None

    def bind(self, references: References) -> Test:
        """The match in one database: its sets are read now, so what changes in place is seen."""
        if self._bound is not None:
            return self._bound
        if (self.sets or self.groups) and self.unread(references):
            return _never
        test = _all(_terms(self.node, references))
        if not self.sets and not self.groups and not _has_resident(self.node):
            self._bound = test
        return test

    def unread(self, references: References) -> str:
        """Why OVN drops the match there, as a sentence; empty when it doesn't."""
        missing = sorted(f"${name}" for name in self.sets - references.sets.keys())
        missing += sorted(f"@{name}" for name in self.groups - references.groups.keys())
        if missing:
            return f"{', '.join(missing)} is not there"
        for comparison in _comparisons(self.node) if self.sets else ():
            width = WIDTHS.get(comparison.field.name)
            for token in comparison.constants:
                if token.kind == "set" and width is not None and references.sets[token.text[1:]].width > width:
                    return f"{token.text} has a value that doesn't fit {comparison.field.name}"
        return ""


@lru_cache(maxsize=1 << 17)
def predicate(text: str) -> Predicate:
    """The match as it is read, kept for the next time. Raises Unreadable."""
    return Predicate(text)


@lru_cache(maxsize=1 << 16)
def number(text: str) -> tuple[int, int | None]:
    """A constant as number and mask, None for one that is compared as a whole. Raises ValueError."""
    value, slash, mask = text.partition("/")
    if not slash:
        return _plain(value), None
    if mask.isdigit() and ("." in value or ":" in value):
        width = 128 if ":" in value else 32
        bits = int(mask)
        return _plain(value), ((1 << bits) - 1) << (width - bits)
    return _plain(value), _plain(mask)


def _plain(text: str) -> int:
    if ":" in text:
        is_mac = text.count(":") == 5 and all(len(octet) == 2 for octet in text.split(":"))
        return int(text.replace(":", ""), 16) if is_mac else int(IPv6Address(text))
    return int(IPv4Address(text)) if "." in text else int(text, 0)


def _comparisons(node: Node) -> Iterator[Comparison]:
    if isinstance(node, Comparison):
        yield node
    elif isinstance(node, Junction):
        for term in node.terms:
            yield from _comparisons(term)


def _has_resident(node: Node) -> bool:
    return isinstance(node, Resident) or (isinstance(node, Junction) and any(map(_has_resident, node.terms)))


def _ports(node: Node) -> Iterator[tuple[str, tuple[str, ...]]]:
    if isinstance(node, Comparison) and node.field.name in STRINGS and node.operator == "==":
        names = (token.text if token.kind == "group" else _unquoted(token) for token in node.constants)
        yield node.field.name, tuple(names)
    elif isinstance(node, Junction) and node.joint == "&&":
        for term in node.terms:
            yield from _ports(term)


def _unquoted(token: Token) -> str:
    try:
        return str(json.loads(token.text))
    except ValueError:
        return token.text[1:-1]


# -- from what was read to functions ----------------------------------------------------------------------------------


def _all(terms: Iterable[Test]) -> Test:
    """A function that holds when all do."""
    parts = dict.fromkeys(terms)
    if _never in parts:
        return _never
    if _is_ip4 in parts or _is_ip6 in parts:
        parts.pop(_is_ip, None)
    match tuple(parts):
        case ():
            return _always
        case (one,):
            return one
        case (one, two):
            return lambda packet: one(packet) and two(packet)
        case (one, two, three):
            return lambda packet: one(packet) and two(packet) and three(packet)
        case (one, two, three, four):
            return lambda packet: one(packet) and two(packet) and three(packet) and four(packet)
        case (one, two, three, four, *rest):
            more = _all(rest)
            return lambda packet: one(packet) and two(packet) and three(packet) and four(packet) and more(packet)
    raise AssertionError  # a tuple has some length


def _any(tests: Iterable[Test]) -> Test:
    """A function that holds when one does."""
    found = tuple(dict.fromkeys(test for test in tests if test is not _never))
    if not found or _always in found:
        return _always if found else _never
    if len(found) == 1:
        return found[0]
    if len(found) == 2:
        one, two = found
        return lambda packet: one(packet) or two(packet)
    return lambda packet: any(test(packet) for test in found)


def _none(test: Test) -> Test:
    return lambda packet: not test(packet)


def _terms(node: Node, references: References) -> list[Test]:
    """Functions that hold together exactly when the match does."""
    if isinstance(node, Truth):
        return [] if node.holds else [_never]
    if isinstance(node, Resident):
        return [] if (_unquoted(node.port) in references.residents) == node.holds else [_never]
    if isinstance(node, Junction):
        if node.joint == "&&":
            return [test for term in node.terms for test in _terms(term, references)]
        return [_any(_all(_terms(term, references)) for term in node.terms)]
    name = node.field.name
    if name in STRINGS:
        return [_port_test(node, references)]
    if name in MEANINGS:
        return _predicate_terms(node, references)
    found = _constants(node, references)
    if not found:
        # OVN turns a comparison with an empty set into 1 or 0 before it asks what the field needs.
        return [] if node.operator == "!=" else [_never]
    before = "ct.trk" if name in CONNECTION_STATES and name != "ct.trk" else PREREQUISITES.get(name)
    return [*(_meaning(before) if before else ()), _compared(node.field, node.operator, found)]


@lru_cache(maxsize=256)
def _meaning(name: str) -> tuple[Test, ...]:
    """What a predicate (or a prerequisite) asks of a packet."""
    if name in _BASIC:
        return _BASIC[name]
    if name in MEANINGS:
        return tuple(_terms(parse(MEANINGS[name]), References()))
    return tuple(_terms(parse(name), References()))


def _predicate_terms(node: Comparison, references: References) -> list[Test]:
    """A predicate compared with 0 or 1, in whatever way: it must hold, or not."""
    wanted: set[bool] = set()
    for comparand in (0, 1):
        holds = comparand in _constants(node, references)
        if holds != (node.operator == "!="):
            wanted.add(bool(comparand))
    if len(wanted) != 1:
        return [] if wanted else [_never]
    found = _meaning(node.field.name)
    return list(found) if True in wanted else [_none(_all(found))]


def _port_test(node: Comparison, references: References) -> Test:
    names: set[str] = set()
    for token in node.constants:
        if token.kind == "group":
            names.update(references.groups[token.text[1:]])
        else:
            names.add(_unquoted(token))
    ports = frozenset(names)
    if not ports:
        return _never
    if node.field.name == "inport":
        return lambda packet: packet.inport in ports
    return lambda packet: packet.outport in ports


def _constants(node: Comparison, references: References) -> Numbers:
    if len(node.constants) == 1 and node.constants[0].kind == "set":
        return references.sets[node.constants[0].text[1:]]
    found = Numbers()
    for token in node.constants:
        if token.kind == "set":
            there = references.sets[token.text[1:]]
            found.single |= there.single
            found.masked += there.masked
            found.width = max(found.width, there.width)
        else:
            found.add(*number(token.text))
    return found


_ORDERS: Final[Mapping[str, Callable[[int, int], bool]]] = {"<": lt, "<=": le, ">": gt, ">=": ge}


def _compared(place: Field, operator: str, constants: Numbers) -> Test:
    get = _getter(place)
    is_part = place.bits is not None and (place.low or place.bits != WIDTHS.get(place.name))
    if is_part:
        ones = (1 << (place.bits or 0)) - 1
        cut = Numbers()
        cut.single = {value & ones for value in constants.single}
        cut.masked = [(value & ones, mask & ones) for value, mask in constants.masked]
        constants = cut
    if operator in _ORDERS:
        order, limit = _ORDERS[operator], next(iter(constants.single))
        return lambda packet: order(get(packet), limit)
    equal = _equal(get, constants)
    return _none(equal) if operator == "!=" else equal


def _equal(get: Callable[[Packet], int], constants: Numbers) -> Test:
    single, masked = constants.single, constants.masked
    if len(single) == 1 and not masked:
        (only,) = single
        return lambda packet: get(packet) == only
    if not masked:
        return lambda packet: get(packet) in single
    if len(masked) == 1 and not single:
        wanted, mask = masked[0]
        return lambda packet: get(packet) & mask == wanted
    return lambda packet: get(packet) in constants


_ATTRIBUTES: Final[Mapping[str, str]] = {
    "eth.type": "eth_type",
    "eth.src": "eth_src",
    "eth.dst": "eth_dst",
    **dict.fromkeys(("ip4.src", "ip6.src"), "src"),
    **dict.fromkeys(("ip4.dst", "ip6.dst"), "dst"),
    "ip.proto": "proto",
    "ip.ttl": "ttl",
    **dict.fromkeys(("tcp.src", "udp.src", "sctp.src", "icmp4.type", "icmp6.type"), "sport"),
    **dict.fromkeys(("tcp.dst", "udp.dst", "sctp.dst", "icmp4.code", "icmp6.code"), "dport"),
    "ct_state": "ct_state",
}


def _getter(place: Field) -> Callable[[Packet], int]:
    name, low, bits = place
    if name in CONNECTION_STATES:
        bit = CONNECTION_STATES[name]
        return lambda packet: packet.ct_state >> bit & 1
    whole: Callable[[Packet], int]
    if name in _ATTRIBUTES:
        whole = attrgetter(_ATTRIBUTES[name])
    elif name in _PARTS:
        return _getter(_PARTS[name])
    else:
        whole = partial(_other, name)
    if bits is None or (not low and bits == WIDTHS.get(name)):
        return whole
    ones = (1 << bits) - 1
    return lambda packet: whole(packet) >> low & ones


_PARTS: Final[Mapping[str, Field]] = {"vlan.vid": Field("vlan.tci", 0, 12), "vlan.pcp": Field("vlan.tci", 13, 3)}


def _other(name: str, packet: Packet) -> int:
    return packet.other.get(name, 0) if packet.other else 0


def _is_ip(packet: Packet) -> bool:
    return packet.eth_type in (IPV4, IPV6)


def _is_ip4(packet: Packet) -> bool:
    return packet.eth_type == IPV4


def _is_ip6(packet: Packet) -> bool:
    return packet.eth_type == IPV6


_BASIC: Final[Mapping[str, tuple[Test, ...]]] = {"ip": (_is_ip,), "ip4": (_is_ip4,), "ip6": (_is_ip6,)}
