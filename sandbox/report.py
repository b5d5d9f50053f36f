"""Telling a person what is going on while it takes time."""

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

from rich.console import Console

# Where there is no terminal to redraw a line on, a long step gets a new line this often, in seconds.
LINE_EVERY = 10.0

Tell = Callable[[str], None]


class Report(Protocol):
    """Where the steps of a longer task are shown."""

    def step(self, what: str) -> AbstractContextManager[Tell]:
        """`what` goes on inside the block; what the block tells stands behind it."""

    def say(self, what: str) -> None:
        """Something that a person wants to know and that takes no time itself."""


class Quiet:
    """Nothing is shown: for tests."""

    @contextmanager
    def step(self, what: str) -> Iterator[Tell]:  # noqa: ARG002  the protocol's
        yield lambda _: None

    def say(self, what: str) -> None:
        pass


class Shown:
    """A spinner on a terminal, lines elsewhere; each finished step keeps a line with its time."""

    def __init__(self, console: Console) -> None:
        self._console = console

    @contextmanager
    def step(self, what: str) -> Iterator[Tell]:
        started = time.monotonic()
        with self._spinner(what, started) if self._console.is_terminal else self._lines(what, started) as tell:
            yield tell
        seconds = time.monotonic() - started
        self._console.print(f"[green]✓[/] {what} [dim]{seconds:.1f} s[/]", highlight=False, soft_wrap=True)

    def say(self, what: str) -> None:
        self._console.print(f"  {what}", highlight=False, soft_wrap=True)

    @contextmanager
    def _spinner(self, what: str, started: float) -> Iterator[Tell]:
        with self._console.status(what) as status:
            yield lambda detail: status.update(f"{what} [dim]{_clock(started)} {detail}[/]")

    @contextmanager
    def _lines(self, what: str, started: float) -> Iterator[Tell]:
        last = started

        def tell(detail: str) -> None:
            nonlocal last
            if time.monotonic() - last >= LINE_EVERY:
                last = time.monotonic()
                self._console.print(f"  {what}: {_clock(started)} {detail}", highlight=False, soft_wrap=True)

        yield tell


def _clock(started: float) -> str:
    minutes, seconds = divmod(int(time.monotonic() - started), 60)
    return f"{minutes}:{seconds:02}"
