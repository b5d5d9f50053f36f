"""The address that a router has in an underlay Subnet, by which Pods there and in the overlay reach each other."""

from __future__ import annotations

from ovnloom.api.ip import IP
from ovnloom.api.meta import Key
from ovnloom.api.subnet import Subnet
from ovnloom.ovn import names
from ovnloom.world.graph import Reader
from ovnloom.world.indexes import IPS_OF_SUBNET
from ovnloom.world.moments import Leaving
from ovnloom.world.subnet import vpc_name


def place(read: Reader, subnet: Subnet) -> Key:
    """The IP object that holds the address."""
    return Key(names.u2o_address(vpc_name(read, subnet), subnet.name))


def is_wanted(read: Reader, key: Key) -> bool:
    """View: the IP object of this key is that of a Subnet which wants it, to its last other address when it goes."""
    ip = read.get(IP, key)
    subnet = read.get(Subnet, Key(ip.subnet)) if ip else None
    if subnet is None or (subnet.deleting and not set(read.keys_of(IPS_OF_SUBNET, subnet.name)) - {key}):
        return False
    return subnet.is_interconnected and place(read, subnet) == key


def address(read: Reader, subnet: Subnet) -> IP | None:
    """The router's address in the Subnet; None until it has one, and while that is being given back."""
    if not subnet.is_interconnected:
        return None
    key = place(read, subnet)
    ip = read.get(IP, key)
    if ip is None or ip.subnet != subnet.name or not ip.is_interconnection or read.get(Leaving, key) is not None:
        return None
    return ip
