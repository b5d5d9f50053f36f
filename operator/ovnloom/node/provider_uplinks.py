"""Which physical networks a node is part of, and how."""

from __future__ import annotations

from ovnloom.api.providernetwork import LONGEST_NAME, ProviderNetwork
from ovnloom.host.bridges import Uplink
from ovnloom.ipam.mac import mac_for
from ovnloom.node.view import View
from ovnloom.world.underlay import network_of


def taking_part(view: View) -> tuple[ProviderNetwork, ...]:
    """The ProviderNetworks that this node is part of."""
    node = view.node
    if node is None:
        return ()
    return tuple(found for found in view.provider_networks.values() if found.selects(view.name, node.labels))


def uplink(view: View, network: ProviderNetwork) -> Uplink:
    """How this node is part of a ProviderNetwork: the tags are those of its Vlans."""
    tags = {vlan.id for vlan in view.vlans.values() if network_of(vlan) == network.name and not vlan.malformed}
    router_mac = mac_for(f"{view.name}/{network.name}")
    return Uplink(network.name, network.interface(view.name), frozenset(tags), router_mac)


def unusable(network: ProviderNetwork) -> str:
    """Why a ProviderNetwork can't be had on any node, or empty."""
    if network.malformed:
        return network.malformed[0]
    if len(network.name) > LONGEST_NAME:
        return f"bridge br-{network.name} would have a name of more than 15 characters; choose a shorter one"
    if network.exchange_link_name:
        return "spec.exchangeLinkName is true, which isn't served; set it to false"
    if network.preserve_vlan_interfaces or network.vlan_interfaces:
        return "spec.preserveVlanInterfaces and vlanInterfaces aren't served; leave them out"
    return ""
