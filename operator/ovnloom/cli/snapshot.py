"""A northbound database in a file: what `ovsdb-client backup` or `ovsdb-client dump -f json` wrote, or its own file."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ovnloom.api.ip import IP, RESERVED
from ovnloom.api.meta import FINALIZER, Key, Meta
from ovnloom.cli.wrong import Wrong
from ovnloom.ipam import Malformed, parse_mac, parse_pair
from ovnloom.northbound.change import Change
from ovnloom.northbound.mirror import Mirror
from ovnloom.northbound.shape import Shape, Stored
from ovnloom.northbound.shape import read as read_value
from ovnloom.ovn import names
from ovnloom.ovn.column import Column

HOW = "make one by: ovsdb-client backup SERVER OVN_Northbound > FILE"
PORT = "Logical_Switch_Port"
Rows = dict[str, dict[str, dict[str, Stored]]]


def read(path: str) -> Mirror:
    """A mirror of the rows in the file. Raises Wrong when it can't be read as one."""
    try:
        text = Path(path).read_text(encoding="utf-8")
    except OSError as problem:
        raise Wrong(f"{path}: the snapshot can't be read: {problem.strerror}") from problem
    except UnicodeDecodeError as problem:
        raise Wrong(f"{path}: it is no snapshot of a northbound database; {HOW}") from problem
    if text.startswith("OVSDB CLUSTER"):
        raise Wrong(f"{path}: it is the file of one server of a cluster, not a snapshot; {HOW}")
    try:
        shape, rows = _records(text) if text.startswith("OVSDB JSON ") else _dump(text)
    except (ValueError, KeyError, TypeError, IndexError, AttributeError) as problem:
        raise Wrong(f"{path}: it is no snapshot of a northbound database: {problem!r}; {HOW}") from problem
    if "Logical_Switch" not in shape.tables:
        raise Wrong(f"{path}: it has no Logical_Switch table, so it isn't OVN's northbound database; {HOW}")
    mirror = Mirror(shape)
    mirror.apply(
        Change("insert", table, uuid, columns) for table, found in rows.items() for uuid, columns in found.items()
    )
    return mirror


def _records(text: str) -> tuple[Shape, Rows]:
    """The schema, then one transaction after another: ovsdb(5), "Standalone and Active-Backup Database File Format"."""
    records = _json_records(text)
    shape = Shape.parse(next(records))
    rows: Rows = {table: {} for table in shape.tables}
    for record in records:
        is_diff = record.get("_is_diff") is True
        for table, changes in record.items():
            if table not in rows:
                continue
            for uuid, columns in changes.items():
                if columns is None:
                    rows[table].pop(uuid, None)
                else:
                    _write(rows[table], uuid, columns, shape.tables[table].columns, is_diff=is_diff)
    return shape, rows


def _json_records(text: str) -> Iterator[dict[str, Any]]:
    position = 0
    content = text.encode()
    while content.startswith(b"OVSDB JSON ", position):
        end = content.index(b"\n", position)
        length = int(content[position:end].split()[2])
        yield json.loads(content[end + 1 : end + 1 + length])
        position = end + 1 + length
        if content[position : position + 1] == b"\n":
            position += 1


def _write(
    rows: dict[str, dict[str, Stored]],
    uuid: str,
    columns: Mapping[str, Any],
    known: Mapping[str, Column],
    *,
    is_diff: bool,
) -> None:
    is_new = uuid not in rows
    row = rows.setdefault(uuid, {})
    for name, value in columns.items():
        if name not in known:
            continue
        column, stored = known[name], read_value(known[name], value)
        if not is_diff or is_new or name not in row:
            row[name] = stored
        elif column.kind == "set":
            row[name] ^= stored
        elif column.kind == "map":
            for key, text in stored.items():
                if row[name].get(key) == text:
                    del row[name][key]
                else:
                    row[name][key] = text
        else:
            row[name] = stored


def _dump(text: str) -> tuple[Shape, Rows]:
    """One JSON object a table: caption, headings and data."""
    tables: dict[str, dict[str, Any]] = {}
    decoder = json.JSONDecoder()
    position = 0
    while position < len(text.rstrip()):
        found, position = decoder.raw_decode(text, position + len(text[position:]) - len(text[position:].lstrip()))
        tables[str(found["caption"]).removesuffix(" table")] = found
    schema: dict[str, Any] = {
        name: {"columns": {heading: {} for heading in found["headings"]}} for name, found in tables.items()
    }
    shape = Shape.parse({"tables": schema})
    rows: Rows = {}
    for name, table in shape.tables.items():
        headings = tables[name]["headings"]
        rows[name] = {}
        for values in tables[name]["data"]:
            line = dict(zip(headings, values, strict=True))
            uuid = line["_uuid"][1]
            rows[name][uuid] = {key: read_value(table.columns[key], line[key]) for key in table.columns if key in line}
    return shape, rows


def addresses(mirror: Mirror) -> Iterator[IP]:
    """The addresses that the ports of a database have, kept for their holders: nobody else may get them in a plan."""
    for place in mirror.places():
        if place.table != PORT:
            continue
        switch = next((mirror.name(link.table, link.uuid) for link in mirror.links(place.uuid)), None)
        found = _address(mirror.value(PORT, place.uuid, "addresses"))
        name = mirror.value(PORT, place.uuid, "name")
        if switch is None or found is None:
            continue
        mac, v4, v6 = found
        namespace, _, pod = mirror.external_ids(PORT, place.uuid).get(names.KEY_POD, "").rpartition("/")
        meta = Meta(labels={RESERVED: "true"}, finalizers=(FINALIZER,))
        yield IP(Key(name), meta, switch, pod or name, namespace, "", v4, v6, mac)


def _address(values: set[str]) -> tuple[str, str, str] | None:
    for value in sorted(values):
        mac, *ips = value.split()
        try:
            pair = parse_pair(",".join(ips))
            return parse_mac(mac), pair.v4_text, pair.v6_text
        except Malformed:
            continue
    return None
