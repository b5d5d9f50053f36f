"""Locks between runs of Python, so that two of them don't build or start the same thing."""

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def locked(path: Path, tell: Callable[[str], None] = lambda _: None, *, remove: bool = False) -> Iterator[None]:
    """Nobody else is in a block with the same path. When somebody is, this is told before it waits.

    With `remove` the file is gone afterwards; whoever waited for it meanwhile starts over with a new one.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    while True:
        descriptor = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                tell("another run is at it; waiting for that")
                fcntl.flock(descriptor, fcntl.LOCK_EX)
            if not _same(descriptor, path):
                continue
            try:
                yield
            finally:
                if remove:
                    path.unlink(missing_ok=True)
            return
        finally:
            os.close(descriptor)


def _same(descriptor: int, path: Path) -> bool:
    try:
        return os.fstat(descriptor).st_ino == path.stat().st_ino
    except FileNotFoundError:
        return False
