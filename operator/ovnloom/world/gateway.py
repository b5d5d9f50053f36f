"""Which nodes carry the traffic that leaves the cluster."""

from __future__ import annotations

from collections.abc import Mapping

from ovnloom.api.ip import IP
from ovnloom.api.meta import Key
from ovnloom.api.node import Node
from ovnloom.api.subnet import Subnet
from ovnloom.ipam import NO_ADDRESS, Malformed, Pair, parse_pair
from ovnloom.ovn import names
from ovnloom.world.graph import Reader
from ovnloom.world.subnet import segment


def join_address(read: Reader, node: str) -> Pair:
    """View: the addresses of a node on the join Subnet; none until they are given."""
    ip = read.get(IP, Key(names.node_port(node)))
    if ip is None or ip.holder != Key(node) or read.get(Node, Key(node)) is None:
        return NO_ADDRESS
    try:
        return parse_pair(ip.ip_address)
    except Malformed:
        return NO_ADDRESS


def is_ready(read: Reader, node: str) -> bool:
    """View: the node can carry traffic."""
    found = read.get(Node, Key(node))
    return found is not None and found.ready


def labels_of(read: Reader, node: str) -> tuple[tuple[str, str], ...]:
    """View: the labels of a node."""
    found = read.get(Node, Key(node))
    return tuple(sorted(found.labels.items())) if found else ()


def is_there(read: Reader, node: str) -> bool:
    """View: there is a node of that name."""
    return read.get(Node, Key(node)) is not None


def egress_addresses(subnet: Subnet) -> Mapping[str, str]:
    """What `gatewayNode` says behind the colons: by node the address that traffic leaves with, as written."""
    items = (item.strip().partition(":") for item in subnet.gateway_node.split(","))
    return {name: text.strip("[] ") for name, colon, text in items if name and colon}


def is_centralized(subnet: Subnet) -> bool:
    """Its traffic leaves through chosen nodes, not through each Pod's own."""
    return subnet.gateway_type == "centralized" and subnet.has_router


def listed(read: Reader, subnet: Subnet) -> tuple[str, ...]:
    """The gateway nodes of a centralised Subnet as its user listed them; by selectors: sorted by name."""
    if subnet.gateway_node.strip():
        items = (item.strip().partition(":")[0] for item in subnet.gateway_node.split(","))
        return tuple(dict.fromkeys(filter(None, items)))
    if not subnet.gateway_node_selectors:
        return ()
    found = []
    for key in sorted(read.keys(Node)):
        labels = dict(read.view(labels_of, key.name))
        if any(selector.matches(labels) for selector in subnet.gateway_node_selectors):
            found.append(key.name)
    return tuple(found)


def carriers(read: Reader, subnet: Subnet) -> tuple[str, ...]:
    """The nodes that carry a centralised Subnet's traffic now.

    All that are ready with enableEcmp; otherwise one: the node that did so far as long as it is ready and listed, so
    that connections survive a change of the list, else the first.
    """
    ready = [node for node in listed(read, subnet) if read.view(is_ready, node)]
    if subnet.enable_ecmp or len(ready) < 2:
        return tuple(ready)
    return (subnet.active_gateway,) if subnet.active_gateway in ready else (ready[0],)


def join_gateway(read: Reader, _: None) -> Pair:
    """View: the router's addresses on the join Subnet."""
    join = read.view(segment, read.settings.join_subnet)
    return join.gateway if join and join.is_valid else NO_ADDRESS
