"""What the northbound database holds, read once and drawn as a tree."""

import json
from typing import Any

from rich.tree import Tree

from sandbox import Sandbox

Row = dict[str, Any]


def rows(sandbox: Sandbox, table: str, *columns: str) -> list[Row]:
    """The rows of a table; sets are lists, maps are dicts, references are UUIDs."""
    answer = json.loads(sandbox.nbctl("--format=json", f"--columns=_uuid,{','.join(columns)}", "list", table))
    return [dict(zip(answer["headings"], map(_value, cells), strict=True)) for cells in answer["data"]]


def _value(cell: Any) -> Any:
    match cell:
        case ["uuid", text]:
            return text
        case ["set", items]:
            return [_value(item) for item in items]
        case ["map", pairs]:
            return {key: _value(value) for key, value in pairs}
    return cell


def several(value: Any) -> list[Any]:
    """The elements of a set column; OVSDB writes a set of one as that one."""
    return value if isinstance(value, list) else [value]


def topology(sandbox: Sandbox) -> Tree:
    """Every router with the switches that are joined to it, every switch with its ports."""
    switches = rows(sandbox, "Logical_Switch", "name", "ports", "acls")
    ports = {row["_uuid"]: row for row in rows(sandbox, "Logical_Switch_Port", "name", "type", "addresses", "options")}
    router_ports = {row["_uuid"]: row for row in rows(sandbox, "Logical_Router_Port", "name", "networks")}
    joined = {
        ports[uuid]["options"]["router-port"]: switch
        for switch in switches
        for uuid in several(switch["ports"])
        if ports[uuid]["type"] == "router"
    }
    tree = Tree("northbound database")
    for router in sorted(rows(sandbox, "Logical_Router", "name", "ports", "policies", "static_routes"), key=_name):
        holds = (_count(router["policies"], "policy", "policies"), _count(router["static_routes"], "route", "routes"))
        branch = tree.add(f"router [bold]{router['name']}[/]  {', '.join(filter(None, holds))}")
        for port in sorted((router_ports[uuid] for uuid in several(router["ports"])), key=_name):
            switch = joined.pop(port["name"], None)
            networks = ", ".join(sorted(several(port["networks"])))
            if switch is None:
                branch.add(f"port {port['name']}  {networks}")
                continue
            _add(branch, switch, networks, [ports[uuid] for uuid in several(switch["ports"])])
    reached = {id(switch) for switch in joined.values()}
    for switch in switches:
        if id(switch) in reached or not _is_joined(switch, ports):
            _add(tree, switch, "joined to no router", [ports[uuid] for uuid in several(switch["ports"])])
    return tree


def _add(branch: Tree, switch: Row, what: str, ports: list[Row]) -> None:
    holds = (what, _count(switch["acls"], "ACL", "ACLs"))
    leaves = branch.add(f"switch [cyan]{switch['name']}[/]  {', '.join(filter(None, holds))}")
    for port in sorted(ports, key=_name):
        if port["type"] != "router":
            leaves.add(f"{port['name']}  [dim]{', '.join(several(port['addresses']))}[/]")


def _is_joined(switch: Row, ports: dict[str, Row]) -> bool:
    return any(ports[uuid]["type"] == "router" for uuid in several(switch["ports"]))


def _count(column: Any, one: str, many: str) -> str:
    count = len(several(column))
    return f"{count} {one if count == 1 else many}" if count else ""


def _name(row: Row) -> str:
    name: str = row["name"]
    return name
