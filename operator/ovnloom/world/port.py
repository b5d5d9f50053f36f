"""What the port of a Pod depends on in its Subnet: little, so that edits of the Subnet leave its Pods alone."""

from __future__ import annotations

from typing import NamedTuple

from ovnloom.api.meta import Key
from ovnloom.api.subnet import Subnet
from ovnloom.world.graph import Reader
from ovnloom.world.indexes import SUBNETS_OF_VPC
from ovnloom.world.subnet import addresses, is_frozen, is_ovn_provider, segment, vpc_name
from ovnloom.world.underlay import Uplink


class PortNetwork(NamedTuple):
    """What a port must know of its Subnet; `cidr` and `gateway` as annotations have them."""

    name: str
    vpc: str
    is_ovn: bool
    is_default_vpc: bool
    is_distributed: bool
    dhcp_families: tuple[int, ...]
    cidr: str
    gateway: str
    logical_router: str = ""
    """The router that it is joined to, as annotations have it."""
    uplink: Uplink | None = None
    is_frozen: bool = False
    """Its ports stay as they are; the fields from `dhcp_families` on say nothing then."""


def port_network(read: Reader, name: str) -> PortNetwork | None:
    """View: the part of a Subnet that its ports depend on; None when there is no such Subnet."""
    subnet = read.get(Subnet, Key(name))
    if subnet is None:
        return None
    networks, gateway, _, _ = read.view(addresses, name)
    vpc, is_ovn = vpc_name(read, subnet), is_ovn_provider(subnet.provider)
    is_default = vpc == read.settings.cluster_router
    is_routed = is_ovn and is_default and name != read.settings.join_subnet and subnet.has_router
    is_distributed = is_routed and subnet.gateway_type != "centralized"
    if read.view(is_frozen, name):
        return PortNetwork(name, vpc, is_ovn, is_default, is_distributed, (), "", "", is_frozen=True)
    return PortNetwork(
        name,
        vpc,
        is_ovn,
        is_default,
        is_distributed,
        networks.families if subnet.enable_dhcp and is_ovn else (),
        str(networks),
        gateway.text,
        vpc if subnet.has_router or subnet.is_interconnected else "",
        read.view(uplink_of, name),
    )


def uplink_of(read: Reader, name: str) -> Uplink | None:
    """View: the physical network of a Subnet, which alone its ports depend on of all that is judged."""
    net = read.view(segment, name)
    return net.uplink if net else None


def distributed_subnets(read: Reader, _: None) -> tuple[str, ...]:
    """View: the Subnets of the default Vpc whose Pods leave by the node that they run on."""
    found = [*read.find(SUBNETS_OF_VPC, read.settings.cluster_router), *read.find(SUBNETS_OF_VPC, "")]
    nets = (read.view(port_network, subnet.name) for subnet in found)
    return tuple(sorted(net.name for net in nets if net is not None and net.is_distributed))
