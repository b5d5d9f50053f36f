"""A mirror from a file, without a server: a standalone database, or what `ovsdb-client backup` writes (ovsdb(5))."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ovnloom.errors import Refused
from ovnloom.northbound.change import Change
from ovnloom.northbound.mirror import Mirror
from ovnloom.northbound.shape import Shape, read

_HEADER = re.compile(rb"OVSDB (JSON|CLUSTER) (\d+) ([0-9a-f]{40})\n")
DATABASE = "OVN_Northbound"


def load(path: Path) -> Mirror:
    """What the northbound database in the file says; Refused when it is no such file, or damaged."""
    try:
        raw = path.read_bytes()
    except OSError as wrong:
        raise Refused(f"{path}: {wrong.strerror}; name a file that `ovsdb-client backup` wrote") from wrong
    try:
        return parse(raw)
    except Refused as refused:
        raise Refused(f"{path}: {refused.reason}") from None


def parse(raw: bytes) -> Mirror:
    """The mirror after all records of the log: a schema, then one transaction each."""
    records = _records(raw)
    schema = next(records, None)
    if schema is None:
        raise Refused("it is no OVSDB database; use the file that `ovsdb-client backup` writes")
    if schema.get("name") != DATABASE:
        raise Refused(f"it is a database {schema.get('name')!r}, not {DATABASE}; give the northbound one")
    mirror = Mirror(Shape.parse(schema))
    for record in records:
        mirror.apply(list(_changes(mirror, record)))
    return mirror


def _records(raw: bytes) -> Iterator[Mapping[str, Any]]:
    at = 0
    while found := _HEADER.match(raw, at):
        if found[1] == b"CLUSTER":
            raise Refused("it is the file of a clustered server; use what `ovsdb-client backup` writes")
        at = found.end() + int(found[2])
        body = raw[found.end() : at]
        if len(body) < int(found[2]):
            return  # the last record was being written when the file was copied; ovsdb-server drops it too
        if hashlib.sha1(body, usedforsecurity=False).hexdigest() != found[3].decode():
            raise Refused(f"the record at byte {found.start()} is damaged; make a new backup")
        yield json.loads(body)


def _changes(mirror: Mirror, record: Mapping[str, Any]) -> Iterator[Change]:
    is_diff = record.get("_is_diff", False)
    for table, rows in record.items():
        columns = mirror.columns(table)
        if not columns:
            continue
        for uuid, row in rows.items():
            if row is None:
                yield Change("delete", table, uuid)
                continue
            values = {name: read(columns[name], value) for name, value in row.items() if name in columns}
            before = mirror.row(table, uuid)
            if before is None:
                yield Change("insert", table, uuid, values)
            elif is_diff:
                yield Change("modify", table, uuid, values)
            else:
                yield Change("insert", table, uuid, {**before, **values})
