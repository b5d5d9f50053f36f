"""The northbound database as another client sees it: with ovsdb-client, and without UUIDs."""

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from sandbox import client

VOLATILE = {
    "NB_Global": ("nb_cfg", "nb_cfg_timestamp", "sb_cfg", "sb_cfg_timestamp", "hv_cfg", "hv_cfg_timestamp", "options"),
    "Logical_Switch_Port": ("up", "tag"),
}
"""Columns that ovn-northd and ovn-nbctl write."""
STRONG = ("name", "priority", "match", "direction", "ip_prefix", "nexthop", "policy", "route_table", "cidr", "action")
"""Columns that tell a row from others of its table, together with its external_ids."""


class Row(NamedTuple):
    """One row. References are the UUIDs of other rows."""

    table: str
    uuid: str
    columns: Mapping[str, Any]

    @property
    def name(self) -> str:
        return str(self.columns.get("name", ""))

    @property
    def ids(self) -> Mapping[str, str]:
        found: Mapping[str, str] = self.columns.get("external_ids", {})
        return found

    @property
    def owner(self) -> str:
        return self.ids.get("ovnloom.io/owner", "")

    def __getitem__(self, column: str) -> Any:
        return self.columns[column]


class Rows:
    """What an `ovsdb-client dump` of one moment says."""

    def __init__(self, address: str, *tables: str) -> None:
        self._rows: dict[str, list[Row]] = {}
        wanted: tuple[str, ...] = tables or ("",)
        for table in wanted:
            words = ["ovsdb-client", "--format=json", "--timeout=30", "dump", address, "OVN_Northbound"]
            text = client.output(*words, *([table] if table else []))
            for line in filter(None, text.splitlines()):
                self._read(json.loads(line))

    def _read(self, found: Mapping[str, Any]) -> None:
        name = found["caption"].removesuffix(" table").strip()
        headings = found["headings"]
        for cells in found["data"]:
            columns = dict(zip(headings, map(_value, cells), strict=True))
            uuid = columns.pop("_uuid")
            self._rows.setdefault(name, []).append(Row(name, uuid, columns))

    def of(self, table: str, **wanted: Any) -> list[Row]:
        """The rows of a table whose columns say that."""
        found = self._rows.get(table, [])
        return [row for row in found if all(row.columns.get(name) == value for name, value in wanted.items())]

    def one(self, table: str, **wanted: Any) -> Row | None:
        """The row that says that, or None."""
        found = self.of(table, **wanted)
        return found[0] if found else None

    def all(self) -> list[Row]:
        return [row for rows in self._rows.values() for row in rows]

    def names(self, table: str, **wanted: Any) -> set[str]:
        return {row.name for row in self.of(table, **wanted)}

    def lines(self, *, without: str = "", ours_only: bool = False) -> list[str]:
        """One line for each row, in order and without UUIDs; `without` leaves out rows, and elements, that name it."""
        labels = {row.uuid: _label(row) for row in self.all()}
        lines = []
        for row in self.all():
            if (ours_only and not row.owner) or (without and without in labels[row.uuid]):
                continue
            volatile = VOLATILE.get(row.table, ())
            said = {name: _named(value, labels) for name, value in row.columns.items() if name not in volatile}
            if without:
                said = {name: _less(value, without) for name, value in said.items()}
            lines.append(f"{row.table} {json.dumps(said, sort_keys=True)}")
        return sorted(lines)


def _less(value: Any, without: str) -> Any:
    """The value without elements that name it; a set of one is like a set of none then."""
    if isinstance(value, list):
        left = [element for element in value if without not in str(element)]
        return left[0] if len(left) == 1 else left
    return [] if isinstance(value, str) and without in value else value


def _label(row: Row) -> str:
    strong = {name: row.columns[name] for name in STRONG if row.columns.get(name)}
    return f"{row.table}:{json.dumps([strong, sorted(row.ids.items())], sort_keys=True, default=sorted)}"


def _value(cell: Any) -> Any:
    """A column in Python: sets become sorted lists, maps dicts, references UUIDs (RFC 7047, 5.1)."""
    match cell:
        case ["uuid", uuid]:
            return uuid
        case ["set", [*elements]]:
            return sorted(map(_value, elements), key=str)
        case ["map", [*pairs]]:
            return {str(_value(key)): _value(value) for key, value in pairs}
    return cell


def _named(value: Any, labels: Mapping[str, str]) -> Any:
    match value:
        case str():
            return labels.get(value, value)
        case list():
            return sorted((_named(element, labels) for element in value), key=str)
        case dict():
            return {key: _named(element, labels) for key, element in value.items()}
    return value
