"""Events: what a user sees at the end of `kubectl describe`.

Telling costs the caller nothing and waits for nobody. The same thing told again within ten minutes is one Event with a
count. The API server sees at most so many writes a second, and when more is told than it may see, the oldest is
dropped: an Event is a hint, the condition on the object is the truth.
"""

import asyncio
import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from time import monotonic, time_ns
from typing import Any, Literal, NamedTuple

from ovnloom import log
from ovnloom.api.meta import Key
from ovnloom.errors import Refused, Unavailable
from ovnloom.kube.client import Client
from ovnloom.kube.failures import NotFound
from ovnloom.kube.kind import EVENTS

logger = log.get("events")

COMPONENT = "ovnloom"
SAME_SECONDS = 600.0
"""How long a thing told again belongs to the Event that is there."""
PER_SECOND = 10.0
BURST = 25
"""Writes that may happen at once after a quiet time; on average there are `PER_SECOND`."""
REPEAT_SECONDS = 20.0
MOST_WAITING = 1000
MOST_KNOWN = 4000
LONGEST_MESSAGE = 1024
"""Bytes: the API server refuses longer ones."""
LONGEST_NAME = 253 - 17
"""Characters of the object's name in the Event's name: room for a dot and 16 digits."""
LONGEST_PAUSE = 15.0

Type = Literal["Normal", "Warning"]


class About(NamedTuple):
    """The object that an Event is about; with its uid, `kubectl describe` shows the Event."""

    api_version: str
    kind: str
    key: Key
    uid: str = ""


class _Told(NamedTuple):
    about: About
    type: Type
    reason: str
    message: str


@dataclass(slots=True)
class _Event:
    """One Event: as it is on the server, and as it should be."""

    first: str
    last: str
    told_at: float
    count: int = 1
    name: str = ""
    """Empty until it has been created."""
    due: float = 0.0


class Events:
    """The Events of this controller, on their way to the API server."""

    def __init__(self, client: Client, instance: str = "", repeat: float = REPEAT_SECONDS) -> None:
        """`instance` names this replica; `repeat` seconds pass at least between two writes of one Event's count."""
        self.dropped = 0
        """Events that were never written because too many waited."""
        self._client = client
        self._instance = instance or COMPONENT
        self._repeat = repeat
        self._known: dict[_Told, _Event] = {}
        self._waiting: dict[_Told, None] = {}
        self._filled = asyncio.Event()

    def __len__(self) -> int:
        """Events that wait to be written."""
        return len(self._waiting)

    def tell(self, about: About, reason: str, message: str, *, is_warning: bool = True) -> None:
        """There will be an Event that says so. `reason` is CamelCase and never changes, `message` is a sentence."""
        told = _Told(about, "Warning" if is_warning else "Normal", reason, _shortened(message))
        now, stamp = monotonic(), _now()
        event = self._known.pop(told, None)
        if event is None or now - event.told_at > SAME_SECONDS:
            event = _Event(stamp, stamp, now)
        else:
            event.count += 1
            event.last, event.told_at = stamp, now
        self._known[told] = event  # at the end: the first are those that were told longest ago
        self._waiting.setdefault(told)
        self._filled.set()
        self._bound()

    def _bound(self) -> None:
        if len(self._waiting) > MOST_WAITING:
            oldest = next(iter(self._waiting))
            del self._waiting[oldest]
            del self._known[oldest]
            self.dropped += 1
            if self.dropped % MOST_WAITING == 1:
                logger.warning("events dropped", dropped=self.dropped, waiting=len(self._waiting))
        if len(self._known) > MOST_KNOWN:
            forgotten = next((told for told in self._known if told not in self._waiting), None)
            if forgotten is not None:
                del self._known[forgotten]

    async def run(self) -> None:
        """Writes what is told, for ever, until cancelled; an API server that is away is waited for."""
        pauses = _pauses()
        allowed, counted_at = float(BURST), monotonic()
        while True:
            told = await self._next()
            now = monotonic()
            allowed, counted_at = min(BURST, allowed + (now - counted_at) * PER_SECOND), now
            if allowed < 1:
                await asyncio.sleep((1 - allowed) / PER_SECOND)
            allowed -= 1
            event = self._known[told]
            try:
                await self._write(told, event)
            except Unavailable:
                event.due = 0.0
                self._waiting.setdefault(told)
                await asyncio.sleep(next(pauses))
                continue
            except Refused as refused:  # its namespace is going away, or the object's name can't be an Event's
                logger.info("event refused", reason=refused.reason)
            pauses = _pauses()

    async def _next(self) -> _Told:
        """The Event that has waited longest among those that may be written now; it isn't waiting any more."""
        while True:
            await self._filled.wait()
            now = monotonic()
            soonest = self._repeat
            for told in self._waiting:
                wait = self._known[told].due - now
                if wait <= 0:
                    del self._waiting[told]
                    return told
                soonest = min(soonest, wait)
            self._filled.clear()
            if self._waiting:
                self._wake_in(soonest)

    def _wake_in(self, seconds: float) -> None:
        asyncio.get_running_loop().call_later(seconds, self._filled.set)

    async def _write(self, told: _Told, event: _Event) -> None:
        event.due = monotonic() + self._repeat
        where = told.about.key.namespace or "default"
        if event.name:
            body = {"count": event.count, "lastTimestamp": event.last, "message": told.message}
            try:
                await self._client.patch(EVENTS, Key(event.name, where), body)
                return
            except NotFound:  # the API server forgets Events after an hour
                event.name = ""
        name = f"{told.about.key.name[:LONGEST_NAME]}.{time_ns():x}"
        await self._client.create(EVENTS, self._body(told, event, Key(name, where)))
        event.name = name

    def _body(self, told: _Told, event: _Event, key: Key) -> dict[str, Any]:
        about = told.about
        involved = {
            "apiVersion": about.api_version,
            "kind": about.kind,
            "name": about.key.name,
            "namespace": about.key.namespace,
            "uid": about.uid,
        }
        return {
            "apiVersion": EVENTS.api_version,
            "kind": EVENTS.kind,
            "metadata": {"name": key.name, "namespace": key.namespace},
            "involvedObject": {name: value for name, value in involved.items() if value},
            "type": told.type,
            "reason": told.reason,
            "message": told.message,
            "count": event.count,
            "firstTimestamp": event.first,
            "lastTimestamp": event.last,
            "source": {"component": COMPONENT},
            "reportingComponent": COMPONENT,
            "reportingInstance": self._instance,
        }


def _pauses() -> Iterator[float]:
    pause = 0.5
    while True:
        yield pause * random.uniform(0.7, 1.3)
        pause = min(pause * 2, LONGEST_PAUSE)


def _shortened(message: str) -> str:
    encoded = message.encode()
    if len(encoded) <= LONGEST_MESSAGE:
        return message
    return encoded[: LONGEST_MESSAGE - 3].decode(errors="ignore") + "…"


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
