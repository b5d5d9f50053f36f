"""The allocator of a Subnet keeps up with its spec and its IPPools."""

from __future__ import annotations

from ovnloom.api.meta import Key
from ovnloom.api.subnet import Subnet
from ovnloom.assign.addresses import Addresses
from ovnloom.assign.choice import Assignment
from ovnloom.world.graph import Reader


def assign_subnet(read: Reader, key: Key, books: Addresses) -> Assignment:
    """The addresses of the Subnet are divided as its spec and its IPPools say; those in use stay in use."""
    if read.get(Subnet, key) is None:
        books.drop(key.name)
    else:
        books.pool(read, key.name)
    return Assignment()
