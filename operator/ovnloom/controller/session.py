"""The HTTP session through which kopf asks the API server.

kopf decides when to list and to watch, and goes on after every loss. What comes is read here, straight into the inbox.
Of a list kopf gets an empty one with the version to watch from: that tells what kopf doesn't, that a list is complete
and what is missing from it. Of a watch it gets bookmarks in place of events: an event that goes through kopf is a task,
two timers and a call with twenty arguments, 1.3 ms of CPU for the three events of a Pod where reading them costs 0.3.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from time import monotonic
from types import TracebackType
from typing import Any, Self

import aiohttp

from ovnloom import log
from ovnloom.controller.census import Census
from ovnloom.errors import Refused, Unavailable
from ovnloom.kube import kind
from ovnloom.kube.client import METAS, Client, session
from ovnloom.kube.kind import Kind
from ovnloom.world.tables import Table

logger = log.get("watch")

CRDS = Kind("apiextensions.k8s.io", "v1", "customresourcedefinitions", "CustomResourceDefinition", False)
EVENTS = frozenset({"ADDED", "MODIFIED", "DELETED"})
BOOKMARK = b'{"type":"BOOKMARK","object":{"metadata":{"resourceVersion":"%s"}}}\n'
REST_SECONDS = 0.5
"""Least time between two starts of one watch, for a server that accepts it and hangs up."""


class Answer:
    """An empty list, in the shape in which kopf reads answers."""

    status = 200
    closed = True

    def __init__(self, version: str) -> None:
        self._body = {"metadata": {"resourceVersion": version}, "items": []}

    async def json(self) -> Mapping[str, Any]:
        return self._body

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return


class Stream:
    """The answer to a watch: what happened to objects goes to the census, kopf gets the rest.

    After each piece of it a bookmark follows, by which kopf knows where to go on when the connection is lost.
    """

    def __init__(self, answer: aiohttp.ClientResponse, table: Table, census: Census) -> None:
        self._answer = answer
        self._table = table
        self._census = census
        self.status = answer.status
        self.content = self

    async def iter_chunked(self, size: int) -> AsyncIterator[bytes]:
        """The lines for kopf. Raises what aiohttp raises."""
        pending = b""
        async for piece in self._answer.content.iter_chunked(size):
            *lines, pending = (pending + piece).split(b"\n")
            version = ""
            for line in filter(None, lines):
                event = json.loads(line)
                if event["type"] in EVENTS:
                    self._observe(event)
                    version = event["object"]["metadata"]["resourceVersion"]
                else:
                    yield line + b"\n"
            if version:
                yield BOOKMARK % version.encode()

    def _observe(self, event: Mapping[str, Any]) -> None:
        try:
            self._census.observe(self._table, event["type"], event["object"])
        except Exception:  # a bug of ours with one object must not end the watch of all
            logger.exception("unexpected failure with an event", kind=self._table.kind)

    def close(self) -> None:
        self._answer.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self._answer.release()


class Session:
    """What kopf uses of an aiohttp session."""

    def __init__(self, client: Client, census: Census) -> None:
        self._client = client
        self._census = census
        self._tables = {kind.path(table): table for table in census.tables}
        # As many connections as there are watches, each for as long as the server likes.
        self._plain = session(client.access, None, 0)
        self._started: dict[str, float] = {}
        self._waiting: set[str] = set()
        self.headers = self._plain.headers

    @property
    def closed(self) -> bool:
        return self._plain.closed

    async def close(self) -> None:
        await self._plain.close()

    async def request(self, method: str, url: str, **options: Any) -> Any:
        """The answer. Raises what aiohttp raises; kopf tries again for ever."""
        where, _, query = url.removeprefix(self._client.access.server).partition("?")
        is_watch = "watch=true" in query
        try:
            if method == "get" and not is_watch:
                answer = await self._list(where)
                if answer is not None:
                    return answer
            if is_watch:
                await self._rest(where)
            found = await self._plain.request(method, url, **options)
        except Unavailable as problem:
            self._tell(where, str(problem))
            raise aiohttp.ClientConnectionError(str(problem)) from problem
        except (aiohttp.ClientError, TimeoutError) as problem:
            self._tell(where, str(problem) or type(problem).__name__)
            raise
        if found.status >= 500 or found.status in (403, 429):
            self._tell(where, f"status {found.status}")
        else:
            self._back(where)
        if is_watch and where in self._tables and found.status == 200:
            return Stream(found, self._tables[where], self._census)
        return found

    async def _list(self, where: str) -> Answer | None:
        """Our answer to a list; None when the server itself should give it."""
        table = self._tables.get(where)
        if table is not None:
            return await self._list_table(where, table)
        if where == kind.path(CRDS):  # kopf ignores what the list says, and all CRDs together can be 30 MB
            return await self._list_nothing(CRDS)
        return None

    async def _list_table(self, where: str, table: Table) -> Answer | None:
        try:
            version = await self._census.list(table, self._client)
        except Refused:
            return None  # kopf asks again and finds out itself
        self._back(where)
        return Answer(version)

    async def _list_nothing(self, resource: Kind) -> Answer | None:
        try:
            async for page in self._client.pages(resource, accept=METAS):
                return Answer(page.resource_version)
        except Refused:
            pass
        return None

    async def _rest(self, where: str) -> None:
        left = self._started.get(where, 0.0) + REST_SECONDS - monotonic()
        if left > 0:
            await asyncio.sleep(left)
        self._started[where] = monotonic()

    def _tell(self, where: str, reason: str) -> None:
        """The log has the beginning and the end of an outage, however many tries and watches it has."""
        if not self._waiting:
            logger.warning("watches wait for the API server", reason=reason)
        self._waiting.add(where)

    def _back(self, where: str) -> None:
        if self._waiting:
            self._waiting.discard(where)
            if not self._waiting:
                logger.info("watches are back")
