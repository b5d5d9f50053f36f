"""The allocator of a Subnet keeps up with its spec and its IPPools, and its router's address is chosen."""

from __future__ import annotations

from ovnloom.api.ip import IP, labels
from ovnloom.api.meta import FINALIZER, Key, Meta, OwnerRef
from ovnloom.api.subnet import Subnet
from ovnloom.assign.addresses import Addresses
from ovnloom.assign.choice import Assignment, Demand, Release, Take
from ovnloom.intent import Problem
from ovnloom.ipam import NO_ADDRESS, Exhausted, Malformed, Pair, Taken, TakenMac, parse_pair
from ovnloom.world.graph import Reader
from ovnloom.world.indexes import IPS_OF_INTERCONNECTION
from ovnloom.world.interconnection import is_wanted, place
from ovnloom.world.subnet import segment

NAMESPACE = "default"
"""What kube-ovn writes into such an IP object."""


def assign_subnet(read: Reader, key: Key, books: Addresses) -> Assignment:
    """The addresses of the Subnet are divided as its spec and its IPPools say; those in use stay in use.

    With u2oInterconnection the router has one of them: the one that is asked for, or the next that is free.
    """
    found = Assignment()
    subnet = read.get(Subnet, key)
    if subnet is None:
        books.drop(key.name)
    else:
        books.pool(read, key.name)
    for ip in read.find(IPS_OF_INTERCONNECTION, key.name):
        if not read.view(is_wanted, ip.key) or (subnet is not None and not _suits(read, subnet, ip)):
            found.choices.append(Release(ip.key))
    if subnet is not None and subnet.is_interconnected and not subnet.deleting:
        _interconnect(read, subnet, books, found)
    return found


def _suits(read: Reader, subnet: Subnet, ip: IP) -> bool:
    """Whether it is what the Subnet asks for; while that can't be read it is."""
    net = read.view(segment, subnet.name)
    if net is None or not net.is_valid:
        return True
    asked = parse_pair(subnet.u2o_interconnection_ip)
    return all(not text or text == have for text, have in ((asked.v4_text, ip.v4), (asked.v6_text, ip.v6)))


def _interconnect(read: Reader, subnet: Subnet, books: Addresses, found: Assignment) -> None:
    key, net = place(read, subnet), read.view(segment, subnet.name)
    there = read.get(IP, key)
    if there is not None and not there.is_interconnection:
        wrong = f"IP {key} is of {there.holder}, so the router can't have one of that name; delete it"
        found.problems.append(Problem("AddressConflict", wrong))
    if there is not None or net is None or not net.is_valid or not net.is_ovn:
        return
    try:
        asked = parse_pair(subnet.u2o_interconnection_ip)
    except Malformed:
        return  # the Subnet says so, and is not valid
    fill = tuple(family for family in net.networks.families if asked.of(family) is None)
    pair = books.take(read, subnet.name, key.name, asked if asked.families else NO_ADDRESS, fill, "")
    if not isinstance(pair, Pair):
        if pair is not None:
            found.problems.append(Problem(pair.reason, f"spec.u2oInterconnection: {pair.sentence}"))
        if isinstance(pair, Taken):
            read.get(IP, Key(pair.by))  # when that is gone it is the router's turn
        if isinstance(pair, Exhausted):
            found.waits.append(Demand(subnet.name, "", fill))
        return
    mac = books.take_mac(key.name, "")
    owner = OwnerRef("Subnet", "kubeovn.io", subnet.name, subnet.uid)
    meta = Meta(labels=labels(subnet.name, ""), finalizers=(FINALIZER,), owners=(owner,))
    text = "" if isinstance(mac, TakenMac) else mac
    found.choices.append(
        Take(IP(key, meta, subnet.name, key.name, NAMESPACE, "", pair.v4_text, pair.v6_text, text, ""))
    )
