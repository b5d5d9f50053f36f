"""Working in the network namespace of a container, from a thread of this process.

A namespace belongs to a thread, so nobody else notices. pyroute2's own way is a child process for each socket: slower,
and a fork in a program with threads.
"""

from __future__ import annotations

import asyncio
import ctypes
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import NamedTuple, ParamSpec, TypeVar

from ovnloom.errors import Refused

CLONE_NEWNET = 0x40000000
THREADS = 8
"""Netlink calls that may be under way at once; each holds the kernel's own lock anyway."""

P = ParamSpec("P")
T = TypeVar("T")

_libc = ctypes.CDLL(None, use_errno=True)
_pool = ThreadPoolExecutor(THREADS, thread_name_prefix="host")


class NetnsGone(Refused):
    """There is no network namespace at a path."""


class Netns(NamedTuple):
    """An open network namespace: it stays as long as it is open, whatever becomes of its path."""

    path: str
    descriptor: int


@contextmanager
def opened(path: str) -> Iterator[Netns]:
    """The namespace at a path. Raises NetnsGone."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as problem:
        raise NetnsGone(f"network namespace {path} can't be opened: {problem.strerror}") from problem
    try:
        yield Netns(path, descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def inside(netns: Netns) -> Iterator[None]:
    """This thread's sockets, and what it sees below /proc/sys/net, are the namespace's. Raises NetnsGone."""
    own = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    try:
        if _setns(netns.descriptor):
            reason = os.strerror(ctypes.get_errno())
            raise NetnsGone(f"{netns.path} is no network namespace that can be entered: {reason}")
        try:
            yield
        finally:
            if _setns(own):
                os.abort()  # to go on would change the network of a container in place of the host's
    finally:
        os.close(own)


def _setns(descriptor: int) -> int:
    answer: int = _libc.setns(descriptor, CLONE_NEWNET)
    return answer


async def in_thread(act: Callable[P, T], *args: P.args, **options: P.kwargs) -> T:
    """What `act` answers, called in a thread. Who is cancelled waits for its end: nothing happens behind his back."""
    loop = asyncio.get_running_loop()
    future = loop.run_in_executor(_pool, lambda: act(*args, **options))
    try:
        return await asyncio.shield(future)
    except asyncio.CancelledError:
        await asyncio.wait([future])
        if not future.cancelled():
            future.exception()
        raise
