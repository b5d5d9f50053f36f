"""Which address families the cluster's Pods can have."""

from __future__ import annotations

from ovnloom.api.subnet import Subnet
from ovnloom.ipam import FAMILIES, Family
from ovnloom.world.graph import Reader
from ovnloom.world.port import port_network
from ovnloom.world.subnet import addresses, is_ovn_provider


def dhcp_families(read: Reader, _: None) -> tuple[Family, ...]:
    """View: the families in which OVN answers DHCP on any switch."""
    found: set[int] = set()
    for key in read.keys(Subnet):
        net = read.view(port_network, key.name)
        found.update(net.dhcp_families if net is not None else ())
    return tuple(family for family in FAMILIES if family in found)


def pod_families(read: Reader, _: None) -> tuple[Family, ...]:
    """View: the families of all Subnets in OVN, IPv4 first."""
    found: set[Family] = set()
    for key in read.keys(Subnet):
        subnet = read.get(Subnet, key)
        if subnet is not None and is_ovn_provider(subnet.provider):
            found.update(read.view(addresses, key.name)[0].families)
    return tuple(family for family in FAMILIES if family in found)
