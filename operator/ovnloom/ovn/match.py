"""OVN match expressions as values whose text is canonical (ovn-sb(5), Logical_Flow `match`, Expressions).

The same meaning built in the same way is the same text: sets are sorted, `&&` and `||` are parenthesised where they
meet, nothing else is. A plan compares text, so an unchanged world gives an unchanged match.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from re import compile as pattern
from typing import Final, Literal

Side = Literal["src", "dst"]
PortField = Literal["inport", "outport"]

_IDENTIFIER: Final = pattern(r"[A-Za-z_][A-Za-z0-9_.]*")


@dataclass(frozen=True, slots=True)
class Match:
    """A condition on a packet; `str()` is the text that OVN reads.

    `joint` is what joins its outermost terms: nothing when it is one term, `?` when we don't know.
    """

    text: str
    joint: Literal["&&", "||", "?", ""] = ""

    def __str__(self) -> str:
        return self.text


EVERYTHING: Final = Match("1")
"""Every packet."""
NOTHING: Final = Match("0")
"""No packet."""
IP: Final = Match("ip")
IP4: Final = Match("ip4")
IP6: Final = Match("ip6")
ARP: Final = Match("arp")
ICMP4: Final = Match("icmp4")
ICMP6: Final = Match("icmp6")
TCP: Final = Match("tcp")
UDP: Final = Match("udp")
SCTP: Final = Match("sctp")


def all_of(*matches: Match) -> Match:
    """Packets that all of the matches take; without any, every packet."""
    return _join("&&", [match for match in matches if match != EVERYTHING], EVERYTHING)


def any_of(*matches: Match) -> Match:
    """Packets that one of the matches takes; without any, no packet."""
    return _join("||", [match for match in matches if match != NOTHING], NOTHING)


def none_of(match: Match) -> Match:
    """Packets that the match doesn't take. OVN refuses it for inport and outport, which can only be compared equal."""
    return Match(f"!{match.text}" if match.text.isidentifier() else f"!({match.text})")


def as_given(text: str) -> Match:
    """A match that a user wrote: untouched when it stands alone, in parentheses when it is joined with others."""
    return Match(text.strip(), "?")


def is_value(field: str, value: int | str) -> Match:
    """The field has that value: a number, an address or CIDR, or (`$name`, see `addresses`) one of a set."""
    return Match(f"{field} == {value}")


def is_not(field: str, value: int | str) -> Match:
    """The field has another value, none of the set."""
    return Match(f"{field} != {value}")


def one_of(values: Iterable[int | str]) -> str:
    """The text of a set of constants: `{a, b}` sorted, a single one alone. Empty sets have no text in OVN.

    Raises ValueError for none: decide what no value means (`NOTHING`, `EVERYTHING`) before.
    """
    texts = [str(value) for value in sorted(set(values), key=lambda value: (isinstance(value, str), value))]
    if not texts:
        raise ValueError("OVN has no empty set of constants")
    return texts[0] if len(texts) == 1 else f"{{{', '.join(texts)}}}"


def between(field: str, first: int, last: int) -> Match:
    """The field is in the range, both ends included; one value is a comparison."""
    return is_value(field, first) if first == last else Match(f"{first} <= {field} <= {last}")


def addresses(address_set: str) -> str:
    """A reference to an Address_Set, or to the addresses of a Port_Group (`names.group_addresses`)."""
    return f"${_checked(address_set)}"


def ip_side(family: Literal[4, 6], side: Side) -> str:
    """The field with the source or destination address: `ip4.src`."""
    return f"ip{family}.{side}"


def family_of(address: str) -> Literal[4, 6]:
    """The family of an address, CIDR or list of them, by its text."""
    return 6 if ":" in address else 4


def from_cidr(cidr: str) -> Match:
    """The packet comes from that address or CIDR; the family is the CIDR's."""
    return is_value(ip_side(family_of(cidr), "src"), cidr)


def to_cidr(cidr: str) -> Match:
    """The packet goes to that address or CIDR; the family is the CIDR's."""
    return is_value(ip_side(family_of(cidr), "dst"), cidr)


def from_set(family: Literal[4, 6], address_set: str) -> Match:
    """The packet comes from an address of the set."""
    return is_value(ip_side(family, "src"), addresses(address_set))


def to_set(family: Literal[4, 6], address_set: str) -> Match:
    """The packet goes to an address of the set."""
    return is_value(ip_side(family, "dst"), addresses(address_set))


def inside(cidr: str) -> Match:
    """The packet stays in the CIDR."""
    return all_of(from_cidr(cidr), to_cidr(cidr))


def exchanged(cidr: str, other: str) -> Match:
    """The packet goes from one CIDR to the other, in either direction."""
    return any_of(all_of(from_cidr(cidr), to_cidr(other)), all_of(from_cidr(other), to_cidr(cidr)))


def at_group(field: PortField, port_group: str) -> Match:
    """The packet enters (inport) or leaves (outport) the switch by a port of the group."""
    return Match(f"{field} == @{_checked(port_group)}")


def at_port(field: PortField, port: str) -> Match:
    """The packet enters (inport) or leaves (outport) by that port."""
    quoted = port.replace("\\", "\\\\").replace('"', '\\"')
    return Match(f'{field} == "{quoted}"')


def _checked(name: str) -> str:
    if not _IDENTIFIER.fullmatch(name):
        raise ValueError(f"{name!r} can't stand in a match: letters, digits, _ and . only, no digit first")
    return name


def _join(joint: Literal["&&", "||"], matches: list[Match], empty: Match) -> Match:
    if not matches:
        return empty
    if len(matches) == 1:
        return matches[0]
    texts = (f"({match.text})" if match.joint not in {"", joint} else match.text for match in matches)
    return Match(f" {joint} ".join(texts), joint)
