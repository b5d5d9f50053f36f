"""How the traffic of a Subnet leaves its Vpc, at the northbound level."""

from __future__ import annotations

from collections.abc import Iterator

from ovnloom.api.subnet import Subnet
from ovnloom.compile.rows import policy, static_route
from ovnloom.intent import Problem, Row
from ovnloom.ipam import Malformed, address_text, parse_address
from ovnloom.ovn import names
from ovnloom.ovn.match import from_cidr, to_cidr
from ovnloom.world.gateway import carriers, egress_addresses, is_centralized, is_there, join_address, listed
from ovnloom.world.graph import Reader
from ovnloom.world.problem import idle, shown
from ovnloom.world.subnet import Segment

MOST_NAMED = 5
"""Nodes that a sentence names."""
LOCAL, GATEWAY = 31000, 29000
"""Priorities of the contract: what stays inside a Subnet is never rerouted; what leaves goes to a gateway node."""


def gateway_rows(read: Reader, subnet: Subnet, net: Segment) -> Iterator[Row]:
    """In the default Vpc, traffic to the outside goes to a node; in others, to the Subnet's gateway.

    The policies of distributed Subnets belong to their nodes (see compile/node.py): there is one for each node, or for
    each node and Subnet, and neither kind may cost work for all of them when one changes.
    """
    router = names.router(net.vpc)
    if net.vpc != read.settings.cluster_router:
        for network in net.networks:
            gateway = net.gateway.of(network.family)
            if gateway is not None:
                hop = address_text(network.family, gateway)
                yield static_route(router, str(network), hop, "src-ip", subnet.route_table, subnet=net.name)
        return
    for network in net.networks:
        yield policy(router, LOCAL, to_cidr(str(network)), "allow", ids={names.KEY_SUBNET: net.name})
    if not is_centralized(subnet) or net.name == read.settings.join_subnet:
        return
    nodes = carriers(read, subnet)
    for network in net.networks:
        hops = {
            node: address_text(network.family, number)
            for node in nodes
            if (number := read.view(join_address, node).of(network.family)) is not None
        }
        if hops:
            ids = {**hops, names.KEY_SUBNET: net.name}  # a node may have any name, so these are no keyword arguments
            yield policy(router, GATEWAY, from_cidr(str(network)), "reroute", tuple(hops.values()), ids)


def gateway_mistakes(read: Reader, subnet: Subnet, net: Segment) -> Iterator[Problem]:
    """Nodes are rented and returned, so a name without a node is no reason to do nothing for the others."""
    missing = [name for name in listed(read, subnet) if not read.view(is_there, name)]
    if missing:
        named = ", ".join(missing[:MOST_NAMED])
        yield idle(
            "GatewayNodeMissing", f"spec.gatewayNode has {named}, and there is no such Node; correct or remove it"
        )
    for name, text in egress_addresses(subnet).items():
        until = f"Until then {name}'s own is taken"
        try:
            family, _ = parse_address(text)
        except Malformed as malformed:
            yield idle("GatewayAddressUnusable", f"spec.gatewayNode: {malformed}. {until}")
            continue
        if net.networks.of(family) is None:
            wrong = f"spec.gatewayNode has {shown(text)}, and spec.cidrBlock {net.networks} no network of its family"
            yield idle("GatewayAddressUnusable", f"{wrong}; use another address. {until}")
