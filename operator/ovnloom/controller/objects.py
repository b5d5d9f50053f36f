"""The Kubernetes objects that owners need are written: by server-side apply, and never over somebody else's."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any

from ovnloom import log
from ovnloom.api.meta import Key
from ovnloom.controller.inbox import Change
from ovnloom.kube.client import Client
from ovnloom.kube.failures import AlreadyExists, Conflict, NotFound
from ovnloom.kube.writer import Outcome, Writer
from ovnloom.manifests import Apply, Edit, Remove
from ovnloom.pipeline import Pipeline
from ovnloom.world.made import Made

logger = log.get("objects")

AGAIN_SECONDS = 30.0
"""After which an object that was refused is tried again: a quota or a right may have been what was wrong."""


class Objects:
    """Writes what the pipeline's manifests ask for, and tells it what came of that."""

    def __init__(self, pipeline: Pipeline, client: Client, writer: Writer[Any], wake: asyncio.Event) -> None:
        """`wake` is set when there is something to tell an owner."""
        self._pipeline = pipeline
        self._client = client
        self._writer = writer
        self._wake = wake
        self._under_way: dict[Key, Edit] = {}

    def arrived(self, change: Change) -> None:
        """The watch has shown an object: whether it is as it should be is looked at anew."""
        place = Made.key_of(change.table.kind, change.key)
        if self._under_way.pop(place, None) is not None:
            self._pipeline.manifests.look_at(place)  # it may have come and gone before anybody saw it
        if change.made is not None or place in self._pipeline.world.tables[Made]:
            self._pipeline.put(Made, place, change.made)

    def take(self) -> None:
        """What is due is being written."""
        for edit in self._pipeline.manifests.take():
            place = Made.key_of(edit.table.kind, edit.key)
            if self._under_way.get(place) != edit:
                self._under_way[place] = edit
                self._writer.submit(("object", place), partial(self._write, edit), partial(self._written, edit))

    async def _write(self, edit: Edit) -> None:
        await (self._apply(edit) if isinstance(edit, Apply) else self._remove(edit))

    async def _apply(self, edit: Apply) -> None:
        await self._client.apply(edit.table, edit.key, edit.body, uid=edit.uid)
        logger.info(
            "object applied",
            kind=edit.table.kind,
            key=str(edit.key),
            owner=str(edit.owner),
            reason=edit.reason,
        )

    async def _remove(self, edit: Remove) -> None:
        try:
            await self._client.delete(edit.table, edit.key, uid=edit.uid)
        except Conflict:
            return  # another one by now, which the watch will show
        logger.info("object removed", kind=edit.table.kind, key=str(edit.key), owner=str(edit.owner or ""))

    def _written(self, edit: Edit, outcome: Outcome[Any]) -> None:
        place = Made.key_of(edit.table.kind, edit.key)
        if outcome.is_written:
            self._pipeline.object_applied(place)
        elif isinstance(outcome.refused, AlreadyExists | Conflict):
            self._again(edit, place)  # the watch hasn't shown it yet
        else:
            refused = outcome.refused
            words = refused.reason if refused else f"ovnloom failed: {outcome.failed!r}"
            if isinstance(edit, Apply):
                self._pipeline.object_refused(place, words)
            if not isinstance(refused, NotFound) or isinstance(edit, Apply):
                self._again(edit, place)
        if len(self._pipeline):
            self._wake.set()

    def _again(self, edit: Edit, place: Key) -> None:
        def look() -> None:
            if self._under_way.get(place) is edit:
                del self._under_way[place]
                self._pipeline.manifests.look_at(place)
                self._wake.set()

        asyncio.get_running_loop().call_later(AGAIN_SECONDS, look)
