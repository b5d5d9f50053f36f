"""Pages at an address that a setting names: for the topology page, and for the metrics of controller and agent."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

from ovnloom.errors import Refused


@asynccontextmanager
async def listening(
    application: web.Application, listen: str, wrong: str, other: str, shutdown_seconds: float = 1.0
) -> AsyncIterator[tuple[str, int]]:
    """The application is served while the context lasts, at the host and port that it gives (what port 0 became).

    Raises Refused: with `wrong` when `listen` is no address; with `other`, which says where to name another one, when
    somebody else has it.
    """
    host, port = address(listen, wrong)
    runner = web.AppRunner(application, handle_signals=False, access_log=None, shutdown_timeout=shutdown_seconds)
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, host or None, port).start()
        except OSError as problem:
            raise Refused(f"can't listen on {listen}: {problem.strerror}; {other}") from problem
        bound = runner.addresses[0]
        yield bound[0], bound[1]
    finally:
        await runner.cleanup()


def address(listen: str, wrong: str) -> tuple[str, int]:
    """Host and port of `host:port`, `:port` (all hosts) or `[IPv6]:port`. Raises Refused with `wrong`."""
    host, colon, port = listen.rpartition(":")
    if not colon or not port.isdecimal() or int(port) > 65535:
        raise Refused(wrong)
    return host.removeprefix("[").removesuffix("]"), int(port)
