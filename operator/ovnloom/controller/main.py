"""`ovnloom controller`: the process around the engine."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import uuid
from contextlib import suppress

from ovnloom import log, metrics
from ovnloom.api.meta import Key
from ovnloom.controller import bootstrap, garbage
from ovnloom.controller.census import Census
from ovnloom.controller.engine import Engine
from ovnloom.controller.external_gateway import follow_external_gateways
from ovnloom.controller.inbox import Inbox
from ovnloom.controller.serve import Check, Status, serving
from ovnloom.controller.watch import run_watches
from ovnloom.errors import Refused, Unavailable
from ovnloom.kube.client import Client
from ovnloom.kube.lease import Lease
from ovnloom.northbound.connection import Connection, use_certificates
from ovnloom.settings import Settings
from ovnloom.world.tables import TABLES

logger = log.get("controller")

LOCK = "ovnloom"
"""Name of the database lock; OVSDB takes letters, digits and `_` only (RFC 7047, 3.1 `<id>`)."""
STUCK_SECONDS = 60.0
"""A leader that could not write for so long lets somebody else try."""
BOOTSTRAP_PAUSE = 2.0
LISTING_SECONDS = 30.0
"""How long a start may take before the interpreter looks for cycles as ever: an API server may be away for hours."""
SPARE_CONNECTIONS = 8
"""For the Lease, reads and Events, beside those of the queued writes: a burst must not keep the Lease from renewal."""


def run(settings: Settings) -> int:
    """Runs until SIGTERM or SIGINT; the exit code is 0 then, and 1 when it can't start."""
    log.setup(settings.log_form, settings.log_level)
    try:
        bootstrap.check(settings)
    except bootstrap.Unusable as wrong:
        logger.error("can't start", reason=str(wrong))  # noqa: TRY400 # a user's mistake needs no traceback
        return 1
    garbage.seldom()
    try:
        asyncio.run(_run(settings))
    except (Refused, Unavailable) as wrong:
        logger.error("can't start", reason=str(wrong))  # noqa: TRY400 # a user's mistake needs no traceback
        return 1
    return 0


async def _run(settings: Settings) -> None:
    loop = asyncio.get_running_loop()
    wake, stop = asyncio.Event(), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    if settings.ovn_private_key:
        use_certificates(settings.ovn_private_key, settings.ovn_certificate, settings.ovn_ca_certificate)
    connections = settings.kube_writes + SPARE_CONNECTIONS
    client = await Client.open(settings.kubeconfig, settings.kube_timeout, connections)

    def wake_up() -> None:
        loop.call_soon_threadsafe(wake.set)

    nb = Connection(settings.ovn_nb, wake_up, timeout=settings.ovn_timeout)
    inbox = Inbox(wake)
    census = Census(TABLES, inbox)
    identity = settings.identity or f"{socket.gethostname()}_{os.getpid()}_{uuid.uuid4().hex[:8]}"
    lease = Lease(client, Key(settings.lease, settings.namespace), identity, settings.lease_seconds)
    engine = Engine(settings, client, nb, inbox, census, wake, lambda: lease.is_held)
    nb.start()
    try:
        async with (
            serving(settings.listen, lambda: status(engine, census, nb, lease)) as address,
            asyncio.TaskGroup() as group,
        ):
            logger.info("serving", address=address, identity=identity)
            tasks = [
                group.create_task(work, name=name)
                for name, work in (
                    ("watch", run_watches(client, census)),
                    ("watch-config", follow_external_gateways(client, inbox)),
                    ("engine", engine.run()),
                    ("writer", engine.writer.run()),
                    ("events", engine.events.run()),
                    ("lease", _elect(settings, client, census, engine, nb, lease)),
                    ("guard", _guard(nb, lease)),
                )
            ]
            await stop.wait()
            logger.info("stopping")
            engine.halt()
            nb.release_lock()
            for task in tasks:
                task.cancel()
            await lease.give_up()
    finally:
        nb.stop()
        await client.close()


async def _elect(
    settings: Settings, client: Client, census: Census, engine: Engine, nb: Connection, lease: Lease
) -> None:
    """The engine leads while we hold the Lease; the database's lock follows the Lease."""
    with garbage.postponed(), suppress(TimeoutError):
        async with asyncio.timeout(LISTING_SECONDS):
            await census.complete.wait()
    await census.complete.wait()
    starting: list[asyncio.Task[None]] = []

    def on_gain() -> None:
        metrics.is_leader.set(1)
        nb.take_lock(LOCK)
        starting.append(asyncio.create_task(_begin(settings, client, engine)))

    def on_loss() -> None:
        metrics.is_leader.set(0)
        while starting:
            starting.pop().cancel()
        nb.release_lock()
        engine.stand_by()

    await lease.run(on_gain, on_loss)


async def _begin(settings: Settings, client: Client, engine: Engine) -> None:
    """The default objects are there; then the engine acts."""
    while True:
        try:
            await bootstrap.bootstrap(client, engine.pipeline.world, settings)
        except (Unavailable, Refused) as problem:
            logger.warning("default objects not there yet", reason=str(problem))
            await asyncio.sleep(BOOTSTRAP_PAUSE)
        else:
            break
    engine.lead()


async def _guard(nb: Connection, lease: Lease) -> None:
    """A leader that can't write the northbound database gives its Lease up, so that another replica can try."""
    loop = asyncio.get_running_loop()
    good = loop.time()
    while True:
        await asyncio.sleep(1.0)
        if not lease.is_held or nb.has_lock:
            good = loop.time()
        elif loop.time() - good > STUCK_SECONDS:
            logger.error("the northbound database can't be written; somebody else may try", state=nb.state)
            await lease.give_up()
            good = loop.time()


def status(engine: Engine, census: Census, nb: Connection, lease: Lease) -> Status:
    """Ready: the world is complete, and a leader's last plan was written; a standby is ready to take over."""
    missing = ", ".join(table.plural for table in census.missing)
    is_connected = nb.state in ("synced", "locked")
    checks = [
        Check("process", is_ok=True, is_vital=True),
        Check("world", census.complete.is_set(), f"not listed yet: {missing}" if missing else ""),
        Check("northbound", is_connected, f"the connection is {nb.state}"),
    ]
    if lease.is_held:
        checks.append(Check("lock", nb.has_lock, "" if nb.has_lock else "the database's lock is somebody else's"))
        checks.append(Check("written", engine.is_in_step, "" if engine.is_in_step else "the last plan isn't written"))
    else:
        checks.append(Check("standby", is_ok=True, why=f"the leader is {lease.holder or 'not known yet'}"))
    return Status(tuple(checks))
