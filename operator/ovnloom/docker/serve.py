"""The socket on which dockerd asks."""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from http import HTTPStatus
from pathlib import Path
from time import perf_counter
from typing import Any

from aiohttp import web

from ovnloom import log
from ovnloom.docker.asked import Asked
from ovnloom.docker.driver import Driver
from ovnloom.docker.ipam import Ipam
from ovnloom.errors import Refused, Unavailable

logger = log.get("docker")

CONTENT = "application/vnd.docker.plugins.v1.1+json"
Call = Callable[[Asked], Awaitable[Mapping[str, Any]]]


async def activate(_: Asked) -> Mapping[str, Any]:
    """What this plugin is."""
    return {"Implements": ["NetworkDriver", "IpamDriver"]}


def calls(driver: Driver, ipam: Ipam) -> Mapping[str, Call]:
    """Every call of the protocol by its path."""
    return {
        "/Plugin.Activate": activate,
        "/NetworkDriver.GetCapabilities": driver.capabilities,
        "/NetworkDriver.CreateNetwork": driver.create_network,
        "/NetworkDriver.DeleteNetwork": driver.delete_network,
        "/NetworkDriver.CreateEndpoint": driver.create_endpoint,
        "/NetworkDriver.EndpointOperInfo": driver.operational,
        "/NetworkDriver.DeleteEndpoint": driver.delete_endpoint,
        "/NetworkDriver.Join": driver.join,
        "/NetworkDriver.Leave": driver.leave,
        "/NetworkDriver.ProgramExternalConnectivity": driver.nothing,
        "/NetworkDriver.RevokeExternalConnectivity": driver.nothing,
        "/NetworkDriver.DiscoverNew": driver.nothing,
        "/NetworkDriver.DiscoverDelete": driver.nothing,
        "/NetworkDriver.AllocateNetwork": driver.swarm,
        "/NetworkDriver.FreeNetwork": driver.nothing,
        "/IpamDriver.GetCapabilities": ipam.capabilities,
        "/IpamDriver.GetDefaultAddressSpaces": ipam.spaces,
        "/IpamDriver.RequestPool": ipam.request_pool,
        "/IpamDriver.ReleasePool": ipam.release_pool,
        "/IpamDriver.RequestAddress": ipam.request_address,
        "/IpamDriver.ReleaseAddress": ipam.release_address,
    }


def application(driver: Driver, ipam: Ipam) -> web.Application:
    """All calls as a web application."""
    found = web.Application()
    for path, call in calls(driver, ipam).items():
        found.router.add_post(path, _answering(path, call))
    return found


def _answering(path: str, call: Call) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def answer(request: web.Request) -> web.Response:
        started = perf_counter()
        status, said = await _answered(path, call, await request.read())
        seconds = round(perf_counter() - started, 4)
        why = said.get("Err", "")
        if why:
            logger.warning("call failed", call=path, reason=why, seconds=seconds)
        else:
            logger.info("call", call=path, seconds=seconds)
        return web.Response(text=json.dumps(said), status=status, content_type=CONTENT)

    return answer


async def _answered(path: str, call: Call, body: bytes) -> tuple[int, Mapping[str, Any]]:
    try:
        return HTTPStatus.OK, await call(Asked.parse(body))
    except Refused as problem:
        return HTTPStatus.BAD_REQUEST, {"Err": problem.reason}
    except Unavailable as problem:
        return HTTPStatus.SERVICE_UNAVAILABLE, {"Err": str(problem)}
    except Exception as bug:
        logger.exception("call failed", call=path)
        why = f"{type(bug).__name__}: {bug}; see the log of ovnloom docker on this host"
        return HTTPStatus.INTERNAL_SERVER_ERROR, {"Err": why}


@asynccontextmanager
async def serving(app: web.Application, path: str) -> AsyncIterator[None]:
    """dockerd finds the socket at this path. What an earlier process left there is replaced in one step."""
    runner = web.AppRunner(app, handle_signals=False, access_log=None)
    await runner.setup()
    where = Path(path)
    fresh = where.with_name(f".{where.name}.{os.getpid()}")
    try:
        where.parent.mkdir(parents=True, exist_ok=True)
        fresh.unlink(missing_ok=True)
        site = web.UnixSite(runner, str(fresh))
        await site.start()
        fresh.chmod(0o600)
        fresh.rename(where)
        yield
    finally:
        await runner.cleanup()
        _remove(where)


def _remove(where: Path) -> None:
    where.unlink(missing_ok=True)
