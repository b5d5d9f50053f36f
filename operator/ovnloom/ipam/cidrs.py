"""Ranges as CIDRs, the form that an OVN Address_Set wants."""

from collections.abc import Iterator
from ipaddress import IPv4Address, IPv6Address, summarize_address_range

from ovnloom.ipam.items import Spans


def cidrs(spans: Spans) -> Iterator[str]:
    """The fewest CIDRs that cover the ranges exactly, IPv4 first; a single address is written without prefix."""
    for first, last in spans.v4:
        yield from (_text(str(found)) for found in summarize_address_range(IPv4Address(first), IPv4Address(last)))
    for first, last in spans.v6:
        yield from (_text(str(found)) for found in summarize_address_range(IPv6Address(first), IPv6Address(last)))


def _text(cidr: str) -> str:
    return cidr.removesuffix("/32") if ":" not in cidr else cidr.removesuffix("/128")
