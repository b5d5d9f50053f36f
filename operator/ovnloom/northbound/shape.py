"""The shape of the connected database: which of our tables and columns it has, and how values look as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from sys import intern
from typing import Any, NamedTuple

from ovnloom.ovn.column import Column, Table
from ovnloom.ovn.schema import TABLES

Stored = Any
"""A column as the mirror keeps it: a scalar, a set, a dict, or None for an optional column that is empty.

References are UUIDs as text. A set or a dict is never handed out to be changed.
"""


class Form(NamedTuple):
    """Which columns of a table say what their owner wants: not those that OVN reports, not the sets of children, which
    say it themselves, and not external_ids, in which we write too."""

    compared: tuple[tuple[str, Column, Stored], ...]
    """Name, type and default of each."""
    shareable: tuple[tuple[str, Column], ...]
    """Those of them that are sets or maps."""
    has_external_ids: bool

    @classmethod
    def of(cls, table: Table) -> Form:
        compared = [
            column
            for column in table.columns.values()
            if not column.reported and not is_child_column(column) and column.name != "external_ids"
        ]
        return cls(
            tuple((column.name, column, column.default) for column in compared),
            tuple((column.name, column) for column in compared if column.kind in ("set", "map")),
            table.has_external_ids,
        )


@dataclass(frozen=True, slots=True)
class Shape:
    """Our tables and columns, without those that a database lacks."""

    version: str = ""
    tables: Mapping[str, Table] = field(default_factory=lambda: TABLES)

    @classmethod
    def parse(cls, schema: Mapping[str, Any]) -> Shape:
        """What of our tables an `.ovsschema` (or the answer to get_schema) has; its other tables don't concern us."""
        found = schema["tables"]
        tables = {
            name: replace(table, columns={key: _limited(table.columns[key], columns[key]) for key in known})
            for name, table in TABLES.items()
            if (columns := found.get(name, {}).get("columns")) is not None
            for known in ([key for key in table.columns if key in columns],)
        }
        return cls(schema.get("version", ""), tables)


def _limited(column: Column, json: Mapping[str, Any]) -> Column:
    """The column with the values that its schema (RFC 7047, 3.2 `<type>`, enum) lets a set have."""
    kind = json.get("type")
    key = kind.get("key") if isinstance(kind, Mapping) else None
    if column.kind != "set" or not isinstance(key, Mapping) or "enum" not in key:
        return column
    found = key["enum"]
    return replace(column, members=frozenset(found[1] if isinstance(found, list) else [found]))


def read(column: Column, json: Any) -> Stored:
    """The value that OVSDB sends as `json` (RFC 7047, 5.1 `<value>`); sets and dicts are new ones."""
    if column.kind == "scalar":
        return json if column.key != "uuid" else intern(json[1])
    if column.kind == "map":
        return {intern(key): value for key, value in json[1]}
    elements = json[1] if type(json) is list and json[0] == "set" else [json]
    if column.key == "uuid":
        elements = [intern(element[1]) for element in elements]
    if column.kind == "set":
        return set(elements)
    return elements[0] if elements else None


def write(column: Column, stored: Stored) -> Any:
    """The value as OVSDB wants it; for a reference to a row of the same transaction see `is_named`."""
    match column.kind:
        case "map":
            return ["map", [[key, stored[key]] for key in sorted(stored)]]
        case "set":
            return ["set", [write_element(column, element) for element in sorted(stored)]]
        case "optional" if stored is None:
            return ["set", []]
        case _:
            return write_element(column, stored)


def write_element(column: Column, stored: Stored) -> Any:
    """One scalar as OVSDB wants it."""
    if column.key != "uuid":
        return stored
    return ["named-uuid", stored] if is_named(stored) else ["uuid", stored]


def is_named(uuid: str) -> bool:
    """Whether a reference is the name of a row that the same transaction inserts: UUIDs have no underscore."""
    return "_" in uuid


def is_child_column(column: Column) -> bool:
    """Whether a set column keeps its elements alive; each is its child's business, so nobody compares the set.

    Rows of a root table (Load_Balancer_Group) live by themselves, however they are referred to.
    """
    if column.kind != "set" or column.strength != "strong" or column.refers is None:
        return False
    return not TABLES[column.refers].is_root


def patched(old: Mapping[str, str], diff: Mapping[str, str]) -> dict[str, str]:
    """A new map, as `patch` makes it."""
    new = dict(old)
    patch(new, diff)
    return new


def patch(pairs: dict[str, str], diff: Mapping[str, str]) -> None:
    """The map is as after a difference: pairs that were there go, all others come or replace their key's."""
    for key, value in diff.items():
        if pairs.get(key) == value:
            del pairs[key]
        else:
            pairs[key] = value
