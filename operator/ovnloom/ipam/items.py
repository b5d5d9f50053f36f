"""Lists of addresses as users write them: excludeIps of a Subnet, ips of an IPPool."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from ovnloom.ipam.address import Family, Pair, address_text, parse_address
from ovnloom.ipam.malformed import Malformed
from ovnloom.ipam.network import parse_network
from ovnloom.ipam.ranges import Ranges, Span


@dataclass(frozen=True, slots=True)
class Spans:
    """Ranges of both families as an immutable value, merged and ascending."""

    v4: tuple[Span, ...] = ()
    v6: tuple[Span, ...] = ()

    def of(self, family: Family) -> Ranges:
        """A new set of that family's addresses."""
        return Ranges(self.v4 if family == 4 else self.v6)


NOTHING: Final = Spans()


def parse_item(text: str) -> tuple[Family, Span]:
    """`IP`, `a..b` (both ends included) or a CIDR (all its addresses). Raises Malformed."""
    stripped = text.strip()
    if ".." in stripped:
        return _parse_range(stripped)
    if "/" in stripped:
        network = parse_network(stripped)
        return network.family, (network.address, network.last_address)
    try:
        family, number = parse_address(stripped)
    except Malformed as malformed:
        raise Malformed(
            stripped, malformed.wrong, "write an IP address, a range like 10.16.0.5..10.16.0.9, or a CIDR"
        ) from None
    return family, (number, number)


def parse_items(items: Iterable[str]) -> Spans:
    """The set of a list of items, families mixed. Raises Malformed that names the first item at fault."""
    found: dict[Family, list[Span]] = {4: [], 6: []}
    for item in items:
        family, span = parse_item(item)
        found[family].append(span)
    return Spans(tuple(Ranges(found[4]).spans()), tuple(Ranges(found[6]).spans()))


def exclude_items(items: Iterable[str], gateway: Pair) -> tuple[str, ...]:
    """spec.excludeIps as it is saved: overlapping ranges merged, the gateways in it, sorted as strings.

    Ranges that only touch stay apart, so that a user finds what they wrote. A gateway that an item covers adds nothing.
    Items are IPs or `a..b` (a CIDR becomes a range). Raises Malformed.
    """
    spans: dict[Family, list[Span]] = {4: [], 6: []}
    for item in items:
        family, span = parse_item(item)
        spans[family].append(span)
    for family in gateway.families:
        number = gateway.of(family)
        if number is not None:
            spans[family].append((number, number))
    merged: list[str] = []
    for family, of_family in spans.items():
        merged.extend(_item_text(family, span) for span in _merge_overlapping(of_family))
    return tuple(sorted(merged))


def _merge_overlapping(spans: list[Span]) -> list[Span]:
    merged: list[Span] = []
    for first, last in sorted(spans):
        if merged and first <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(last, merged[-1][1]))
        else:
            merged.append((first, last))
    return merged


def _item_text(family: Family, span: Span) -> str:
    first, last = span
    if first == last:
        return address_text(family, first)
    return f"{address_text(family, first)}..{address_text(family, last)}"


def _parse_range(text: str) -> tuple[Family, Span]:
    ends = text.split("..")
    if len(ends) != 2:
        raise Malformed(text, "is not a range", "write its first and last address, like 10.16.0.5..10.16.0.9")
    (family, first), (last_family, last) = parse_address(ends[0]), parse_address(ends[1])
    if family != last_family:
        raise Malformed(text, "mixes IPv4 and IPv6", "write one range for each family")
    if first > last:
        raise Malformed(text, "is reversed", f"write it as {ends[1].strip()}..{ends[0].strip()}")
    return family, (first, last)
