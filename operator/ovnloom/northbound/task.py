"""Something to do for the thread that owns the connection."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any


class Task:
    """Done once, or cancelled before it began: never both, so what was given up can't happen later unnoticed."""

    def __init__(self, act: Callable[[Any], None]) -> None:
        self.act = act
        self._guard = threading.Lock()
        self._begun = False
        self._cancelled = False
        self._done = threading.Event()

    def begin(self) -> bool:
        """Whether it may be done; from now on it can't be cancelled."""
        with self._guard:
            self._begun = True
            return not self._cancelled

    def cancel(self) -> bool:
        """Whether it will never be done; False when it has begun."""
        with self._guard:
            self._cancelled = not self._begun
            return self._cancelled

    def finish(self) -> None:
        """Who waits goes on."""
        self._done.set()

    def wait(self, seconds: float | None) -> bool:
        """Whether it is finished, at the latest after so many seconds."""
        return self._done.wait(seconds)
