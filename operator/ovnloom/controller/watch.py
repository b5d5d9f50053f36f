"""The watches: every event of every table goes into the inbox, for as long as the process lives."""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, cast

from ovnloom import log
from ovnloom.controller.census import Census
from ovnloom.controller.framework import Forgetful, kopf, quiet, settings
from ovnloom.controller.session import Session
from ovnloom.errors import Refused, Unavailable
from ovnloom.kube.client import Client
from ovnloom.world.tables import Table

logger = log.get("watch")

FIRST_PAUSE = 1.0
LONGEST_PAUSE = 30.0
"""Seconds between two starts of kopf when it ends by itself: from the first, doubling, to this."""
AWAY_PAUSE = 2.0
LOGIN_PAUSE = 5.0
EARLY_SECONDS = 15.0
CHECK_SECONDS = 300.0
"""How soon after a start, and then how often, the census is held against the cluster. Kinds that weren't served are
asked for each `EARLY_SECONDS`."""

IDENTITY: Any = "ovnloom"
"""kopf would make one of the user's name, which the user of a container needn't have. A Lease says who leads."""


def watch(table: Table, census: Census, registry: kopf.OperatorRegistry) -> None:
    """Hand every event of one kind to the engine.

    kopf watches what has a handler. Our session reads the events off the watch itself and hands them over in the same
    way; this is for those that come through kopf all the same. The census reads an event's type once; from there on
    existence is the value: an object or None.
    """

    @kopf.on.event(table.group, table.version, table.plural, id=f"watch-{table.plural}", registry=registry)
    async def on_event(event: kopf.RawEvent, **_: Any) -> None:
        census.observe(table, event["type"], event["object"])


async def run_watches(client: Client, census: Census) -> None:
    """Whatever happens in the cluster arrives in the inbox, until cancelled; an API server that is away is waited for.

    Kinds that the cluster does not serve are watched as soon as it does.
    """
    quiet()
    pause = FIRST_PAUSE
    while True:
        started = asyncio.get_running_loop().time()
        try:
            unserved = await _find_absent(client, census)
            async with asyncio.TaskGroup() as group:
                group.create_task(_run_kopf(client, census))
                group.create_task(_check(client, census, unserved))
        except* (Ended, Unavailable, Refused) as ended:
            logger.warning("watches start again", reason="; ".join(str(each) for each in ended.exceptions))
        lasted = asyncio.get_running_loop().time() - started
        pause = FIRST_PAUSE if lasted > LONGEST_PAUSE else min(pause * 2, LONGEST_PAUSE)
        await asyncio.sleep(pause)


class Ended(Exception):
    """kopf does not watch any more, or not all that it should."""


async def _find_absent(client: Client, census: Census) -> list[Table]:
    """The tables that aren't served now; the census knows them, and one that we can't do without is in the log.

    Waits for an API server that is away, as everything after it does.
    """
    is_told = False
    while True:
        try:
            unserved = await _unserved(client, census.tables)
            break
        except Unavailable as problem:
            if not is_told:
                logger.warning("watches wait for the API server", reason=str(problem))
            is_told = True
            await asyncio.sleep(AWAY_PAUSE)
    for table in unserved:
        if table.is_optional:
            census.absent(table)
        else:
            logger.error(
                "kind is not served; install its CustomResourceDefinition (crds/)", kind=table.kind, group=table.group
            )
    return unserved


async def _unserved(client: Client, tables: Sequence[Table]) -> list[Table]:
    groups = {(table.group, table.version) for table in tables}
    served = {group: await client.discover(*group) for group in groups}
    return [table for table in tables if table.plural not in served[table.group, table.version]]


async def _run_kopf(client: Client, census: Census) -> None:
    """Runs kopf in this loop, as guest: it takes no signals, and when it ends it ends its own tasks only."""
    registry = kopf.OperatorRegistry()
    for table in census.tables:
        watch(table, census, registry)
    sessions: list[Session] = []
    _login(client, census, registry, sessions)
    with _signals_kept():
        tasks = await kopf.spawn_tasks(
            registry=registry,
            settings=settings(),
            memories=Forgetful(),
            standalone=True,
            clusterwide=True,
            identity=IDENTITY,
        )
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for session in sessions:
            await session.close()
    problems = [str(task.exception() or task.get_name()) for task in done if not task.cancelled()]
    raise Ended(f"kopf ended: {'; '.join(problems)}")


def _login(client: Client, census: Census, registry: kopf.OperatorRegistry, sessions: list[Session]) -> None:
    """kopf uses a session of ours, and a new one when the server didn't know us: by then we have a fresh token."""

    @kopf.on.login(registry=registry, id="session")
    async def login(**_: Any) -> kopf.AiohttpSession:
        if sessions:
            await asyncio.sleep(LOGIN_PAUSE)
        sessions.append(Session(client, census))
        return kopf.AiohttpSession(server=client.access.server, aiohttp_session=cast(Any, sessions[-1]))


@contextmanager
def _signals_kept() -> Iterator[None]:
    """kopf would take SIGTERM and SIGINT from the program that it is a guest of; there is no setting against it."""
    loop = asyncio.get_running_loop()
    loop.add_signal_handler = lambda *_: None  # type: ignore[method-assign]
    try:
        yield
    finally:
        del loop.add_signal_handler


async def _check(client: Client, census: Census, unserved: Sequence[Table]) -> None:
    """What the watches miss is found within minutes. Raises Ended when a kind has come that kopf doesn't watch.

    kopf looks for the kind when its definition changes for the last time, which may be before the API server serves it.
    """
    loop = asyncio.get_running_loop()
    checked, late = -CHECK_SECONDS, set[str]()
    while True:
        await asyncio.sleep(EARLY_SECONDS)
        try:
            missing = await _unserved(client, unserved)
            come = {table.plural for table in unserved if table not in missing and not census.is_listed(table)}
            if come & late:
                raise Ended(f"{', '.join(sorted(come & late))} are served now and not watched")
            late = come
            if loop.time() < checked + CHECK_SECONDS:
                continue
            checked = loop.time()
            for table in census.tables:
                if census.is_listed(table) and table not in missing:
                    await census.check(table, client)
        except (Unavailable, Refused) as problem:
            logger.info("check of the watches put off", reason=str(problem))
