"""Addresses as (family, int), and their text.

Ints keep a Subnet with ten thousand addresses small and comparisons cheap; `ipaddress` objects cost microseconds each.
"""

from ipaddress import IPv6Address
from typing import Final, Literal, NamedTuple

from ovnloom.ipam.malformed import Malformed

Family = Literal[4, 6]
"""The IP version, 4 or 6."""

FAMILIES: Final[tuple[Family, Family]] = (4, 6)
BITS: Final[dict[Family, int]] = {4: 32, 6: 128}


def parse_address(text: str) -> tuple[Family, int]:
    """The family and the number of one IP address; blanks around it are ignored.

    IPv4 is four decimal parts without leading zeros, as Kubernetes reads it; zones (`%eth0`) are refused.
    """
    stripped = text.strip()
    if ":" in stripped:
        return 6, _parse_v6(stripped)
    number = _parse_v4(stripped)
    if number is None:
        raise Malformed(text, "is not an IP address", "write one like 10.16.0.5 or fd00::5")
    return 4, number


def address_text(family: Family, number: int) -> str:
    """The canonical text: dotted quad, or RFC 5952 for IPv6."""
    if family == 4:
        return f"{number >> 24}.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"
    return str(IPv6Address(number))


def _parse_v4(text: str) -> int | None:
    parts = text.split(".")
    if len(parts) != 4:
        return None
    number = 0
    for part in parts:
        if not (part.isascii() and part.isdigit()) or len(part) > 3 or (part[0] == "0" and len(part) > 1):
            return None
        octet = int(part)
        if octet > 255:
            return None
        number = number << 8 | octet
    return number


def _parse_v6(text: str) -> int:
    if "%" in text:
        raise Malformed(text, "has a zone", "write the address without the part from % on")
    try:
        return int(IPv6Address(text))
    except ValueError:
        raise Malformed(text, "is not an IPv6 address", "write one like fd00::5") from None


class Pair(NamedTuple):
    """The addresses of one interface: at most one of each family. An empty Pair is a possible value: no address."""

    v4: int | None = None
    v6: int | None = None

    def of(self, family: Family) -> int | None:
        """The address of that family, or None."""
        return self.v4 if family == 4 else self.v6

    @property
    def families(self) -> tuple[Family, ...]:
        """The families that have an address, IPv4 first."""
        return tuple(family for family in FAMILIES if self.of(family) is not None)

    @property
    def v4_text(self) -> str:
        """The IPv4 half as text, empty when there is none (spec.v4IpAddress of an IP object)."""
        return "" if self.v4 is None else address_text(4, self.v4)

    @property
    def v6_text(self) -> str:
        """The IPv6 half as text, empty when there is none (spec.v6IpAddress of an IP object)."""
        return "" if self.v6 is None else address_text(6, self.v6)

    @property
    def text(self) -> str:
        """`v4`, `v6` or `v4,v6`: the form of annotations and of spec.ipAddress."""
        return ",".join(text for text in (self.v4_text, self.v6_text) if text)


NO_ADDRESS: Final = Pair()


def parse_pair(text: str) -> Pair:
    """`v4`, `v6` or both with a comma, in either order; empty text is the empty Pair.

    A prefix length (`10.0.0.5/24`) is refused with a sentence that says so; two addresses of one family are too.
    """
    found: dict[Family, int] = {}
    for item in text.split(",") if text.strip() else ():
        if "/" in item:
            raise Malformed(item.strip(), "has a prefix length", "write the address alone")
        family, number = parse_address(item)
        if family in found:
            raise Malformed(text, f"has two IPv{family} addresses", "write at most one of each family")
        found[family] = number
    return Pair(found.get(4), found.get(6))
