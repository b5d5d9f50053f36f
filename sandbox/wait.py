"""Waiting for something to become true, by asking it."""

import time
from collections.abc import Callable
from typing import TypeVar

from sandbox.errors import NotReadyError
from sandbox.server import Server

Answer = TypeVar("Answer")

FIRST_PAUSE = 0.01
LONGEST_PAUSE = 0.2


def until(ask: Callable[[], Answer], what: str, seconds: float = 30.0) -> Answer:
    """The first answer of `ask` that is true.

    The pauses between the questions grow from 10 ms to 200 ms: quick answers are seen at once, slow ones not disturbed.
    Raises NotReadyError, with `what` and the last answer, when `seconds` have passed.
    """
    deadline = time.monotonic() + seconds
    pause = FIRST_PAUSE
    while not (answer := ask()):
        if time.monotonic() > deadline:
            raise NotReadyError(f"still waiting after {seconds:.0f} s for {what}; the last answer was {answer!r}")
        time.sleep(pause)
        pause = min(pause * 1.5, LONGEST_PAUSE)
    return answer


def until_ready(server: Server, ready: Callable[[], bool], seconds: float = 60.0) -> None:
    """The server answers `ready`; one that ended meanwhile is told at once, with the end of its log."""

    def answers() -> bool:
        if not server.alive:
            raise NotReadyError(f"{server.name} ended while it was starting; the end of {server.log}:\n{server.tail()}")
        return ready()

    try:
        until(answers, f"{server.name} to be ready", seconds)
    except NotReadyError as late:
        if not server.alive:
            raise
        raise NotReadyError(f"{late}\nthe end of {server.log}:\n{server.tail()}") from None
