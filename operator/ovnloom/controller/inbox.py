"""What the watches said and the engine hasn't looked at yet."""

import asyncio
from time import monotonic
from typing import Any, NamedTuple

from ovnloom.api.meta import Key
from ovnloom.world.made import Made
from ovnloom.world.tables import Table


class Change(NamedTuple):
    """The latest that is known of one object; `found` is None when it is gone."""

    table: Table
    key: Key
    found: Any
    was_seen: bool = True
    """False when a list lacked the object and no event had said that it went."""
    made: Made | None = None
    """What can be compared of an object that we made."""


class Inbox:
    """A queue in which each object is at most once: with its latest value, at the place of its first arrival."""

    def __init__(self, wake: asyncio.Event | None = None) -> None:
        """`wake`, where given, is set whenever there is something new to take; who waits for it clears it."""
        self._wake = wake or asyncio.Event()
        self._changes: dict[tuple[type, Key], tuple[Change, float]] = {}
        self._filled = asyncio.Event()

    def __len__(self) -> int:
        return len(self._changes)

    @property
    def age(self) -> float:
        """Seconds for which the oldest change has waited; 0 when none waits."""
        for _, arrived in self._changes.values():
            return monotonic() - arrived
        return 0.0

    def put(self, table: Table, key: Key, found: Any, *, was_seen: bool = True, made: Made | None = None) -> None:
        """The object is as found, or gone (None), for whoever takes next."""
        place = (table.type, key)
        before = self._changes.get(place)
        self._changes[place] = (
            Change(table, key, found, was_seen, made),
            monotonic() if before is None else before[1],
        )
        if before is None:
            self._filled.set()
            self._wake.set()

    async def wait(self) -> None:
        """Returns as soon as there is something to take."""
        await self._filled.wait()

    def take(self, most: int | None = None) -> list[Change]:
        """The changes that have waited longest, at most so many, in the order of their arrival."""
        if most is None or most >= len(self._changes):
            taken = [change for change, _ in self._changes.values()]
            self._changes.clear()
        else:
            places = [place for place, _ in zip(self._changes, range(most), strict=False)]
            taken = [self._changes.pop(place)[0] for place in places]
        if not self._changes:
            self._filled.clear()
        return taken
