"""/metrics, /livez and /readyz of the agent."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from aiohttp import web
from prometheus_client import REGISTRY
from prometheus_client.exposition import choose_encoder

from ovnloom.node.counters import show_traffic
from ovnloom.web.listening import listening

Why = Callable[[], Awaitable[str]]
"""What is wrong; empty when all is right."""


@asynccontextmanager
async def pages(listen: str, unhealthy: Why, unready: Why) -> AsyncIterator[str]:
    """The pages are served while the context lasts, at the address that it gives. Raises Refused."""

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
    wrong = f"OVNLOOM_NODE_LISTEN {listen!r} is no address; write it as :10665 (all hosts) or [::1]:10665"
    async with listening(application, listen, wrong, "set OVNLOOM_NODE_LISTEN to another") as (host, port):
        yield f"{host}:{port}"


def _answer(why: str) -> web.Response:
    return web.Response(text=f"{why or 'ok'}\n", status=503 if why else 200)
