"""Objects kept in the northbound database itself: one row each that OVN doesn't look at.

The rows are DHCP_Options that no port refers to: ovn-northd reads those of ports only, so that a record costs nobody
anything. One more row counts the changes. Whatever a plugin writes is one transaction, which holds only if the count
is still the one that the plugin has seen; so nothing is computed from what somebody else has changed meanwhile, no
address is given twice, and nobody has to be the leader.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ovnloom.api.meta import Key
from ovnloom.docker.state import Body, Place
from ovnloom.northbound.change import Change
from ovnloom.northbound.mirror import Mirror
from ovnloom.northbound.operations import Operation

TABLE = "DHCP_Options"
OBJECT, JSON, COUNT = "ovnloom.io/object", "ovnloom.io/json", "ovnloom.io/count"
COUNTER = "Counter"


class Records:
    """Which row has which object; follows the database, and makes the operations that change it."""

    def __init__(self) -> None:
        self._rows: dict[Place, str] = {}
        self._places: dict[str, Place] = {}
        self._counter = ""
        self._count = 0

    def follow(self, changes: Iterable[Change], mirror: Mirror) -> dict[Place, Body | None]:
        """The objects that came, changed or went with these changes, which the mirror has already."""
        touched: dict[str, None] = {}
        for change in changes:
            if change.kind == "reset":
                touched.update(dict.fromkeys(self._places))
                self._counter, self._count = "", 0
            elif change.table == TABLE:
                touched[change.uuid] = None
        found: dict[Place, Body | None] = {}
        for uuid in touched:
            ids = mirror.external_ids(TABLE, uuid) if mirror.row(TABLE, uuid) is not None else {}
            self._note(uuid, ids, found)
        return found

    def _note(self, uuid: str, ids: Mapping[str, str], found: dict[Place, Body | None]) -> None:
        if ids.get(OBJECT) == COUNTER:
            self._counter, self._count = uuid, int(ids.get(COUNT, "0"))
            return
        if uuid == self._counter:
            self._counter, self._count = "", 0
        before = self._places.pop(uuid, None)
        if before is not None and self._rows.get(before) == uuid:
            del self._rows[before]
            found[before] = None
        place = _place(ids)
        if place is not None:
            self._places[uuid] = place
            self._rows[place] = uuid
            found[place] = json.loads(ids[JSON])

    def guard(self) -> Operation:
        """Holds only if nobody has written since what was followed last."""
        found = {"op": "wait", "timeout": 0, "table": TABLE, "columns": ["external_ids"], "until": "=="}
        if not self._counter:
            return {**found, "where": [["external_ids", "includes", _ids({OBJECT: COUNTER})]], "rows": []}
        ids = _ids({OBJECT: COUNTER, COUNT: str(self._count)})
        return {**found, "where": [["_uuid", "==", ["uuid", self._counter]]], "rows": [{"external_ids": ids}]}

    def operations(self, edits: Mapping[Place, Body | None]) -> Iterator[Operation]:
        """What a transaction has to begin with: the guard, the next count, and these objects."""
        yield self.guard()
        row = {"external_ids": _ids({OBJECT: COUNTER, COUNT: str(self._count + 1)})}
        if self._counter:
            where = [["_uuid", "==", ["uuid", self._counter]]]
            yield {"op": "update", "table": TABLE, "where": where, "row": row}
        else:
            yield {"op": "insert", "table": TABLE, "row": row}
        for place, body in edits.items():
            yield from self._operation(place, body)

    def _operation(self, place: Place, body: Body | None) -> Iterator[Operation]:
        uuid = self._rows.get(place)
        where = [["_uuid", "==", ["uuid", uuid]]]
        if body is None:
            if uuid is not None:
                yield {"op": "delete", "table": TABLE, "where": where}
            return
        kind, key = place
        text = json.dumps(body, separators=(",", ":"), sort_keys=True)
        row = {"external_ids": _ids({OBJECT: f"{kind}/{key.name}", JSON: text})}
        if uuid is None:
            yield {"op": "insert", "table": TABLE, "row": row}
        else:
            yield {"op": "update", "table": TABLE, "where": where, "row": row}


def _ids(pairs: Mapping[str, str]) -> Any:
    return ["map", [[key, value] for key, value in sorted(pairs.items())]]


def _place(ids: Mapping[str, str]) -> Place | None:
    kind, _, name = ids.get(OBJECT, "").partition("/")
    return (kind, Key(name)) if name and JSON in ids else None
