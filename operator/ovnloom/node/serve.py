"""The socket on which the CNI plugin asks."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from http import HTTPStatus
from pathlib import Path
from time import perf_counter
from typing import Any

from aiohttp import web

from ovnloom import log, metrics
from ovnloom.errors import Refused, Unavailable
from ovnloom.node.add import Adding
from ovnloom.node.check import Checking, Wrong
from ovnloom.node.delete import Deleting
from ovnloom.node.request import BadRequest, Request, attachments, parse
from ovnloom.node.status import Status
from ovnloom.node.work import Work
from ovnloom.ovn import names

logger = log.get("cni")

MOST_BYTES = 4 * 1024 * 1024
"""Of a request; a GC names every attachment of the host."""
LOOK_SECONDS = 5.0
"""How often the socket's file is looked for: there is no event for it where inotify instances are used up."""


class Socket:
    """The routes of the socket."""

    def __init__(
        self,
        node: str,
        adding: Adding,
        deleting: Deleting,
        checking: Checking,
        work: Work,
        unready: Callable[[], Awaitable[str]],
        status: Status,
    ) -> None:
        """`unready` says why no Pod can be served now; it is empty when Pods can be."""
        self._node = node
        self._adding = adding
        self._deleting = deleting
        self._checking = checking
        self._work = work
        self._unready = unready
        self._report = status

    def application(self) -> web.Application:
        found = web.Application(middlewares=[self._told], client_max_size=MOST_BYTES)
        found.add_routes(
            [
                web.post("/api/v1/add", self._add),
                web.post("/api/v1/del", self._delete),
                web.post("/api/v1/check", self._check),
                web.post("/api/v1/gc", self._keep),
                web.get("/api/v1/status", self._status),
                web.get("/api/v1/report", self._tell),
            ]
        )
        return found

    async def _add(self, asked: web.Request) -> web.StreamResponse:
        request = Request.parse(await asked.read())
        return web.json_response(await self._work.alone(request.attachment, lambda: self._adding.add(request)))

    async def _delete(self, asked: web.Request) -> web.StreamResponse:
        request = Request.parse(await asked.read())
        if request.is_ovn:
            await self._work.alone(request.attachment, lambda: self._deleting.delete(request))
        return web.Response(status=HTTPStatus.NO_CONTENT)

    async def _check(self, asked: web.Request) -> web.StreamResponse:
        await self._checking.check(Request.parse(await asked.read()))
        return web.Response(status=HTTPStatus.NO_CONTENT)

    async def _keep(self, asked: web.Request) -> web.StreamResponse:
        body = parse(await asked.read())
        provider = body.get("provider") or names.DEFAULT_PROVIDER
        await self._deleting.keep(attachments(body), str(provider))
        return web.Response(status=HTTPStatus.NO_CONTENT)

    async def _status(self, _: web.Request) -> web.StreamResponse:
        why = await self._unready()
        if why:
            return _failed(HTTPStatus.SERVICE_UNAVAILABLE, why)
        return web.json_response({"ready": True})

    async def _tell(self, _: web.Request) -> web.StreamResponse:
        """For `ovnloom node status`."""
        return web.json_response([line.encode() for line in await self._report.lines()])

    @web.middleware
    async def _told(
        self, request: web.Request, handler: Callable[..., Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        """Every failure is an answer with a sentence, and every request is counted."""
        started = perf_counter()
        try:
            found = await handler(request)
        except web.HTTPException as problem:
            found = _failed(problem.status, f"{request.path}: {problem.reason}")
        except BadRequest as problem:
            found = _failed(HTTPStatus.BAD_REQUEST, problem.reason)
        except Wrong as problem:
            found = _failed(HTTPStatus.CONFLICT, problem.reason)
        except Unavailable as problem:
            found = _failed(HTTPStatus.SERVICE_UNAVAILABLE, str(problem))
        except Refused as problem:
            found = _failed(HTTPStatus.INTERNAL_SERVER_ERROR, problem.reason)
        except Exception as bug:
            logger.exception("request failed", path=request.path)
            found = _failed(
                HTTPStatus.INTERNAL_SERVER_ERROR, f"{type(bug).__name__}: {bug}; see the log of this node's agent"
            )
        seconds = perf_counter() - started
        metrics.cni_latency.labels(self._node, request.path, str(found.status)).observe(seconds)
        return found


def _failed(status: int, why: str) -> web.Response:
    return web.json_response({"error": why}, status=status)


@asynccontextmanager
async def serving(socket: Socket, path: str) -> AsyncIterator[None]:
    """The socket is there and answers, for as long as the context lasts; a file that vanishes is made again."""
    runner = web.AppRunner(
        socket.application(), handle_signals=False, access_log=None, shutdown_timeout=1.0, keepalive_timeout=15.0
    )
    await runner.setup()
    watching: asyncio.Task[None] | None = None
    try:
        await _bind(runner, path)
        watching = asyncio.create_task(_keep_bound(runner, path))
        yield
    finally:
        if watching is not None:
            watching.cancel()
        await runner.cleanup()
        _remove(path)


async def _bind(runner: web.AppRunner, path: str) -> None:
    """Only root may ask. What an agent left that was killed is replaced in one step."""
    where = Path(path)
    where.parent.mkdir(parents=True, exist_ok=True)
    fresh = where.with_name(f".{where.name}.{os.getpid()}")
    fresh.unlink(missing_ok=True)
    site = web.UnixSite(runner, str(fresh))
    await site.start()
    fresh.chmod(0o600)
    fresh.rename(where)


async def _keep_bound(runner: web.AppRunner, path: str) -> None:
    mine: Any = _identity(path)
    while True:
        await asyncio.sleep(LOOK_SECONDS)
        if _identity(path) == mine:
            continue
        logger.warning("the socket's file was gone and is made again", path=path)
        for site in tuple(runner.sites):
            await site.stop()
        try:
            await _bind(runner, path)
        except OSError as problem:
            logger.error("the socket can't be made", path=path, reason=str(problem))  # noqa: TRY400 # no bug
        mine = _identity(path)


def _remove(path: str) -> None:
    Path(path).unlink(missing_ok=True)


def _identity(path: str) -> tuple[int, int] | None:
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino
