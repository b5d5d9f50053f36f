"""/metrics, /livez and /readyz of the agent."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from aiohttp import web
from prometheus_client import REGISTRY
from prometheus_client.exposition import choose_encoder

from ovnloom.errors import Refused
from ovnloom.node.counters import show_traffic

Why = Callable[[], Awaitable[str]]
"""What is wrong; empty when all is right."""


@asynccontextmanager
async def pages(listen: str, unhealthy: Why, unready: Why) -> AsyncIterator[str]:
    """The pages are served while the context lasts, at the address that it gives. Raises Refused."""
    host, colon, port = listen.rpartition(":")
    if not colon or not port.isdecimal() or int(port) > 65535:
        raise Refused(f"OVNLOOM_NODE_LISTEN {listen!r} is no address; write it as :10665 (all hosts) or [::1]:10665")

    async def metrics(request: web.Request) -> web.Response:
        await show_traffic()
        encode, content_type = choose_encoder(request.headers.get("Accept", ""))
        return web.Response(body=encode(REGISTRY), headers={"Content-Type": content_type})

    async def livez(_: web.Request) -> web.Response:
        return _answer(await unhealthy())

    async def readyz(_: web.Request) -> web.Response:
        return _answer(await unready())

    application = web.Application()
    application.add_routes([web.get("/metrics", metrics), web.get("/livez", livez), web.get("/readyz", readyz)])
    runner = web.AppRunner(application, handle_signals=False, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, host.strip("[]") or None, int(port)).start()
        except OSError as problem:
            wrong = f"can't listen on {listen}: {problem.strerror}; set OVNLOOM_NODE_LISTEN to another"
            raise Refused(wrong) from problem
        bound = runner.addresses[0]
        yield f"{bound[0]}:{bound[1]}"
    finally:
        await runner.cleanup()


def _answer(why: str) -> web.Response:
    return web.Response(text=f"{why or 'ok'}\n", status=503 if why else 200)
