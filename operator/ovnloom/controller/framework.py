"""kopf, tuned to do the least: read watches and call one handler for each event.

Imported here and nowhere else, without the client library that it would otherwise import in order to log in by it: that
is 0.7 s and 19 MB of every start.
"""

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def _without_client_library() -> Iterator[None]:
    """`import kubernetes` fails, as it does where that is not installed; who imports it later gets it."""
    if "kubernetes" in sys.modules:
        yield
        return
    sys.modules["kubernetes"] = None  # type: ignore[assignment]  # the documented way to make an import fail
    try:
        yield
    finally:
        del sys.modules["kubernetes"]


with _without_client_library():
    import kopf
    from kopf._core.reactor.inventory import ResourceMemories, ResourceMemory

__all__ = ["Forgetful", "kopf", "quiet", "settings"]

CONNECT_SECONDS = 5.0
REQUEST_SECONDS = 20.0
INACTIVE_SECONDS = 180.0
"""A watch gets a bookmark every minute, so three silent ones mean that the connection is dead."""
IDLE_SECONDS = 0.1
"""How long the task of an object waits for its next event; the default of 5 s keeps thousands of them in memory."""


class _NoDiff(kopf.DiffBaseStorage):
    """Nothing is compared with what was before, and nothing is stored on users' objects."""

    def build(self, **_: Any) -> Any:
        return {}

    def fetch(self, **_: Any) -> None:
        return None

    def store(self, **_: Any) -> None:
        return None


class _NoProgress(kopf.ProgressStorage):
    """Handlers of events have no progress to remember."""

    def fetch(self, **_: Any) -> None:
        return None

    def store(self, **_: Any) -> None:
        return None

    def purge(self, **_: Any) -> None:
        return None

    def touch(self, **_: Any) -> None:
        return None

    def clear(self, *, essence: Any) -> Any:
        return essence


class Forgetful(ResourceMemories):
    """Keeps nothing per object, where kopf would keep 2 KB for each for as long as it lives."""

    async def recall(self, *_: Any, memobase: Any = None, **__: Any) -> Any:
        return ResourceMemory(memo=memobase)


class _ForEver:
    """Pauses between tries of a request, growing, without an end: an API server may be away for hours."""

    def __iter__(self) -> Iterator[float]:
        yield from (0.2, 0.5, 1.0, 2.0)
        while True:
            yield 3.0


def settings() -> kopf.OperatorSettings:
    """Settings with which an event costs the least, and nothing that the API server does ends the watches."""
    found = kopf.OperatorSettings()
    found.posting.enabled = False
    found.process.ultimate_exiting_timeout = None  # it would kill the whole process ten minutes after a restart of kopf
    found.persistence.diffbase_storage = _NoDiff()
    found.persistence.progress_storage = _NoProgress()
    found.queueing.idle_timeout = IDLE_SECONDS
    found.networking.connect_timeout = CONNECT_SECONDS
    found.networking.request_timeout = REQUEST_SECONDS
    found.networking.error_backoffs = _ForEver()
    found.watching.initial_streaming = False  # lists are read by our session
    found.watching.inactivity_timeout = INACTIVE_SECONDS
    return found


def quiet() -> None:
    """kopf's log has what is broken and needs somebody; outages are told once, by our session."""
    logging.getLogger("kopf").setLevel(logging.ERROR)
    logging.getLogger("kopf._cogs.clients").setLevel(logging.CRITICAL)
