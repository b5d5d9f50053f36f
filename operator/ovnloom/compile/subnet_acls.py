"""The ACLs of a Subnet's switch: private Subnets and spec.acls."""

from __future__ import annotations

from collections.abc import Iterator

from ovnloom.api.subnet import Subnet
from ovnloom.compile.policy_match import asking_for_address
from ovnloom.compile.rows import acl
from ovnloom.intent import Row
from ovnloom.ipam import parse_network
from ovnloom.ovn import names
from ovnloom.ovn.match import IP, NOTHING, exchanged, from_cidr, inside
from ovnloom.world.graph import Reader
from ovnloom.world.selectors import is_any_isolation
from ovnloom.world.subnet import Segment, has_load_balancers, segment

DROP, ALLOW, NODE, EAST_WEST = 1000, 1001, 3000, 1900
"""Priorities of the contract."""
STRICTEST = ("drop", "reject", "pass", "allow-related", "allow", "allow-stateless")
"""Of two ACLs that differ in nothing but their action the first of these counts, where OVN might take either."""
ALWAYS, NEVER = 3000, 3001
"""Priorities of what policies can't forbid, and of what would pass for it."""


def acls(read: Reader, subnet: Subnet, net: Segment) -> Iterator[Row]:
    """Who may reach the Pods of the Subnet: when private, themselves, their node and the allowed Subnets only."""
    found: dict[str, Row] = {}
    for row in (*_private(read, subnet, net), *_own(subnet, net), *_always(read, subnet, net)):
        same = found.setdefault(row.name, row)
        if _strictness(row) < _strictness(same):
            found[row.name] = row
    yield from found.values()


def _strictness(row: Row) -> int:
    return STRICTEST.index(str(row.columns["action"]))


def _private(read: Reader, subnet: Subnet, net: Segment) -> Iterator[Row]:
    if not subnet.private:
        return
    switch = names.switch(net.name)
    ids = {names.KEY_SUBNET: net.name}
    yield acl(switch, "to-lport", DROP, IP, "drop", ids=ids, log_name=switch)
    join = read.view(segment, read.settings.join_subnet)
    for network in join.networks if join else ():
        yield acl(switch, "to-lport", NODE, from_cidr(str(network)), "allow-related", ids=ids)
    for network in net.networks:
        own = str(network)
        yield acl(switch, "to-lport", ALLOW, inside(own), "allow-related", ids=ids)
        for text in subnet.allow_subnets:
            allowed = parse_network(text)
            if allowed.family == network.family:
                yield acl(switch, "to-lport", ALLOW, exchanged(own, str(allowed)), "allow-related", ids=ids)


def _own(subnet: Subnet, net: Segment) -> Iterator[Row]:
    switch = names.switch(net.name)
    ids = {names.KEY_SUBNET: net.name}
    for item in subnet.acls:
        yield acl(switch, item.direction, item.priority, item.match.strip(), item.action, ids=ids)
    if subnet.acls and subnet.allow_ew_traffic:
        for network in net.networks:
            for direction in ("to-lport", "from-lport"):
                yield acl(switch, direction, EAST_WEST, inside(str(network)), "allow", ids=ids)


def _always(read: Reader, subnet: Subnet, net: Segment) -> Iterator[Row]:
    """What passes whatever isolates the Pods: their own traffic that a Service sends back to them, and DHCP.

    OVN itself lets ARP, neighbour discovery and its own answers to DHCP pass (ovn-northd(8), ACLs).
    """
    if net.name == read.settings.join_subnet or not (read.view(is_any_isolation) or subnet.private):
        return
    switch, ids = names.switch(net.name), {names.KEY_SUBNET: net.name}
    has_services = has_load_balancers(read, subnet)
    if not has_services:
        # OVN follows connections only on switches with a load balancer or such an ACL (ovn-northd(8), Pre-ACLs). Where
        # it doesn't, what denies new connections drops the replies of those that were let through as well.
        yield acl(switch, "to-lport", ALWAYS, NOTHING, "allow-related", ids=ids)
    for family in net.networks.families:
        if has_services:
            itself = from_cidr(names.HAIRPIN_IPS[family])
            yield acl(switch, "to-lport", ALWAYS, itself, "allow-related", ids=ids)
            yield acl(switch, "from-lport", NEVER, itself, "drop", ids=ids)
        if subnet.enable_dhcp:
            yield acl(switch, "from-lport", ALWAYS, asking_for_address(family), "allow-related", ids=ids)
