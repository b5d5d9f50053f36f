"""One agent a host: two would take each other's ports for leftovers."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ovnloom.errors import Refused


@contextmanager
def alone(path: str) -> Iterator[None]:
    """No other agent works on this host. The kernel takes the lock back from one that was killed. Raises Refused."""
    where = Path(path)
    try:
        where.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(where, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as problem:
        raise Refused(f"OVNLOOM_NODE_LOCK {path} can't be opened: {problem.strerror}") from problem
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            other = os.read(descriptor, 32).decode(errors="replace").strip() or "?"
            raise Refused(f"another agent serves this host (process {other} has {path}); end it first") from None
        os.ftruncate(descriptor, 0)
        os.write(descriptor, f"{os.getpid()}\n".encode())
        yield
    finally:
        os.close(descriptor)
