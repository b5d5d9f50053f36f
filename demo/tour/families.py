"""Samples are of IPv4, as people read them best; here they become samples of a cluster's own families."""

import re
from typing import Any

from sandbox.fabric import Family

ADDRESS = re.compile(r"10\.(\d+)\.0\.(\d+)")
NUMBER = re.compile(rf"{ADDRESS.pattern}(/24|\.\.{ADDRESS.pattern})?")
"""An address, a network or a range of addresses of a sample, all of them in some 10.N.0.0/24."""
PROTOCOLS = {"ipv4": "IPv4", "ipv6": "IPv6", "dual": "Dual"}


def of(family: Family, number: str) -> tuple[str, ...]:
    """What stands for an address, network or range of a sample: itself, its twin of IPv6, or both. IPv4 comes first.

    The twin of 10.N.0.X is fd00:10:N::X, that of 10.N.0.0/24 is fd00:10:N::/112.
    """
    twin = ADDRESS.sub(lambda found: f"fd00:10:{found[1]}::{found[2] if found[2] != '0' else ''}", number)
    found = {"ipv4": number, "ipv6": twin.replace("/24", "/112")}
    return tuple(text for each, text in found.items() if family in ("dual", each))


def rewritten(family: Family, value: Any) -> Any:
    """The same object, or part of one, in these families: texts become comma lists, as Subnets and annotations want."""
    match value:
        case dict():
            return {name: _field(family, name, each) for name, each in value.items()}
        case list():
            return [found for each in value for found in _items(family, each)]
        case str() if NUMBER.fullmatch(value):
            return ",".join(of(family, value))
    return value


def _field(family: Family, name: str, value: Any) -> Any:
    return PROTOCOLS[family] if (name, value) == ("protocol", "IPv4") else rewritten(family, value)


def _items(family: Family, value: Any) -> tuple[Any, ...]:
    """Of a list each has its own item."""
    return of(family, value) if isinstance(value, str) and NUMBER.fullmatch(value) else (rewritten(family, value),)
