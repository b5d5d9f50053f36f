"""The address of a Node on the join Subnet."""

from __future__ import annotations

from dataclasses import replace

from ovnloom.api.ip import IP, labels
from ovnloom.api.meta import FINALIZER, Key, Meta, OwnerRef
from ovnloom.api.node import Node
from ovnloom.assign.addresses import Addresses
from ovnloom.assign.choice import Amend, Assignment, Demand, Release, Take
from ovnloom.intent import Problem
from ovnloom.ipam import NO_ADDRESS, Exhausted, Malformed, Pair, TakenMac, parse_mac, parse_pair
from ovnloom.ovn import names
from ovnloom.world.graph import Reader
from ovnloom.world.subnet import segment

PREFIX = "ovn.kubernetes.io/"


def assign_node(read: Reader, key: Key, books: Addresses) -> Assignment:
    """A Node has one IP object on the join Subnet; a Node that is gone has none.

    An address that the Node's annotations name is taken again, so a cluster that moves over keeps its nodes' routes.
    """
    found = Assignment()
    name = names.node_port(key.name)
    node, ip = read.get(Node, key), read.get(IP, Key(name))
    if ip is not None and ip.holder != key:
        if node is not None:
            wrong = f"IP {name} is of {ip.holder}, so this Node can't have one of that name; give the Node another name"
            found.problems.append(Problem("AddressConflict", wrong))
        return found
    if node is None:
        if ip is not None:
            found.choices.append(Release(ip.key))
        return found
    join = read.settings.join_subnet
    net = read.view(segment, join)
    if net is None or not net.is_valid:
        wrong = f"Subnet {join} is missing or not valid; see its conditions"
        found.problems.append(Problem("JoinSubnetMissing", wrong))
        return found
    if ip is not None and ip.subnet != join:
        found.choices.append(Release(ip.key))
        return found
    if ip is not None:
        wanted = [text for family, text in ((4, ip.v4), (6, ip.v6)) if net.networks.of(4 if family == 4 else 6)]
        if all(wanted):
            return found
    _take(read, node, ip, books, found)
    return found


def _take(read: Reader, node: Node, ip: IP | None, books: Addresses, found: Assignment) -> None:
    """The address that the Node had, where it is still free, and the next of each family that it lacks."""
    join, name = read.settings.join_subnet, names.node_port(node.name)
    held = books.pool(read, join)
    if held is None:
        return
    remembered, mac = _remembered(node, join)
    if any(held.holder_of(family, remembered.of(family) or 0) not in (None, name) for family in remembered.families):
        remembered, mac = NO_ADDRESS, ""
    fill = tuple(family for family in held.layout.networks.families if remembered.of(family) is None)
    pair = books.take(read, join, name, remembered, fill, "")
    if not isinstance(pair, Pair):
        if pair is not None:
            found.problems.append(Problem(pair.reason, f"Subnet {join}: {pair.sentence}"))
        if isinstance(pair, Exhausted):
            found.waits.append(Demand(join, "", fill))
        return
    taken = books.take_mac(name, mac or (ip.mac if ip else ""))
    if isinstance(taken, TakenMac):
        taken = books.macs.take_next(name, name)
    if ip is not None:  # the join Subnet got its second family
        found.choices.append(Amend(replace(ip, v4=pair.v4_text, v6=pair.v6_text)))
        return
    owner = OwnerRef("Node", "", node.name, node.uid)
    meta = Meta(labels=labels(join, node.name), finalizers=(FINALIZER,), owners=(owner,))
    found.choices.append(
        Take(IP(Key(name), meta, join, node.name, "", node.name, pair.v4_text, pair.v6_text, taken, ""))
    )


def _remembered(node: Node, join: str) -> tuple[Pair, str]:
    get = node.annotations.get
    if get(PREFIX + "allocated") != "true" or get(PREFIX + "logical_switch", join) != join:
        return NO_ADDRESS, ""
    try:
        return parse_pair(get(PREFIX + "ip_address", "")), parse_mac(get(PREFIX + "mac_address", ""))
    except Malformed:
        return NO_ADDRESS, ""
