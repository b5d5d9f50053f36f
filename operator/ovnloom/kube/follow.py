"""Objects of one kind as they are and as they change: a list, then a watch, for ever.

For those who need a part of a kind: kopf, which the controller's watches run in, can't ask for a node's Pods alone.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any
from urllib.parse import urlencode

import aiohttp
from yarl import URL

from ovnloom import log
from ovnloom.api.meta import Key, key_of
from ovnloom.errors import Unavailable
from ovnloom.kube import kind
from ovnloom.kube.client import Client, session
from ovnloom.kube.failures import Expired, NoAnswer, NotFound, failure
from ovnloom.kube.kind import Resource

logger = log.get("watch")

Body = dict[str, Any]
FIRST_PAUSE, LONGEST_PAUSE = 0.2, 5.0
"""Seconds between two tries while the API server is away: from the first, doubling, to this."""
UNSERVED_SECONDS = 15.0
"""How often a kind that isn't served is asked for."""
SILENT_SECONDS = 180.0
"""A watch gets a bookmark every minute, so three silent ones mean that the connection is dead."""
WATCH_SECONDS = (300, 600)


class _Gap(Exception):
    """The server doesn't know any more what happened since: list again."""


async def follow(
    client: Client,
    resource: Resource,
    listed: Callable[[list[Body]], None],
    changed: Callable[[Key, Body | None], None],
    *,
    namespace: str = "",
    fields: str = "",
) -> None:
    """Calls `listed` with all that there is, then `changed` for each change, until cancelled.

    After a gap it lists again. An API server that is away is waited for; a kind that isn't served counts as empty.
    Raises Refused when we have no right to ask.
    """
    pause = FIRST_PAUSE
    is_told = False
    async with session(client.access, None, 0) as channel:
        version = ""
        while True:
            try:
                if not version:
                    page = await client.list(resource, namespace, fields=fields)
                    listed(page.items)
                    version = page.resource_version
                async for event in _watch(client, channel, resource, version, namespace, fields):
                    pause, is_told = FIRST_PAUSE, False
                    body = event["object"]
                    version = body["metadata"]["resourceVersion"]
                    if event["type"] != "BOOKMARK":
                        changed(key_of(body), None if event["type"] == "DELETED" else body)
            except (_Gap, Expired):
                version = ""
            except NotFound:
                listed([])
                version = ""
                await asyncio.sleep(UNSERVED_SECONDS)
            except Unavailable as problem:
                if not is_told:
                    logger.warning("watch waits for the API server", kind=resource.plural, reason=str(problem))
                is_told = True
                await asyncio.sleep(pause * random.uniform(0.8, 1.3))
                pause = min(pause * 2, LONGEST_PAUSE)


async def _watch(
    client: Client, channel: aiohttp.ClientSession, resource: Resource, version: str, namespace: str, fields: str
) -> AsyncIterator[Mapping[str, Any]]:
    """The events since a version; ends when the server ends the watch. Raises Unavailable, Refused, _Gap."""
    query = {
        "watch": "true",
        "resourceVersion": version,
        "allowWatchBookmarks": "true",
        "timeoutSeconds": str(random.randint(*WATCH_SECONDS)),
    }
    where = f"{kind.path(resource, namespace)}?{urlencode({**query, **({'fieldSelector': fields} if fields else {})})}"
    timeout = aiohttp.ClientTimeout(total=None, sock_connect=5.0, sock_read=SILENT_SECONDS)
    address = URL(client.access.server + where, encoded=True)
    try:
        async with channel.get(address, timeout=timeout, server_hostname=client.access.server_name) as answer:
            if answer.status >= 300:
                raise failure(f"watch {where}", answer.status, await answer.read())
            pending = b""
            async for piece in answer.content.iter_any():
                *lines, pending = (pending + piece).split(b"\n")
                for line in filter(None, lines):
                    event = json.loads(line)
                    if event["type"] == "ERROR":
                        if event["object"].get("code") == 410:
                            raise _Gap
                        raise NoAnswer(f"watch {where}: {event['object'].get('message')}")
                    yield event
    except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as problem:
        raise NoAnswer(f"watch {where}: {str(problem) or type(problem).__name__}") from problem
