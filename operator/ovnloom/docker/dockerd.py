"""What dockerd says of itself, over its own API."""

from __future__ import annotations

import json
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
    connector = aiohttp.UnixConnector(address.removeprefix("unix://"))
    timeout = aiohttp.ClientTimeout(total=SECONDS)
    try:
        async with aiohttp.ClientSession(connector=connector, timeout=timeout) as session:
            filters = quote(json.dumps({"driver": [words.DRIVER]}))
            networks = [str(each["Id"]) for each in await _get(session, f"/networks?filters={filters}")]
            found: list[dict[str, Any]] = []
            for network in networks:
                found += (await _get(session, f"/networks/{network}"))["Containers"].values()
            return Known(
                frozenset(networks),
                frozenset(str(each["EndpointID"]) for each in found),
                frozenset(str(each["MacAddress"]).lower() for each in found),
            )
    except (aiohttp.ClientError, OSError, TimeoutError, ValueError, KeyError, TypeError, AttributeError) as problem:
        raise Unavailable(f"Docker's API at {address} can't be asked: {problem!r}") from problem


async def _get(session: aiohttp.ClientSession, path: str) -> Any:
    async with session.get(f"http://docker{path}") as answer:
        if answer.status != 200:
            raise ValueError(f"{path}: status {answer.status}")
        return await answer.json()
