"""What the page says of one object that somebody clicked: its problems, its rows, its policies, its Pods."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ovnloom.api.ip import IP
from ovnloom.api.meta import Key
from ovnloom.intent import Owner, Row
from ovnloom.northbound.mirror import Mirror
from ovnloom.northbound.shape import is_child_column
from ovnloom.northbound.show import show
from ovnloom.ovn import names
from ovnloom.pipeline import Pipeline
from ovnloom.web.items import POLICIES, members, policies, ports, state
from ovnloom.web.live import Live

LONGEST = 2000
"""Characters of a column that are shown: a set may have thousands of elements."""
HIDDEN = frozenset({names.VENDOR, names.OWNER})
"""external_ids that are on every row."""


def details(live: Live, owner: Owner) -> dict[str, Any]:
    """All that is to be said of an owner; its verdicts aside."""
    pipeline = live.pipeline
    found: dict[str, Any] = {
        "id": str(owner),
        "problems": [{"reason": said.reason, "message": said.message} for said in live.picture.problems.get(owner, ())],
        "rows": list(_rows(pipeline, owner, has_rows=live.has_rows)),
        "joins": sorted({f"{target.table} {target.name}" for target in _targets(pipeline, owner)}),
    }
    if owner.kind == "Pod":
        found["ports"] = [
            _port(pipeline, name, owner.key, has_rows=live.has_rows) for name in ports(pipeline, owner.key)
        ]
        found["policies"] = sorted(map(str, policies(pipeline, owner.key)))
    if owner.kind in POLICIES:
        found["pods"] = sorted(str(Owner("Pod", key)) for key in members(pipeline, owner))
    return found


def _targets(pipeline: Pipeline, owner: Owner) -> Iterator[Any]:
    for one in (owner, Owner("Membership", owner.key)) if owner.kind == "Pod" else (owner,):
        yield from (target for target, _, _ in pipeline.wanted.members(one))


def _port(pipeline: Pipeline, name: str, pod: Key, *, has_rows: bool) -> dict[str, str]:
    ip = pipeline.world.tables[IP].get(Key(name))
    return {
        "name": name,
        "network": names.provider_of(name, ip.pod_name, ip.namespace) if ip else names.provider_of(name, *pod),
        "subnet": ip.subnet if ip else "",
        "ip": ip.ip_address if ip else "",
        "mac": ip.mac if ip else "",
        "state": state(pipeline, name) if has_rows else "unknown",
    }


def _rows(pipeline: Pipeline, owner: Owner, *, has_rows: bool) -> Iterator[dict[str, Any]]:
    """The rows as the database has them; without one, as they should be."""
    wanted, mirror = pipeline.wanted.rows(owner), pipeline.mirror
    if not has_rows:
        yield from (_wanted(row, "wanted") for row in wanted)
        return
    seen = set()
    for row in wanted:
        uuid = mirror.find(row.ref)
        if uuid is None:
            yield _wanted(row, "missing")
        else:
            seen.add(uuid)
            yield _there(mirror, row.table, uuid, "there")
    for table, uuid in mirror.owned(owner):
        if uuid not in seen:
            yield _there(mirror, table, uuid, "leftover")


def _wanted(row: Row, how: str) -> dict[str, Any]:
    where = f"{row.parent.table} {row.parent.name}" if row.parent else ""
    return _row(row.table, row.name, where, row.columns, how)


def _there(mirror: Mirror, table: str, uuid: str, how: str) -> dict[str, Any]:
    columns = {}
    for name, value in (mirror.row(table, uuid) or {}).items():
        column = mirror.columns(table)[name]
        if is_child_column(column):
            continue
        if column.refers is not None and value:
            refs = [mirror.ref(column.refers, one) for one in (value if column.kind == "set" else [value])]
            value = frozenset(refs) if column.kind == "set" else refs[0]  # noqa: PLW2901,RUF100  (by its name)
        columns[name] = value
    where = ", ".join(f"{ref.table} {ref.name}" for ref in (mirror.ref(*link[:2]) for link in mirror.links(uuid)))
    return _row(table, str(mirror.name(table, uuid)), where, columns, how)


def _row(table: str, name: str, where: str, columns: Mapping[str, Any], how: str) -> dict[str, Any]:
    shown = {column: _text(column, columns[column]) for column in sorted(columns)}
    return {
        "table": table,
        "name": name,
        "in": where,
        "how": how,
        "columns": {column: text for column, text in shown.items() if text not in ("", '""', "{}", "nothing")},
    }


def _text(column: str, value: Any) -> str:
    if column == "external_ids" and isinstance(value, Mapping):
        value = {key: text for key, text in value.items() if key not in HIDDEN}
    text = show(value)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}… ({len(text)} characters)"
