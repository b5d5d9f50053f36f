"""A node agent that does what a test tells it to, behind a real unix socket, and remembers what it was asked."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Any

from aiohttp import web

ADDED = {
    "ips": [{"protocol": "IPv4", "ip": "10.16.0.5", "cidr": "10.16.0.0/16", "gateway": "10.16.0.1"}],
    "mac_address": "00:00:00:aa:bb:cc",
    "mtu": 1400,
    "nicname": "eth0",
    "routes": [{"gw": "10.16.0.1"}],
}


@dataclass(slots=True)
class Agent:
    """By default all goes well. What is set in `says` for a path is answered there instead."""

    socket: Path
    asked: list[tuple[str, Any]] = field(default_factory=list)
    says: dict[str, tuple[int, Any]] = field(default_factory=dict)
    does: Callable[[str, Any], None] = lambda _path, _body: None

    async def answer(self, request: web.Request) -> web.Response:
        """One answer, remembered with what was asked."""
        path = request.path.removeprefix("/api/v1/")
        body = await request.json() if request.can_read_body else None
        self.asked.append((path, body))
        # Not in the loop's thread: it may enter a network namespace, and pyroute2 runs a loop of its own.
        await asyncio.to_thread(self.does, path, body)
        status, said = self.says.get(path, DEFAULTS[path])
        if isinstance(said, str):
            return web.Response(status=status, text=said)
        return web.Response(status=status) if said is None else web.json_response(said, status=status)


DEFAULTS: dict[str, tuple[int, Any]] = {
    "add": (HTTPStatus.OK, ADDED),
    "del": (HTTPStatus.NO_CONTENT, None),
    "check": (HTTPStatus.NO_CONTENT, None),
    "gc": (HTTPStatus.NO_CONTENT, None),
    "status": (HTTPStatus.OK, {"ready": True}),
}


@asynccontextmanager
async def serving(socket: Path) -> AsyncIterator[Agent]:
    """The agent listens at the socket meanwhile."""
    agent = Agent(socket)
    application = web.Application()
    application.router.add_route("*", "/api/v1/{verb}", agent.answer)
    runner = web.AppRunner(application)
    await runner.setup()
    try:
        await web.UnixSite(runner, str(socket)).start()
        yield agent
    finally:
        await runner.cleanup()


def network(socket: Path, version: str = "1.1.0", **more: Any) -> dict[str, Any]:
    """The configuration of the default network."""
    return {"cniVersion": version, "name": "kube-ovn", "type": "kube-ovn", "server_socket": str(socket), **more}


def text(network: dict[str, Any]) -> bytes:
    """A configuration as a runtime hands it over."""
    return json.dumps(network).encode()
