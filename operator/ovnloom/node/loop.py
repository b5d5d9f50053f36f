"""Each part runs in a task of its own: called when something changed, again when it failed, never twice at a time."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from time import perf_counter

from ovnloom import log, metrics
from ovnloom.api.meta import Key
from ovnloom.errors import Refused, Unavailable
from ovnloom.node.board import Board
from ovnloom.node.part import Following, Part

logger = log.get("node")

FIRST_PAUSE = 0.5
LONGEST_PAUSE = 30.0
"""Seconds until a part that failed is called again: from the first, doubling, to this."""


class Turn:
    """One part and how it is."""

    def __init__(self, part: Part, board: Board, news: Sequence[Callable[[], None]] = ()) -> None:
        """`news` are called when the part becomes right for the first time."""
        self.part = part
        self._news = news
        self.problem: str | None = "not done yet"
        """What is wrong now; None when this host has what the part wants."""
        self.is_done = False
        """It converged at least once."""
        self._board = board
        self._woken = asyncio.Event()
        self._woken.set()
        board.follow(self._hear)

    def wake(self) -> None:
        """The part is called again soon; several calls before that are one."""
        self._woken.set()

    def _hear(self, kind: type, _: Key | None) -> None:
        if kind in self.part.wakes:
            self._woken.set()

    async def run(self) -> None:
        """Converges for ever, until cancelled."""
        await self._board.complete.wait()
        pause: float | None = None
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._woken.wait(), pause)
            self._woken.clear()
            pause = self._later(pause) if await self._is_to_repeat() else None

    @staticmethod
    def _later(pause: float | None) -> float:
        return FIRST_PAUSE if pause is None else min(pause * 2, LONGEST_PAUSE)

    async def _is_to_repeat(self) -> bool:
        started = perf_counter()
        outcome = "failed"
        try:
            await self.part.converge(self._board.view)
        except Unavailable as problem:
            outcome = "unavailable"
            self._tell(str(problem))
            return True
        except Refused as refused:
            outcome = "refused"
            self._tell(refused.reason)
            return False
        except Exception as bug:
            logger.exception("part failed", part=self.part.name)
            self.problem = f"{type(bug).__name__}: {bug}"
            return True
        else:
            outcome = "done"
            if self.problem is not None:
                logger.info("part is as it should be", part=self.part.name)
            self.problem = None
            if not self.is_done:
                self.is_done = True
                for tell in self._news:
                    tell()
            return False
        finally:
            metrics.part_seconds.labels(self.part.name, outcome).observe(perf_counter() - started)
            metrics.part_failing.labels(self.part.name).set(self.problem is not None)

    def _tell(self, problem: str) -> None:
        if problem != self.problem:
            logger.warning("part isn't as it should be", part=self.part.name, reason=problem)
        self.problem = problem


class Loop:
    """All parts."""

    def __init__(self, parts: Sequence[Part], board: Board, news: Sequence[Callable[[], None]] = ()) -> None:
        self.turns = tuple(Turn(part, board, news) for part in parts)

    @property
    def waits_for(self) -> str:
        """Why no Pod can get a network yet, as far as parts know; empty when nothing is in the way."""
        return "; ".join(
            f"{turn.part.name}: {turn.problem}" for turn in self.turns if turn.part.is_vital and not turn.is_done
        )

    async def run(self) -> None:
        """Every part converges, for ever, until cancelled."""
        async with asyncio.TaskGroup() as group:
            for turn in self.turns:
                group.create_task(turn.run(), name=f"part-{turn.part.name}")
                if isinstance(turn.part, Following):
                    group.create_task(turn.part.follow(turn.wake), name=f"follow-{turn.part.name}")
