"""What dockerd says of itself, over its own API."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import aiohttp

from ovnloom.docker import words
from ovnloom.errors import Unavailable

SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Known:
    """The networks of our driver that a dockerd has, and the ids and MACs of the endpoints in them."""

    networks: frozenset[str]
    endpoints: frozenset[str]
    macs: frozenset[str]


async def ask(address: str) -> Known:
    """All of it, from a socket like `unix:///run/docker.sock`. Raises Unavailable unless everything was answered."""
    with _answered(address):
        async with _session(address, SECONDS) as session:
            networks = await _networks(session)
            found = [each for network in networks for each in (await _containers(session, network)).values()]
            return Known(
                frozenset(networks),
                frozenset(str(each["EndpointID"]) for each in found),
                frozenset(str(each["MacAddress"]).lower() for each in found),
            )


async def labels(address: str) -> dict[str, dict[str, str]]:
    """The labels of containers by the endpoints that they have in networks of our driver. Raises Unavailable."""
    with _answered(address):
        async with _session(address, SECONDS) as session:
            known = {str(each["Id"]): each["Labels"] or {} for each in await _get(session, "/containers/json?all=1")}
            found: dict[str, dict[str, str]] = {}
            for network in await _networks(session):
                for container, each in (await _containers(session, network)).items():
                    found[str(each["EndpointID"])] = {str(k): str(v) for k, v in known.get(container, {}).items()}
            return found


async def connections(address: str) -> AsyncIterator[None]:
    """Once at first, then whenever a container was connected to a network. Raises Unavailable when Docker goes."""
    with _answered(address):
        async with _session(address, None) as session:
            filters = quote(json.dumps({"type": ["network"], "event": ["connect"]}))
            async with session.get(f"http://docker/events?filters={filters}") as answer:
                yield
                async for _ in answer.content:
                    yield
    raise Unavailable(f"Docker's API at {address} has ended its events")


async def _networks(session: aiohttp.ClientSession) -> list[str]:
    filters = quote(json.dumps({"driver": [words.DRIVER]}))
    return [str(each["Id"]) for each in await _get(session, f"/networks?filters={filters}")]


async def _containers(session: aiohttp.ClientSession, network: str) -> dict[str, Any]:
    found: dict[str, Any] = (await _get(session, f"/networks/{network}"))["Containers"]
    return found


async def _get(session: aiohttp.ClientSession, path: str) -> Any:
    async with session.get(f"http://docker{path}") as answer:
        if answer.status != 200:
            raise ValueError(f"{path}: status {answer.status}")
        return await answer.json()


def _session(address: str, seconds: float | None) -> aiohttp.ClientSession:
    connector = aiohttp.UnixConnector(address.removeprefix("unix://"))
    return aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(total=seconds))


@contextmanager
def _answered(address: str) -> Iterator[None]:
    try:
        yield
    except (aiohttp.ClientError, OSError, TimeoutError, ValueError, KeyError, TypeError, AttributeError) as problem:
        raise Unavailable(f"Docker's API at {address} can't be asked: {problem!r}") from problem
