"""Which objects there are: so that a start knows when it has seen all, and a gap in a watch hides no deletion.

Everything that enters the inbox passes here. A list is read in full before it counts; what was known and isn't in it is
gone, though no event said so. Versions decide between a list and events that cross it.
"""

import asyncio
from collections.abc import Iterable, Mapping
from typing import Any

from ovnloom import log, metrics
from ovnloom.api.meta import Key
from ovnloom.controller.inbox import Inbox
from ovnloom.errors import Unavailable
from ovnloom.kube.client import Client
from ovnloom.kube.failures import Expired, NotFound
from ovnloom.world.made import Made
from ovnloom.world.tables import Table

logger = log.get("census")

LISTS = 2
"""Lists that are read at the same time: each holds one page in memory."""
SETTLE_SECONDS = 10.0
"""How long an event may be under way before it counts as missed."""


class Census:
    """The keys of all objects, by table, with the version that was seen last."""

    def __init__(self, tables: Iterable[Table], inbox: Inbox) -> None:
        self.complete = asyncio.Event()
        """Set once every table has been listed, or turned out not to be served by this cluster; it stays set."""
        self.tables = tuple(tables)
        self._inbox = inbox
        self._known: dict[type, dict[Key, int]] = {table.type: {} for table in self.tables}
        self._listed: dict[type, int] = {}
        self._absent: set[type] = set()
        self._reading = asyncio.Semaphore(LISTS)

    @property
    def missing(self) -> tuple[Table, ...]:
        """Tables that have not been listed yet, those that aren't served left out."""
        return tuple(table for table in self.tables if not self._is_settled(table))

    def is_listed(self, table: Table) -> bool:
        return table.type in self._listed

    def observe(self, table: Table, event: str | None, body: Mapping[str, Any]) -> None:
        """One event of a watch is in the inbox, unless it is older than what is known."""
        version = _number(body["metadata"].get("resourceVersion"))
        if version and version <= self._listed.get(table.type, 0):
            return  # it crossed the list, which showed what came of it
        if event == "DELETED":
            key = table.key(body)
            self._known[table.type].pop(key, None)
            self._inbox.put(table, key, None)
        else:
            self._put(table, version, body)

    def _put(self, table: Table, version: int, body: Mapping[str, Any]) -> Key:
        found = table.decode(body)
        key: Key = found.key
        self._known[table.type][key] = version
        self._inbox.put(table, key, found, made=Made.decode(table.kind, body))
        return key

    async def list(self, table: Table, client: Client) -> str:
        """Everything of a kind is in the inbox, and what is gone is there as gone; the version to watch from.

        Raises Unavailable or Refused; what was read until then is in the inbox and does no harm.
        """
        async with self._reading:
            while True:
                try:
                    return await self._list(table, client)
                except Expired:
                    continue

    async def _list(self, table: Table, client: Client) -> str:
        unseen = set(self._known[table.type])
        version = ""
        async for page in client.pages(table):
            version = page.resource_version
            for body in page.items:
                unseen.discard(self._put(table, _number(body["metadata"].get("resourceVersion")), body))
            page.items.clear()
        for key in unseen:
            del self._known[table.type][key]
            self._inbox.put(table, key, None, was_seen=False)
        is_first = table.type not in self._listed
        self._listed[table.type] = _number(version)
        self._absent.discard(table.type)
        count = len(self._known[table.type])
        if is_first:
            logger.info("listed", kind=table.kind, objects=count)
        else:
            logger.info("listed again after a gap in the watch", kind=table.kind, objects=count, gone=len(unseen))
        self._settle()
        return version

    def absent(self, table: Table) -> None:
        """The cluster does not serve this kind: there is nothing to wait for, until it is listed some day."""
        if table.type not in self._listed:
            self._absent.add(table.type)
            self._settle()

    def _is_settled(self, table: Table) -> bool:
        return table.type in self._listed or table.type in self._absent

    def _settle(self) -> None:
        if not self.complete.is_set() and not self.missing:
            self.complete.set()
            metrics.world_complete.set(1)
            logger.info("world complete", objects=sum(map(len, self._known.values())))

    async def check(self, table: Table, client: Client, settle: float = SETTLE_SECONDS) -> int:
        """The watch of a kind has missed nothing; what it had missed is in the inbox now, and counted in the answer.

        Costs one list of metadata, page by page, which the API server serves from its cache.
        """
        differing = await self._differing(table, client)
        if not differing:
            return 0
        await asyncio.sleep(settle)
        before = {key: self._known[table.type].get(key) for key in differing}
        differing &= await self._differing(table, client)
        missed = sorted(key for key in differing if self._known[table.type].get(key) == before[key])
        for key in missed:
            await self._ask(table, client, key)
        if missed:
            logger.warning("watch missed events", kind=table.kind, objects=len(missed), first=str(missed[0]))
        return len(missed)

    async def _differing(self, table: Table, client: Client) -> set[Key]:
        keys = await client.list_keys(table)
        known = self._known[table.type]
        as_of = _number(keys.resource_version)
        stale = {key for key, found in keys.found.items() if known.get(key, -1) < _number(found.resource_version)}
        return stale | {key for key, version in known.items() if key not in keys.found and version <= as_of}

    async def _ask(self, table: Table, client: Client, key: Key) -> None:
        try:
            body = await client.get(table, key)
        except NotFound:
            self._known[table.type].pop(key, None)
            self._inbox.put(table, key, None, was_seen=False)
        except Unavailable:
            return  # the next check finds it again
        else:
            self._put(table, _number(body["metadata"].get("resourceVersion")), body)


def _number(version: Any) -> int:
    """Resource versions of one kind are numbers that grow; 0 for a server whose versions aren't."""
    return int(version) if isinstance(version, str) and version.isdecimal() else 0
