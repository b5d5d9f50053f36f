"""A Node is a port on the join switch, and the way out for its Pods."""

from __future__ import annotations

from collections.abc import Iterator

from ovnloom.api.ip import IP
from ovnloom.api.meta import Key
from ovnloom.api.node import Node
from ovnloom.compile.node_variables import variables
from ovnloom.compile.rows import group_acl, policy
from ovnloom.intent import EMPTY, Intent, Parent, Report, Row, Value
from ovnloom.ipam import FAMILIES, Family, address_text
from ovnloom.ovn import names
from ovnloom.ovn.match import all_of, at_group, from_cidr, from_set, to_cidr, to_set
from ovnloom.world.external_gateway import choice
from ovnloom.world.gateway import join_address
from ovnloom.world.graph import Reader
from ovnloom.world.nodes import internal_ips
from ovnloom.world.port import distributed_subnets
from ovnloom.world.selectors import is_any_policy
from ovnloom.world.subnet import is_frozen, segment

TO_NODE, GATEWAY, PROBES = 30000, 29000, 3000
"""Priorities of the contract: a node's own address is reached by the join network; Pods leave by their node."""
PREFIX = "ovn.kubernetes.io/"


def compile_node(read: Reader, key: Key) -> Intent:
    """A Node has a port on the join switch, a group for its Pods, and the policies that steer traffic to it.

    Until its join address is given there is only the group, so that Pods can join it. While the join Subnet can't be
    used as it is written, the Node keeps what it has.
    """
    node = read.get(Node, key)
    if node is None:
        return EMPTY
    if read.view(is_frozen, read.settings.join_subnet):
        return Intent.held()
    group = names.node_port_group(node.name)
    rows = [Row("Port_Group", group, {"name": group, "external_ids": {names.KEY_NODE: node.name}})]
    rows.extend(_distributed_groups(read, node.name))
    rows.extend(variables(read, node))
    rows.extend(_probes(read, node, group))
    ip, join = read.get(IP, Key(names.node_port(node.name))), read.view(segment, read.settings.join_subnet)
    if ip is None or ip.holder != key or join is None or not ip.ip_address or ip.subnet != join.name:
        return Intent(tuple(rows), report=choice(read, node))
    rows.append(_port(ip, join.name))
    rows.extend(_to_node(read, node))
    rows.extend(_way_out(read, node.name))
    written = {
        "ip_address": ip.ip_address,
        "mac_address": ip.mac,
        "cidr": str(join.networks),
        "gateway": join.gateway.text,
        "logical_switch": join.name,
        "port_name": ip.name,
        "allocated": "true",
    }
    chosen = choice(read, node)
    annotations = {**chosen.annotations, **{PREFIX + word: value for word, value in written.items()}}
    return Intent(tuple(rows), report=Report(annotations=annotations, labels=chosen.labels))


def _port(ip: IP, join: str) -> Row:
    columns: dict[str, Value] = {
        "name": ip.name,
        "addresses": frozenset({" ".join(part for part in (ip.mac, ip.v4, ip.v6) if part)}),
        "external_ids": {names.KEY_SWITCH: join},
    }
    return Row("Logical_Switch_Port", ip.name, columns, Parent("Logical_Switch", names.switch(join), "ports"))


def _to_node(read: Reader, node: Node) -> Iterator[Row]:
    join = read.view(join_address, node.name)
    for family, address in read.view(internal_ips, node.name):
        hop = join.of(family)
        if hop is None:
            continue
        match, to = to_cidr(address), (address_text(family, hop),)
        ids = {names.KEY_NODE: node.name, names.KEY_ADDRESS_FAMILY: str(family)}
        yield policy(read.settings.cluster_router, TO_NODE, match, "reroute", to, ids)


def _probes(read: Reader, node: Node, group: str) -> Iterator[Row]:
    """While there are policies: a node and the Pods on it always reach each other, whatever policies say.

    https://kubernetes.io/docs/concepts/services-networking/network-policies/ (the kubelet's probes come that way)
    """
    if not read.view(is_any_policy):
        return
    ids = {names.KEY_NODE: node.name}
    isolated = names.isolated_port_group(node.name)
    yield Row("Port_Group", isolated, {"name": isolated, "external_ids": ids})
    for family, address in _own_addresses(read, node):
        coming = all_of(from_cidr(address), to_set(family, names.group_addresses(group, family)))
        yield group_acl(group, "to-lport", PROBES, coming, "allow-related", ids=ids)
        # Only for Pods that a NetworkPolicy isolates: about the others an administrator's baseline may say otherwise.
        going = all_of(at_group("inport", isolated), to_cidr(address))
        yield group_acl(isolated, "from-lport", PROBES, going, "allow-related", ids=ids)


def _own_addresses(read: Reader, node: Node) -> Iterator[tuple[Family, str]]:
    """The node's internal addresses; of a family in which it has none, its join address."""
    found, join = read.view(internal_ips, node.name), read.view(join_address, node.name)
    yield from found
    for family in FAMILIES:
        hop = join.of(family)
        if hop is not None and all(of != family for of, _ in found):
            yield family, address_text(family, hop)


def _distributed_groups(read: Reader, node: str) -> Iterator[Row]:
    if read.settings.distributed_rows == "node":
        group = names.distributed_port_group(node)
        yield Row("Port_Group", group, {"name": group, "external_ids": {names.KEY_NODE: node}})
        return
    for subnet in read.view(distributed_subnets, None):
        group = names.subnet_node_port_group(subnet, node)
        ids = {
            names.KEY_SUBNET: subnet,
            names.KEY_NODE: node,
            names.KEY_POLICY: names.subnet_node_key(subnet, node),
        }
        yield Row("Port_Group", group, {"name": group, "external_ids": ids})


def _way_out(read: Reader, node: str) -> Iterator[Row]:
    join, router = read.view(join_address, node), read.settings.cluster_router
    groups: dict[str, dict[str, str]] = {names.distributed_port_group(node): {"node": node}}
    if read.settings.distributed_rows == "subnet-node":
        groups = {
            names.subnet_node_port_group(subnet, node): {"subnet": subnet, "node": node}
            for subnet in read.view(distributed_subnets, None)
        }
    for family in FAMILIES:
        number = join.of(family)
        if number is None:
            continue
        for group, ids in groups.items():
            match = from_set(family, names.group_addresses(group, family))
            yield policy(router, GATEWAY, match, "reroute", (address_text(family, number),), ids)
