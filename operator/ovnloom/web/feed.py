"""What the API server and the northbound database say, as it comes, until somebody takes it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from typing import Any

from ovnloom.api.ip import IP
from ovnloom.api.meta import Key, key_of
from ovnloom.intent import Owner
from ovnloom.kube.client import Client
from ovnloom.kube.follow import follow
from ovnloom.northbound.change import Change
from ovnloom.northbound.connection import Connection
from ovnloom.pipeline import Pipeline
from ovnloom.web.items import PORT
from ovnloom.world.made import Made
from ovnloom.world.tables import TABLES, Table

Body = Mapping[str, Any]


class Feed:
    """The latest of each object that changed since the last `take`, and the rows."""

    def __init__(self, wake: asyncio.Event, nb: Connection | None) -> None:
        self._wake = wake
        self._nb = nb
        self._known: dict[type, set[Key]] = {}
        self._changes: dict[tuple[type, Key], tuple[Table, Body | None]] = {}

    @property
    def missing(self) -> tuple[str, ...]:
        """The kinds that nobody has listed yet: until there are none, nothing is known of what is there."""
        return tuple(table.plural for table in TABLES if table.type not in self._known)

    async def run(self, client: Client) -> None:
        """Every table is watched until cancelled. Raises Refused when we have no right to."""
        async with asyncio.TaskGroup() as group:
            for table in TABLES:
                group.create_task(self._follow(client, table), name=f"watch {table.plural}")

    async def _follow(self, client: Client, table: Table) -> None:
        def changed(key: Key, body: Body | None) -> None:
            if body is None:
                self._known[table.type].discard(key)
            else:
                self._known[table.type].add(key)
            self._changes[table.type, key] = (table, body)
            self._wake.set()

        def listed(bodies: list[dict[str, Any]]) -> None:
            there = {key_of(body): body for body in bodies}
            gone = self._known.setdefault(table.type, set()) - there.keys()
            for key in gone:
                changed(key, None)
            for key, body in there.items():
                changed(key, body)
            self._wake.set()

        await follow(client, table, listed, changed)

    def take(self, pipeline: Pipeline) -> set[Owner]:
        """The pipeline knows what came; the answer is whose objects and rows are others now."""
        touched: set[Owner] = set()
        changes, self._changes = self._changes, {}
        for (_, key), (table, body) in changes.items():
            touched.update(_put(pipeline, table, key, body))
        if self._nb is not None:
            rows = self._nb.drain()
            touched.update(_owners(pipeline, rows))  # before, for rows that go
            pipeline.observe(rows)
            touched.update(_owners(pipeline, rows))
        return touched


def _put(pipeline: Pipeline, table: Table, key: Key, body: Body | None) -> Iterator[Owner]:
    """The object is there as the body says; the answer is whom that concerns."""
    before = pipeline.world.tables[table.type].get(key)
    found = None if body is None else table.decode(body)
    made = None if body is None else Made.decode(table.kind, body)
    if made is not None:
        pipeline.put(Made, made.key, made)
    if pipeline.put(table.type, key, found):  # else nothing in it is of interest, as in a heartbeat
        yield Owner(table.kind, key)
    for ip in (before, found):
        if isinstance(ip, IP) and ip.namespace:
            yield Owner("Pod", ip.holder)


def _owners(pipeline: Pipeline, rows: list[Change]) -> Iterator[Owner]:
    """Whose ports these changes are about; everybody's with a port, when the database starts over."""
    mirror = pipeline.mirror
    for change in rows:
        if change.kind == "reset":
            yield from mirror.owners()
        elif change.table == PORT and mirror.row(PORT, change.uuid) is not None:
            owner = mirror.owner(PORT, change.uuid)
            if owner is not None:
                yield owner
