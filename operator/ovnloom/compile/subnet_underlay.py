"""The rows by which a Subnet is part of a physical network."""

from __future__ import annotations

from collections.abc import Iterator

from ovnloom.compile.rows import policy, static_route
from ovnloom.intent import Member, Parent, Ref, Row, Value
from ovnloom.ipam import address_text
from ovnloom.ovn import names
from ovnloom.ovn.identity import identity
from ovnloom.ovn.match import all_of, from_cidr, to_cidr, to_set
from ovnloom.world.graph import Reader
from ovnloom.world.nodes import addresses_of
from ovnloom.world.subnet import Segment
from ovnloom.world.underlay import Uplink

TO_NODES, INTO, OUT = 31000, 29400, 29000
"""Priorities of the contract: Pods reach nodes, and all that is no Pod, by the physical gateway."""
NO_STATE_IS_INVALID = Member(Ref("NB_Global", identity("NB_Global", {})), "options", ("use_ct_inv_match", "false"))
"""Between nodes a packet from the underlay crosses a tunnel, its answer the physical network: the node of who answers
sees half of the connection. OVN would drop that as invalid wherever a switch has any stateful ACL (ovn-nb(5))."""


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


def interconnection_rows(read: Reader, net: Segment) -> Iterator[Row]:
    """The router leads Pods of the Subnet to the overlay, and everywhere else by the physical gateway.

    Nodes are beyond that gateway, too: their answers to the Pods come that way.
    """
    router = names.router(net.vpc)
    for network in net.networks:
        family, cidr, gateway = network.family, str(network), net.gateway.of(network.family)
        if gateway is None:
            continue
        hop = address_text(family, gateway)
        if net.vpc != read.settings.cluster_router:
            yield static_route(router, cidr, hop, "src-ip", subnet=net.name)
            continue
        ids = {names.KEY_SUBNET: net.name, "isU2ORoutePolicy": "true"}
        nodes = names.u2o_excluded(net.name, family)
        found = frozenset(text for of, text in read.view(addresses_of, ()) if of == family)
        yield Row("Address_Set", nodes, {"name": nodes, "addresses": found, "external_ids": ids})
        yield policy(router, INTO, to_cidr(cidr), "allow", ids=ids)
        yield policy(router, TO_NODES, all_of(to_set(family, nodes), from_cidr(cidr)), "reroute", (hop,), ids)
        yield policy(router, OUT, from_cidr(cidr), "reroute", (hop,), ids)
