"""Rows as the kinds write them: identity and parent are filled in here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from ovnloom.intent import Parent, Row, Value
from ovnloom.ovn import names
from ovnloom.ovn.identity import identity
from ovnloom.ovn.match import Match

USUAL_TIER = 2
"""The tier of kube-ovn's ACLs: those of Subnets and NetworkPolicies."""


def child(table: str, parent: Parent | None, columns: Mapping[str, Value], kept: tuple[str, ...] = ()) -> Row:
    """A row that is found again by what it says, not by a name of its own."""
    name = identity(table, columns, parent.name if parent else "", parent.table if parent else "")
    return Row(table, name, columns, parent, kept)


def acl(
    switch: str,
    direction: str,
    priority: int,
    match: Match | str,
    action: str,
    *,
    ids: Mapping[str, str],
    log_name: str = "",
) -> Row:
    """An ACL of a Subnet's switch, in the tier that kube-ovn's have (2).

    Egress ACLs see the address that load balancing chose (`apply-after-lb`, ovn-nb(5)). With `log_name` the packets
    that it meets are logged under that name.
    """
    parent = Parent("Logical_Switch", switch, "acls")
    log = Log(log_name) if log_name else None
    return _acl(parent, direction, priority, match, action, ids=ids, log=log)


class Log(NamedTuple):
    """How packets that an ACL meets are logged: under which name, and within which Meter's rate (none: all)."""

    name: str
    meter: str = ""


def group_acl(
    group: str,
    direction: str,
    priority: int,
    match: Match,
    action: str,
    *,
    ids: Mapping[str, str],
    name: str = "",
    log: Log | None = None,
    tier: int = USUAL_TIER,
    after_lb: bool = True,
) -> Row:
    """An ACL for the ports of a Port_Group, whose ports it must name itself (`outport == @group`).

    Egress ACLs see the address that load balancing chose (`apply-after-lb`, ovn-nb(5)), unless `after_lb` is False. A
    `name` without `log` is there for people; a `log` has the name that its lines carry.
    """
    parent = Parent("Port_Group", group, "acls")
    return _acl(parent, direction, priority, match, action, ids=ids, name=name, log=log, tier=tier, after_lb=after_lb)


def _acl(
    parent: Parent,
    direction: str,
    priority: int,
    match: Match | str,
    action: str,
    *,
    ids: Mapping[str, str],
    name: str = "",
    log: Log | None = None,
    tier: int = USUAL_TIER,
    after_lb: bool = True,
) -> Row:
    columns: dict[str, Value] = {
        "direction": direction,
        "priority": priority,
        "match": str(match),
        "action": action,
        "tier": tier,
        "external_ids": {names.KEY_PARENT: parent.name, **ids},
    }
    if direction == "from-lport" and after_lb:
        columns["options"] = {"apply-after-lb": "true"}
    if name:
        columns["name"] = names.acl_name(name)
    if log is not None:
        columns |= {"log": True, "name": names.acl_name(log.name), "severity": "warning"}
        if log.meter:
            columns["meter"] = log.meter
    return child("ACL", parent, columns)


def policy(
    router: str,
    priority: int,
    match: Match | str,
    action: str,
    nexthops: tuple[str, ...] = (),
    ids: Mapping[str, str] | None = None,
) -> Row:
    """A Logical_Router_Policy; `nexthops` only count with the action `reroute`, several of them are ECMP."""
    columns: dict[str, Value] = {"priority": priority, "match": str(match), "action": action}
    if nexthops:
        columns["nexthops"] = frozenset(nexthops)
    if ids:
        columns["external_ids"] = ids
    return child("Logical_Router_Policy", Parent("Logical_Router", router, "policies"), columns)


def static_route(router: str, prefix: str, nexthop: str, by: str = "dst-ip", table: str = "", **ids: str) -> Row:
    """A Logical_Router_Static_Route by destination (`dst-ip`) or by source (`src-ip`), in a route table."""
    columns: dict[str, Value] = {"ip_prefix": prefix, "nexthop": nexthop, "policy": by, "route_table": table}
    if ids:
        columns["external_ids"] = dict(ids)
    return child("Logical_Router_Static_Route", Parent("Logical_Router", router, "static_routes"), columns)
