"""The loop: what the feed brings becomes a picture, and what differs in it goes to every page that is open."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ovnloom import log
from ovnloom.intent import Owner
from ovnloom.northbound.connection import Connection
from ovnloom.northbound.edits import Plan
from ovnloom.pipeline import Pipeline
from ovnloom.web.feed import Feed
from ovnloom.web.picture import Delta, Picture

logger = log.get("web")

REST_SECONDS = 0.2
"""Pause after a change: what comes meanwhile goes to the pages together."""


class Listener:
    """One open page: what it hasn't been sent yet. However slow it is, each item waits once at most."""

    def __init__(self) -> None:
        self.wake = asyncio.Event()
        self._pending: Delta = {}

    def tell(self, delta: Delta) -> None:
        """The page is to know this."""
        self._pending.update(delta)
        self.wake.set()

    def take(self) -> Delta:
        """What it is to know since the last time."""
        taken, self._pending = self._pending, {}
        self.wake.clear()
        return taken


class Live:
    """A picture and who looks at it. Without a feed nothing changes: the picture is of files."""

    def __init__(
        self,
        picture: Picture,
        where: str,
        feed: Feed | None = None,
        wake: asyncio.Event | None = None,
        nb: Connection | None = None,
    ) -> None:
        self.picture = picture
        self.where = where
        """Where the objects come from, in words."""
        self.version = 0
        """Grows whenever anything that a verdict depends on may have changed."""
        self.ready = asyncio.Event()
        """Set once all that is there was seen."""
        self._feed = feed
        self._wake = wake or asyncio.Event()
        self._nb = nb
        self._listeners: set[Listener] = set()

    @property
    def pipeline(self) -> Pipeline:
        return self.picture.pipeline

    @property
    def has_rows(self) -> bool:
        """Whether the mirror is a database's, as it is now."""
        return self._nb is not None and self._nb.state in ("synced", "locked")

    def status(self) -> dict[str, Any]:
        """What the page says about itself."""
        missing = self._feed.missing if self._feed is not None and not self.ready.is_set() else ()
        return {
            "where": self.where,
            "live": self._feed is not None,
            "waits": list(missing),
            "northbound": "" if self._nb is None else self._nb.state,
            "version": self.version,
        }

    @contextmanager
    def listening(self) -> Iterator[Listener]:
        """A listener that is told everything from now on."""
        listener = Listener()
        self._listeners.add(listener)
        try:
            yield listener
        finally:
            self._listeners.discard(listener)

    def show(self) -> None:
        """All that the pipeline has is in the picture."""
        self.picture.refresh(self.picture.pods(), has_rows=False)
        self.ready.set()

    async def run(self) -> None:
        """For ever, until cancelled: takes what comes, at most some times a second."""
        had_rows = False
        while True:
            await self._wake.wait()
            self._wake.clear()
            if self.ready.is_set() or not (self._feed and self._feed.missing):
                touched = self._turn()
                if self.has_rows != had_rows or not self.ready.is_set():
                    touched |= self.picture.pods()
                had_rows = self.has_rows
                self.version += 1
                self._tell(self.picture.refresh(touched, has_rows=had_rows))
                if not self.ready.is_set():
                    logger.info("everything is seen", items=len(self.picture.items))
                    self.ready.set()
            else:
                self._tell({})
            await asyncio.sleep(REST_SECONDS)

    def _turn(self) -> set[Owner]:
        """The pipeline knows what came and what follows from it; the answer is whom that concerns."""
        touched = self._feed.take(self.pipeline) if self._feed else set()
        turn = self.pipeline.turn()
        for _, choice in turn.choices:
            self.pipeline.revoke(choice)  # what the controller chooses is seen once it has saved it
        self.pipeline.manifests.take()  # and what it makes, once it is there
        # Nothing is ours to write, so nothing is kept for a plan.
        self.pipeline.settled(tuple(self.pipeline.unsettled), Plan())
        return touched | self.picture.note(turn)

    def _tell(self, delta: Delta) -> None:
        for listener in self._listeners:
            listener.tell(delta)
