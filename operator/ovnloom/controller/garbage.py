"""When the interpreter looks for cycles of references: hardly ever, and never while a whole cluster comes in.

Nearly all that a controller holds lives as long as its object. A search visits all of it, which was a quarter of the
time of a start, and finds nothing.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

THRESHOLDS = (50_000, 20, 100)
"""Objects that have come since the last search before the youngest are searched, and how many of those searches go
before an older generation's (`gc.set_threshold`)."""


def seldom() -> None:
    """From now on searches are rare."""
    gc.set_threshold(*THRESHOLDS)


@contextmanager
def postponed() -> Iterator[None]:
    """There is no search inside the block, and later ones leave alone what is there at its end."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


def again() -> None:
    """What was left alone is searched again: a world that was given up may have cycles in it."""
    gc.unfreeze()
