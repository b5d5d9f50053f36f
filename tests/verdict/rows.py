"""Rows by hand, short: a network for a test."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from ovnloom.api.meta import Key
from ovnloom.intent import Intent, Member, Owner, Parent, Ref, Row
from ovnloom.northbound.wanted import Wanted
from ovnloom.ovn.identity import identity
from ovnloom.verdict import Network

OWNER = Owner("Subnet", Key("by-hand"))
TIER = 2


def child(table: str, parent_table: str, parent: str, column: str, columns: dict[str, Any]) -> Row:
    """A row without a name of its own."""
    name = identity(table, columns, parent, parent_table)
    return Row(table, name, columns, Parent(parent_table, parent, column))


def switch(name: str, *balancers: str, groups: Iterable[str] = ()) -> Row:
    columns: dict[str, Any] = {"name": name}
    if balancers:
        columns["load_balancer"] = frozenset(Ref("Load_Balancer", one) for one in balancers)
    if groups:
        columns["load_balancer_group"] = frozenset(Ref("Load_Balancer_Group", one) for one in groups)
    return Row("Logical_Switch", name, columns)


def port(name: str, on: str, *addresses: str, **more: Any) -> Row:
    mac = f"0a:00:00:00:00:{sum(name.encode()) % 256:02x}"
    columns = {"name": name, "addresses": frozenset({" ".join((mac, *addresses))}), **more}
    return Row("Logical_Switch_Port", name, columns, Parent("Logical_Switch", on, "ports"))


def localnet(on: str) -> Row:
    columns = {"name": f"localnet.{on}", "type": "localnet", "addresses": frozenset({"unknown"})}
    options = {"options": {"network_name": "physical"}}
    return Row("Logical_Switch_Port", f"localnet.{on}", {**columns, **options}, Parent("Logical_Switch", on, "ports"))


def router(name: str, *balancers: str, **options: str) -> Row:
    columns: dict[str, Any] = {"name": name, "options": options}
    if balancers:
        columns["load_balancer"] = frozenset(Ref("Load_Balancer", one) for one in balancers)
    return Row("Logical_Router", name, columns)


def link(on: str, to: str, *networks: str, **options: str) -> Iterator[Row]:
    """The pair of ports between a switch and a router."""
    name, facing = f"{to}-{on}", f"{on}-{to}"
    mac = f"0e:00:00:00:00:{sum(name.encode()) % 256:02x}"
    columns = {"name": name, "mac": mac, "networks": frozenset(networks), "options": options}
    yield Row("Logical_Router_Port", name, columns, Parent("Logical_Router", to, "ports"))
    columns = {"name": facing, "type": "router", "addresses": frozenset({"router"}), "options": {"router-port": name}}
    yield Row("Logical_Switch_Port", facing, columns, Parent("Logical_Switch", on, "ports"))


def peering(one: str, other: str, network: str) -> Row:
    name = f"{one}-{other}"
    mac = f"0e:01:00:00:00:{sum(network.encode()) % 256:02x}"
    columns = {"name": name, "mac": mac, "networks": frozenset({network}), "peer": f"{other}-{one}"}
    return Row("Logical_Router_Port", name, columns, Parent("Logical_Router", one, "ports"))


def acl(parent: str, direction: str, priority: int, match: str, action: str, **more: Any) -> Row:
    """An ACL of a switch, or with `@` before the name of a port group."""
    columns = {"direction": direction, "priority": priority, "match": match, "action": action, "tier": TIER, **more}
    table = "Port_Group" if parent.startswith("@") else "Logical_Switch"
    return child("ACL", table, parent.removeprefix("@"), "acls", columns)


def after(parent: str, priority: int, match: str, action: str, **more: Any) -> Row:
    """A from-lport ACL that sees what load balancing chose."""
    return acl(parent, "from-lport", priority, match, action, options={"apply-after-lb": "true"}, **more)


def group(name: str, *ports: str) -> Row:
    columns = {"name": name, "ports": frozenset(Ref("Logical_Switch_Port", one) for one in ports)}
    return Row("Port_Group", name, columns)


def addresses(name: str, *values: str) -> Row:
    return Row("Address_Set", name, {"name": name, "addresses": frozenset(values)})


def balancer(name: str, vips: dict[str, str], protocol: str = "tcp", **options: str) -> Row:
    return Row("Load_Balancer", name, {"name": name, "vips": vips, "protocol": protocol, "options": options})


def balancer_group(name: str, *balancers: str) -> Row:
    columns = {"name": name, "load_balancer": frozenset(Ref("Load_Balancer", one) for one in balancers)}
    return Row("Load_Balancer_Group", name, columns)


def policy(on: str, priority: int, match: str, action: str, *hops: str) -> Row:
    columns = {"priority": priority, "match": match, "action": action, "nexthops": frozenset(hops)}
    return child("Logical_Router_Policy", "Logical_Router", on, "policies", columns)


def route(on: str, prefix: str, nexthop: str, by: str = "dst-ip", table: str = "") -> Row:
    columns = {"ip_prefix": prefix, "nexthop": nexthop, "policy": by, "route_table": table}
    return child("Logical_Router_Static_Route", "Logical_Router", on, "static_routes", columns)


def nat(on: str, kind: str, outside: str, inside: str) -> Row:
    columns = {"type": kind, "external_ip": outside, "logical_ip": inside}
    return child("NAT", "Logical_Router", on, "nat", columns)


def wanted(*rows: Row, members: Iterable[Member] = ()) -> Wanted:
    """All of it wanted by one owner."""
    found = Wanted()
    found.replace(OWNER, Intent(rows=rows, members=tuple(members)))
    return found


def network(*rows: Row, members: Iterable[Member] = ()) -> Network:
    return Network.of(wanted(*rows, members=members))
