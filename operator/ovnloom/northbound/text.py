"""Rows and plans as text and JSON, in canonical order: for golden files, `ovnloom plan` and logs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ovnloom.intent import Owner, Ref
from ovnloom.northbound.edits import AddElement, Delete, Edit, Insert, Plan, RemoveElement, Update
from ovnloom.northbound.index import OWNER
from ovnloom.northbound.mirror import KUBE_OVN, VENDOR, Mirror
from ovnloom.northbound.shape import is_child_column
from ovnloom.northbound.show import show
from ovnloom.northbound.wanted import Wanted

Block = tuple[str, str, Mapping[str, Any]]
"""A row to show: its heading, what stands behind it, and its columns."""


def rows(wanted: Wanted) -> str:
    """All rows that anybody wants, with the elements that others contribute; one block a row, sorted.

    `vendor` and the owner's key are on every row, so they are left out; the owner stands in the heading.
    """
    blocks: list[Block] = []
    shared: dict[Ref, list[str]] = {}
    for target, column in wanted.places():
        shared.setdefault(target, []).append(column)
    for owner, row in wanted.all_rows():
        columns: dict[str, Any] = {name: value for name, value in row.columns.items() if not _is_default(value)}
        for name in shared.pop(row.ref, ()):
            columns[name] = _joined(wanted, (row.ref, name), columns.get(name))
        where = f" in {row.parent.table} {row.parent.name}" if row.parent else ""
        blocks.append((f"{row.table} {row.name}", f"{where} ({owner})", columns))
    for target, names in shared.items():
        joined = {name: _joined(wanted, (target, name), None) for name in names}
        blocks.append((f"{target.table} {target.name}", " (somebody else's)", joined))
    return _blocks(blocks)


def mirror_rows(mirror: Mirror) -> str:
    """All rows of ours that the database has, in the form of `rows`: equal texts say that it has what is wanted."""
    blocks: list[Block] = []
    for owner in mirror.owners():
        for place in mirror.owned(owner):
            columns: dict[str, Any] = {}
            for name, value in (mirror.row(*place) or {}).items():
                column = mirror.columns(place.table)[name]
                if is_child_column(column) or column.reported or value == column.default:
                    continue
                if column.refers is not None:
                    uuids = value if column.kind == "set" else [value]
                    refs = frozenset(mirror.ref(column.refers, uuid) for uuid in uuids)
                    columns[name] = refs if column.kind == "set" else next(iter(refs))
                else:
                    columns[name] = value
            links = [mirror.ref(link.table, link.uuid) for link in mirror.links(place.uuid)]
            where = "".join(f" in {ref.table} {ref.name}" for ref in links)
            blocks.append((f"{place.table} {mirror.name(*place)}", f"{where} ({owner})", columns))
    return _blocks(blocks)


def _joined(wanted: Wanted, place: tuple[Ref, str], own: Any) -> Any:
    claims = wanted.elements(*place)
    if any(isinstance(claim, dict) for claim in claims.values()):
        return {**(own or {}), **{key: wanted.value(*place, key) for key in claims}}
    return frozenset(own or ()) | frozenset(claims)


def _is_default(value: Any) -> bool:
    return value is None or value == "" or value is False or value == 0 or value in (frozenset(), {})


def _blocks(blocks: list[Block]) -> str:
    lines: list[str] = []
    for heading, behind, columns in sorted(blocks, key=lambda block: block[:2]):
        lines.append(heading + behind)
        shown = {name: _shown(name, columns[name]) for name in sorted(columns)}
        lines.extend(f"  {name}: {text}" for name, text in shown.items() if text)
    return "\n".join(lines) + "\n" if lines else ""


def _shown(name: str, value: Any) -> str:
    """A column of a row; empty when there is nothing in it but what is on every row."""
    if name == "external_ids":
        value = {key: text for key, text in value.items() if (key, text) != (VENDOR, KUBE_OVN) and key != OWNER}
        return show(value) if value else ""
    return show(value)


def plan(found: Plan) -> str:
    """The plan row by row with owner and reason, then the problems and who waits; empty for an empty plan."""
    lines = [line for edit in found.operations for line in _edit(edit)]
    for owner in sorted(found.problems):
        lines.extend(f"! {owner}: {problem.reason}: {problem.message}" for problem in found.problems[owner])
    for ref in sorted(found.waiting):
        owners = ", ".join(str(owner) for owner in sorted(found.waiting[ref]))
        lines.append(f"… {ref.table} {ref.name} is missing; it is waited for by {owners}")
    return "\n".join(lines) + "\n" if lines else ""


def _edit(edit: Edit) -> list[str]:
    behind = f"({edit.owner}): {edit.reason}"
    row = f"{edit.table} {edit.name}"
    match edit:
        case Insert():
            where = f" in {edit.parent.table} {edit.parent.name}" if edit.parent else ""
            shown = [f"    {name}: {show(edit.columns[name])}" for name in sorted(edit.columns)]
            return [f"+ {row}{where} {behind}", *shown]
        case Update():
            return [f"~ {row} {behind}"]
        case Delete():
            along = f" with {edit.children} rows in it" if edit.children else ""
            return [f"- {row}{along} {behind}"]
        case AddElement():
            return [f"+ {row} {edit.column} += {_element(edit.element)} {behind}"]
        case RemoveElement():
            return [f"- {row} {edit.column} -= {_element(edit.element)} {behind}"]


def _element(element: Any) -> str:
    return "=".join(element) if type(element) is tuple else show(element)


def plan_json(found: Plan) -> dict[str, Any]:
    """The plan as what json.dumps and yaml.dump take: operations, problems and who waits."""
    return {
        "operations": [_edit_json(edit) for edit in found.operations],
        "problems": [
            {"owner": str(owner), "reason": problem.reason, "message": problem.message}
            for owner in sorted(found.problems)
            for problem in found.problems[owner]
        ],
        "waiting": [
            {"table": ref.table, "name": ref.name, "owners": _owners(found.waiting[ref])}
            for ref in sorted(found.waiting)
        ],
    }


def _owners(owners: frozenset[Owner]) -> list[str]:
    return [str(owner) for owner in sorted(owners)]


def _edit_json(edit: Edit) -> dict[str, Any]:
    common = {"table": edit.table, "name": edit.name, "owner": str(edit.owner), "reason": edit.reason}
    match edit:
        case Insert():
            columns = {name: _plain(edit.columns[name]) for name in sorted(edit.columns)}
            above = edit.parent
            parent = {"table": above.table, "name": above.name, "column": edit.column} if above else None
            return {"operation": "insert", **common, "parent": parent, "columns": columns}
        case Update():
            changes = {
                name: {"old": _plain(edit.changes[name][0]), "new": _plain(edit.changes[name][1])}
                for name in sorted(edit.changes)
            }
            return {"operation": "update", **common, "changes": changes}
        case Delete():
            return {"operation": "delete", **common, "rows": 1 + edit.children}
        case AddElement():
            return {"operation": "add", **common, "column": edit.column, "element": _plain(edit.element)}
        case RemoveElement():
            return {"operation": "remove", **common, "column": edit.column, "element": _plain(edit.element)}


def _plain(value: Any) -> Any:
    if isinstance(value, Ref):
        return value.name
    if isinstance(value, tuple):
        return {value[0]: value[1]}
    if isinstance(value, frozenset | set):
        return sorted((_plain(element) for element in value), key=str)
    if isinstance(value, Mapping):
        return {key: value[key] for key in sorted(value)}
    return value
