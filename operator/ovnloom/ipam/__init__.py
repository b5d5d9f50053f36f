"""Addresses and MACs: which are there, who has which, which is next. Pure; see docs/ipam.md."""

from ovnloom.ipam.address import FAMILIES, NO_ADDRESS, Family, Pair, address_text, parse_address, parse_pair
from ovnloom.ipam.allocator import Entry, Stray, SubnetPool
from ovnloom.ipam.items import Spans, exclude_items, parse_item, parse_items
from ovnloom.ipam.layout import Layout, disjoint_pools, first_overlap, parse_layout
from ovnloom.ipam.mac import MacTable, mac_for, parse_mac
from ovnloom.ipam.malformed import Malformed
from ovnloom.ipam.network import Network, Networks, parse_cidr_block, parse_network, special_use
from ovnloom.ipam.ranges import Ranges, Span
from ovnloom.ipam.refusal import (
    Exhausted,
    HoldsAnother,
    IsGateway,
    NoFamily,
    NoPool,
    Outside,
    Refusal,
    Taken,
    TakenMac,
)
from ovnloom.ipam.side import Avoid

__all__ = [
    "FAMILIES",
    "NO_ADDRESS",
    "Avoid",
    "Entry",
    "Exhausted",
    "Family",
    "HoldsAnother",
    "IsGateway",
    "Layout",
    "MacTable",
    "Malformed",
    "Network",
    "Networks",
    "NoFamily",
    "NoPool",
    "Outside",
    "Pair",
    "Ranges",
    "Refusal",
    "Span",
    "Spans",
    "Stray",
    "SubnetPool",
    "Taken",
    "TakenMac",
    "address_text",
    "disjoint_pools",
    "exclude_items",
    "first_overlap",
    "mac_for",
    "parse_address",
    "parse_cidr_block",
    "parse_item",
    "parse_items",
    "parse_layout",
    "parse_mac",
    "parse_network",
    "parse_pair",
    "special_use",
]
