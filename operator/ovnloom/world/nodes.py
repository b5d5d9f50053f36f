"""The addresses of nodes by their labels."""

from __future__ import annotations

from ovnloom.api.meta import Key
from ovnloom.api.node import Node
from ovnloom.ipam import Family, Malformed, address_text, parse_address
from ovnloom.world.gateway import labels_of
from ovnloom.world.graph import Reader
from ovnloom.world.selection import Terms, holds

Address = tuple[Family, str]


def internal_ips(read: Reader, node: str) -> tuple[Address, ...]:
    """View: the InternalIPs of a node that can be read, as OVN writes them."""
    found = read.get(Node, Key(node))
    addresses: set[Address] = set()
    for text in found.internal_ips if found else ():
        try:
            family, number = parse_address(text)
        except Malformed:
            continue
        addresses.add((family, address_text(family, number)))
    return tuple(sorted(addresses))


def addresses_of(read: Reader, required: Terms) -> frozenset[Address]:
    """View: the InternalIPs of all nodes with these labels; only nodes that come, go or change are a reason to look
    again, and whoever asks learns of it only when it makes a difference."""
    found: set[Address] = set()
    for key in read.keys(Node):
        if holds(required, dict(read.view(labels_of, key.name))):
            found.update(read.view(internal_ips, key.name))
    return frozenset(found)
