"""The ACLs of a Subnet's switch: private Subnets and spec.acls."""

from __future__ import annotations

from collections.abc import Iterator

from ovnloom.api.subnet import Subnet
from ovnloom.compile.rows import acl
from ovnloom.intent import Row
from ovnloom.ipam import parse_network
from ovnloom.ovn import names
from ovnloom.ovn.match import IP, exchanged, from_cidr, inside
from ovnloom.world.graph import Reader
from ovnloom.world.subnet import Segment, segment

DROP, ALLOW, NODE, EAST_WEST = 1000, 1001, 3000, 1900
"""Priorities of the contract."""


def acls(read: Reader, subnet: Subnet, net: Segment) -> Iterator[Row]:
    """Who may reach the Pods of the Subnet: when private, themselves, their node and the allowed Subnets only."""
    seen: set[str] = set()
    for row in (*_private(read, subnet, net), *_own(subnet, net)):
        if row.name not in seen:
            seen.add(row.name)
            yield row


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
