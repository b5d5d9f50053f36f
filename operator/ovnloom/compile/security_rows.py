"""ACLs of the Port_Groups of SecurityGroups, and the group that denies all that no SecurityGroup allows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from ovnloom.api.meta import Key
from ovnloom.api.vpc import Vpc
from ovnloom.compile.rows import group_acl
from ovnloom.intent import EMPTY, Intent, Row
from ovnloom.ovn import names
from ovnloom.ovn.match import ARP, IP, IP4, IP6, Match, Side, all_of, at_group, is_value, one_of
from ovnloom.world.graph import Reader

Direction = Literal["to-lport", "from-lport"]
DIRECTIONS: tuple[Direction, Direction] = ("to-lport", "from-lport")
"""Towards the Pods of a group, and from them."""
BASE, SAME_GROUP, DENY, BEFORE_FIRST = 2005, 2004, 2003, 18484
"""Priorities of the contract; a rule has its own number below the last of them."""
FIRST_TIER, LAST_TIER = 2, 3
"""OVN's tiers for spec.tier 0 and 1."""
NEIGHBOURS = {"to-lport": (134, 135, 136), "from-lport": (133, 135, 136)}
"""ICMPv6 types of router and neighbour discovery (RFC 4861); routed ones never have hop limit 255."""
DHCP = {"to-lport": ((67, 68), (547, 546)), "from-lport": ((68, 67), (546, 547))}
VRRP = 112
"""Its number as a protocol of IP."""


def of_group(direction: Direction, group: str) -> Match:
    """The packet goes to, or comes from, a port of the group."""
    return at_group("outport" if direction == "to-lport" else "inport", group)


def there(direction: Direction) -> Side:
    """Which address of a packet is that of the others."""
    return "src" if direction == "to-lport" else "dst"


def here(direction: Direction) -> Side:
    """Which address of a packet is that of the group's Pod."""
    return "dst" if direction == "to-lport" else "src"


def group_row(name: str, of: str) -> Row:
    """The Port_Group of a SecurityGroup; Pods join it themselves."""
    ids = {"type": "security_group", names.KEY_GROUP: of}
    return Row("Port_Group", name, {"name": name, "external_ids": ids})


def security_acl(
    group: str, direction: Direction, tier: int, priority: int, match: Match, action: str, field: str
) -> Row:
    """An ACL of a Port_Group, and the field that it stands for.

    From Pods it sees a packet before load balancing, as Kube-OVN's do: to a Service, its ClusterIP.
    """
    match, ids = all_of(of_group(direction, group), match), {names.KEY_RULE: field}
    return group_acl(group, direction, priority, match, action, ids=ids, tier=tier, after_lb=False)


def compile_denyall(read: Reader, key: Key) -> Intent:
    """The group of all ports that name a SecurityGroup: only what every network needs passes, in both tiers.

    It is an owner of its own, beside the default Vpc: whatever is wrong with that, Pods of all Vpcs stay closed.
    """
    if key.name != read.settings.cluster_router or read.get(Vpc, key) is None:
        return EMPTY
    return Intent(tuple(_deny_all()))


def _deny_all() -> Iterator[Row]:
    """Other than Kube-OVN, which repeats what always passes in every group, so that a Pod whose group is missing keeps
    its neighbours and its DHCP lease.
    """
    group = names.DENY_ALL_PORT_GROUP
    yield group_row(group, "kubeovn_deny_all")
    for tier in (FIRST_TIER, LAST_TIER):
        for direction in DIRECTIONS:
            for match in _always(direction):
                yield security_acl(group, direction, tier, BASE, match, "allow-related", "what always passes")
            yield security_acl(group, direction, tier, DENY, IP, "drop", "what no rule allows")


def _always(direction: Direction) -> Iterator[Match]:
    yield ARP
    types = is_value("icmp6.type", one_of(NEIGHBOURS[direction]))
    yield all_of(types, is_value("icmp6.code", 0), is_value("ip.ttl", 255))
    for family, (source, destination) in zip((IP4, IP6), DHCP[direction], strict=True):
        yield all_of(is_value("udp.src", source), is_value("udp.dst", destination), family)
    yield is_value("ip.proto", VRRP)
