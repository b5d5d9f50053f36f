"""Writes that will happen: queued by what they write to, repeated until the API server has answered.

Of several wanted values for one object only the latest is written. One object is never written twice at a time, so that
an old value can't land after a new one.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from ovnloom import log
from ovnloom.errors import Refused, Unavailable
from ovnloom.kube.failures import NoAnswer

logger = log.get("writer")

FIRST_PAUSE = 0.2
LONGEST_PAUSE = 30.0
"""Seconds between two tries for an object that the server answers with 5xx: it doubles from the first to this."""
LONGEST_OUTAGE_PAUSE = 3.0
"""The same while the server can't be reached at all: a few connections, so that its return is noticed soon."""

K = TypeVar("K", bound=Hashable)

Write = Callable[[], Awaitable[object]]
"""One try, made when it is its turn: it should ask for what is wanted then. Raises Unavailable or Refused."""


@dataclass(frozen=True, slots=True)
class Outcome(Generic[K]):
    """What came of a write. Neither `refused` nor `failed`: it is written, and `answer` is what the try returned."""

    key: K
    answer: object = None
    refused: Refused | None = None
    """The server said no, and would again."""
    failed: Exception | None = None
    """Our own bug in making the write."""

    @property
    def is_written(self) -> bool:
        return self.refused is None and self.failed is None


Report = Callable[[Outcome[K]], None]


@dataclass(slots=True)
class _Slot(Generic[K]):
    """One object: what is to be written next, and who wants to know."""

    write: Write | None
    reports: list[Report[K]] = field(default_factory=list)
    failures: int = 0


class Writer(Generic[K]):
    """A queue in front of the API server. Nothing that was submitted is lost while the process lives."""

    def __init__(self, workers: int = 32, may_write: Callable[[], bool] = lambda: True) -> None:
        """At most `workers` writes are under way at once.

        `may_write` is asked right before each try, and what may not be written then is forgotten: give it
        `Lease.is_held`, which knows of a freeze before anything else does.
        """
        self._workers = workers
        self._may_write = may_write
        self._slots: dict[K, _Slot[K]] = {}
        self._ready: asyncio.Queue[K] = asyncio.Queue()
        self._outages = 0
        self._away_until = -1.0
        self._idle = asyncio.Event()
        self._idle.set()

    def __len__(self) -> int:
        """Objects whose latest value is not written yet."""
        return len(self._slots)

    def submit(self, key: K, write: Write, report: Report[K] | None = None) -> None:
        """The write happens, unless a later one for the same key takes its place before its turn comes.

        `report` is called once, when the value that was latest at that time has been written or refused: a replaced
        write is reported with the outcome of the one that replaced it.
        """
        self._idle.clear()
        slot = self._slots.get(key)
        if slot is None:
            slot = self._slots[key] = _Slot(write)
            self._ready.put_nowait(key)
        else:
            slot.write = write
        if report is not None:
            slot.reports.append(report)

    def is_waiting(self, key: K) -> bool:
        """Whether something for this object isn't written yet."""
        return key in self._slots

    def forget(self, key: K) -> None:
        """What waits for this object is not written any more (a try that is under way goes on); nobody is told."""
        slot = self._slots.get(key)
        if slot is not None:
            slot.write = None
            slot.reports.clear()

    def forget_all(self) -> None:
        """Nothing that waits is written: we aren't leader any more, and the next one decides for itself."""
        for key in self._slots:
            self.forget(key)

    async def drained(self) -> None:
        """Returns when everything that was submitted has been written or refused."""
        await self._idle.wait()

    async def run(self) -> None:
        """Writes for ever, until cancelled. What is queued stays queued, for a later `run`."""
        async with asyncio.TaskGroup() as group:
            for _ in range(self._workers):
                group.create_task(self._work())

    async def _work(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            key = await self._ready.get()
            slot = self._slots[key]
            try:
                while (wait := self._away_until - loop.time()) > 0:  # noqa: ASYNC110  (time is what is waited for)
                    await asyncio.sleep(wait * random.uniform(1.0, 1.3))
                pause = await self._turn(key, slot)
            except asyncio.CancelledError:
                self._ready.put_nowait(key)
                raise
            if slot.write is None:
                del self._slots[key]
                if not self._slots:
                    self._idle.set()
            elif pause:
                loop.call_later(pause, self._ready.put_nowait, key)
            else:
                self._ready.put_nowait(key)

    async def _turn(self, key: K, slot: _Slot[K]) -> float:
        """One try for one object. Seconds until it may have its next turn, if there is anything left to write."""
        write, reports = slot.write, slot.reports
        slot.write, slot.reports = None, []
        if write is None or not self._may_write():
            return 0.0
        try:
            outcome: Outcome[K] = Outcome(key, await write())
        except asyncio.CancelledError:
            self._put_back(slot, write, reports)
            raise
        except Unavailable as problem:
            self._put_back(slot, write, reports)
            return self._postponed(key, slot, problem)
        except Refused as refused:
            logger.warning("write refused", key=str(key), reason=refused.reason)
            outcome = Outcome(key, refused=refused)
        except Exception as bug:
            logger.exception("write failed", key=str(key))
            outcome = Outcome(key, failed=bug)
        slot.failures = self._outages = 0
        if slot.write is not None:  # newer: who waited for the old value gets the outcome of the new one
            slot.reports[:0] = reports
            return 0.0
        for report in reports:
            self._tell(report, outcome)
        return 0.0

    @staticmethod
    def _tell(report: Report[K], outcome: Outcome[K]) -> None:
        try:
            report(outcome)
        except Exception:
            logger.exception("report of a write failed", key=str(outcome.key))

    @staticmethod
    def _put_back(slot: _Slot[K], write: Write, reports: list[Report[K]]) -> None:
        if slot.write is None:
            slot.write = write
        slot.reports[:0] = reports

    def _postponed(self, key: K, slot: _Slot[K], problem: Unavailable) -> float:
        """How long this object waits; when the server itself is away or asks for patience, all of them wait."""
        slot.failures += 1
        is_answer = isinstance(problem, NoAnswer) and problem.is_answer
        asked = problem.retry_after if isinstance(problem, NoAnswer) else 0.0
        if is_answer and not asked:
            if slot.failures == 1:
                logger.info("write postponed", key=str(key), reason=str(problem))
            return _pause(slot.failures, LONGEST_PAUSE)
        now = asyncio.get_running_loop().time()
        if now >= self._away_until:  # of those that were under way together, the first one counts
            self._outages += 1
            self._away_until = now + max(asked, _pause(self._outages, LONGEST_OUTAGE_PAUSE))
            if self._outages == 1:
                logger.warning("writes wait for the API server", waiting=len(self._slots), reason=str(problem))
        return 0.0


def _pause(failures: int, longest: float) -> float:
    return min(longest, FIRST_PAUSE * 2.0 ** min(failures, 10)) * random.uniform(0.5, 1.0)
