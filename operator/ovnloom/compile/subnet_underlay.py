"""The rows by which a Subnet is part of a physical network."""

from __future__ import annotations

from ovnloom.intent import Parent, Row, Value
from ovnloom.ovn import names
from ovnloom.world.subnet import Segment
from ovnloom.world.underlay import Uplink


def localnet_port(net: Segment, uplink: Uplink) -> Row:
    """The port by which frames leave for the bridge that a node maps to the ProviderNetwork, with the Vlan's tag."""
    switch = names.switch(net.name)
    name = names.localnet_port(switch)
    ids = {names.KEY_SWITCH: switch}
    ids |= {f"ipv{network.family}_network": str(network) for network in net.networks}
    columns: dict[str, Value] = {
        "name": name,
        "type": "localnet",
        "addresses": frozenset({"unknown"}),
        "options": {"network_name": uplink.network},
        "external_ids": ids,
    }
    if uplink.tag:
        columns["tag"] = uplink.tag
    return Row("Logical_Switch_Port", name, columns, Parent("Logical_Switch", switch, "ports"))
