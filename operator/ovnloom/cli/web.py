"""`ovnloom web`: from a cluster, or from files, to a page that shows them."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from ovnloom import log
from ovnloom.cli.start import Against, choose, start
from ovnloom.cli.web_ask import Questions
from ovnloom.cli.wrong import Wrong
from ovnloom.errors import Refused, Unavailable
from ovnloom.kube.client import Client
from ovnloom.northbound.connection import Connection, use_certificates
from ovnloom.pipeline import Pipeline
from ovnloom.settings import WebSettings
from ovnloom.web.feed import Feed
from ovnloom.web.items import PORT
from ovnloom.web.live import Live
from ovnloom.web.picture import Picture
from ovnloom.web.server import serving
from ovnloom.world import defaults

UNIX = "unix:"


def run(
    files: Sequence[str], settings: WebSettings, *, recursive: bool, namespace: str, say: Callable[[str], None]
) -> int:
    """The page is served until SIGTERM or SIGINT; `say` is told where. The answer is the exit code. Raises Wrong."""
    log.setup("text", settings.log_level)
    try:
        defaults.check(settings)
    except defaults.Unusable as wrong:
        raise Wrong(f"{wrong} (settings come from OVNLOOM_… variables)") from wrong
    try:
        if files:
            asyncio.run(_serve_files(files, settings, recursive=recursive, namespace=namespace, say=say))
        else:
            asyncio.run(_serve_cluster(settings, say))
    except* (Refused, Unavailable) as problems:
        raise Wrong(*map(str, problems.exceptions)) from None
    return 0


async def _serve_files(
    files: Sequence[str], settings: WebSettings, *, recursive: bool, namespace: str, say: Callable[[str], None]
) -> None:
    begun = start(files, Against("empty", False), settings, recursive=recursive, namespace=namespace, with_rows=False)
    begun.scenario.apply(begun.manifests.given)
    outlook = begun.scenario.outlook
    outlook.settle()
    live = Live(Picture(outlook.pipeline, outlook.problems()), ", ".join(files))
    live.show()
    async with serving(settings.web_listen, live, Questions(outlook.pipeline, lambda: 0), _hosts(settings)) as where:
        say(where)
        await _told_to_stop().wait()


async def _serve_cluster(settings: WebSettings, say: Callable[[str], None]) -> None:
    if not choose("", settings).has_cluster:
        raise Wrong("there is neither a file nor a cluster; name a file by -f FILE, or a cluster by --kubeconfig")
    stop, wake = _told_to_stop(), asyncio.Event()
    pipeline = Pipeline(settings)
    async with (
        await Client.open(settings.kubeconfig, settings.kube_timeout, settings.kube_writes) as client,
        _northbound(settings, wake) as nb,
    ):
        feed = Feed(wake, nb)
        live = Live(Picture(pipeline), client.access.server, feed, wake, nb)
        questions = Questions(pipeline, lambda: live.version)
        async with (
            serving(settings.web_listen, live, questions, _hosts(settings)) as where,
            asyncio.TaskGroup() as group,
        ):
            say(where)
            tasks = [group.create_task(feed.run(client)), group.create_task(live.run())]
            await stop.wait()
            for task in tasks:
                task.cancel()


@asynccontextmanager
async def _northbound(settings: WebSettings, wake: asyncio.Event) -> AsyncIterator[Connection | None]:
    """The database, where one is named or has its socket at the usual place; else ports are neither up nor down."""
    if not _has_database(settings):
        yield None
        return
    if settings.ovn_private_key:
        use_certificates(settings.ovn_private_key, settings.ovn_certificate, settings.ovn_ca_certificate)
    loop = asyncio.get_running_loop()
    nb = Connection(settings.ovn_nb, lambda: _wake(loop, wake), timeout=settings.ovn_timeout, reported=[(PORT, "up")])
    nb.start()
    try:
        yield nb
    finally:
        await asyncio.to_thread(nb.stop)


def _has_database(settings: WebSettings) -> bool:
    return "ovn_nb" in settings.model_fields_set or Path(settings.ovn_nb.removeprefix(UNIX)).exists()


def _wake(loop: asyncio.AbstractEventLoop, wake: asyncio.Event) -> None:
    """From the connection's thread, which may outlive the loop by a moment."""
    if not loop.is_closed():
        loop.call_soon_threadsafe(wake.set)


def _hosts(settings: WebSettings) -> list[str]:
    return [host for word in settings.web_hosts.split(",") if (host := word.strip())]


def _told_to_stop() -> asyncio.Event:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    return stop
