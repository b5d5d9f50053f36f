"""Where the watches write what they hear, and where everybody else looks."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from ovnloom.api.meta import Key
from ovnloom.api.node import Node
from ovnloom.api.pod import Pod
from ovnloom.api.subnet import Subnet
from ovnloom.node.view import FIELDS, View

Answer = TypeVar("Answer")
Follower = Callable[[type, Key | None], None]
"""Is told the kind and the key of what changed; no key when the whole kind was listed."""


class Board:
    """The latest that is known. It belongs to the event loop: no locks."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.complete = asyncio.Event()
        """Set once every kind was listed; it stays set."""
        self._objects: dict[type, dict[Key, Any]] = {kind: {} for kind in FIELDS}
        self._missing = set(FIELDS)
        self._view: View | None = None
        self._shown: dict[type, Mapping[Any, Any]] = {}
        """Copies for the View, kind by kind, as long as nothing of that kind changes."""
        self._followers: list[Follower] = []
        self._waiting: dict[Key, set[asyncio.Event]] = {}

    @property
    def missing(self) -> tuple[type, ...]:
        """Kinds that were not listed yet."""
        return tuple(kind for kind in FIELDS if kind in self._missing)

    @property
    def view(self) -> View:
        """Everything as of now; the same value until something changes."""
        if self._view is None:
            for kind, objects in self._objects.items():
                if kind not in self._shown:
                    named = {key.name: found for key, found in objects.items()} if _is_named(kind) else dict(objects)
                    self._shown[kind] = named
            parts = {FIELDS[kind]: shown for kind, shown in self._shown.items()}
            self._view = View(self.name, **parts, complete=not self._missing)
        return self._view

    def find(self, kind: type[Answer], key: Key) -> Answer | None:
        """One object, without the cost of a View."""
        found: Answer | None = self._objects[kind].get(key)
        return found

    def follow(self, follower: Follower) -> None:
        """The follower hears of each change, from within the loop."""
        self._followers.append(follower)

    def listed(self, kind: type, found: Mapping[Key, Any]) -> None:
        """All objects of a kind, and no others, are these."""
        gone = self._objects[kind].keys() - found.keys()
        self._objects[kind] = dict(found)
        was_missing = kind in self._missing
        self._missing.discard(kind)
        self._tell(kind, None)
        for key in (*gone, *found):
            self._wake(kind, key)
        if was_missing and not self._missing:
            self.complete.set()

    def changed(self, kind: type, key: Key, found: Any) -> None:
        """One object is so now, or gone (None)."""
        objects = self._objects[kind]
        if found is None:
            objects.pop(key, None)
        else:
            objects[key] = found
        self._tell(kind, key)
        self._wake(kind, key)

    async def until(self, ask: Callable[[], Answer | None], pod: Key) -> Answer:
        """The first answer that isn't None; `ask` is called again when this Pod, a Subnet or a Node changes."""
        woken = asyncio.Event()
        self._waiting.setdefault(pod, set()).add(woken)
        try:
            while (answer := ask()) is None:
                await woken.wait()
                woken.clear()
            return answer
        finally:
            self._waiting[pod].discard(woken)
            if not self._waiting[pod]:
                del self._waiting[pod]

    def _tell(self, kind: type, key: Key | None) -> None:
        self._view = None
        self._shown.pop(kind, None)
        for follower in self._followers:
            follower(kind, key)

    def _wake(self, kind: type, key: Key) -> None:
        """Whoever waits for one Pod isn't bothered with others; a Subnet may matter to all who wait."""
        if kind is Pod:
            for woken in self._waiting.get(key, ()):
                woken.set()
        elif kind in (Subnet, Node):
            self.wake()

    def wake(self) -> None:
        """Whoever waits looks again: something that isn't on the board has changed."""
        for waiting in self._waiting.values():
            for woken in waiting:
                woken.set()


def _is_named(kind: type) -> bool:
    return FIELDS[kind] in ("nodes", "subnets", "vpcs", "provider_networks", "vlans")
