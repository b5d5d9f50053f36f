"""One interface is worked on by one request at a time, and the latest request wins."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from ovnloom import metrics
from ovnloom.errors import Unavailable
from ovnloom.node.request import Attachment

T = TypeVar("T")


class Work:
    """What is under way. A runtime that gave up on an ADD sends DEL or ADD again: the older is ended first."""

    def __init__(self) -> None:
        self._tasks: dict[Attachment, asyncio.Task[Any]] = {}

    @property
    def attachments(self) -> frozenset[Attachment]:
        """Interfaces that somebody works on now."""
        return frozenset(self._tasks)

    async def alone(self, attachment: Attachment, act: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """What `act` answers. Raises Unavailable when a newer request for the same interface took its place."""
        while (older := self._tasks.get(attachment)) is not None:
            older.cancel()
            await asyncio.wait([older])
        task = self._tasks[attachment] = asyncio.create_task(act())
        metrics.pods_busy.set(len(self._tasks))
        task.add_done_callback(lambda done: self._forget(attachment, done))
        await asyncio.wait([task])
        if task.cancelled():
            raise Unavailable(f"a newer request for {attachment.interface} of {attachment.container} came")
        answer: T = task.result()
        return answer

    def _forget(self, attachment: Attachment, task: asyncio.Task[Any]) -> None:
        if self._tasks.get(attachment) is task:
            del self._tasks[attachment]
            metrics.pods_busy.set(len(self._tasks))

    async def end(self) -> None:
        """Nothing is under way."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
