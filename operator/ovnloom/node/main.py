"""`ovnloom node`: the process around the parts."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from collections.abc import Callable
from contextlib import suppress

from ovnloom import log
from ovnloom.errors import Refused, Unavailable
from ovnloom.host.cable import Cables
from ovnloom.host.ovs import OpenVSwitch
from ovnloom.kube.client import Client
from ovnloom.kube.events import Events
from ovnloom.node.add import Adding
from ovnloom.node.alone import alone
from ovnloom.node.board import Board
from ovnloom.node.check import Checking
from ovnloom.node.delete import Deleting
from ovnloom.node.events import PodEvents
from ovnloom.node.health import Health
from ovnloom.node.install import Installing
from ovnloom.node.loop import Loop
from ovnloom.node.pages import pages
from ovnloom.node.part import Means, Part
from ovnloom.node.parts import PARTS
from ovnloom.node.providers import resume
from ovnloom.node.quality import Quality
from ovnloom.node.serve import Socket, serving
from ovnloom.node.status import Status
from ovnloom.node.sweep import Sweep
from ovnloom.node.watch import run_watches
from ovnloom.node.work import Work
from ovnloom.settings import NodeSettings

logger = log.get("node")


def run(settings: NodeSettings) -> int:
    """Runs until SIGTERM or SIGINT; the exit code is 0 then, and 1 when it can't start."""
    log.setup(settings.log_form, settings.log_level)
    try:
        with alone(settings.node_lock):
            asyncio.run(_run(settings))
    except (Refused, Unavailable) as wrong:
        logger.error("can't start", reason=str(wrong))  # noqa: TRY400 # a user's mistake needs no traceback
        return 1
    return 0


async def _run(settings: NodeSettings) -> None:
    stop = asyncio.Event()
    running = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        running.add_signal_handler(number, stop.set)
    name = settings.node_name or os.environ.get("NODE_NAME", "") or socket.gethostname().lower()
    async with await Client.open(settings.kubeconfig, settings.kube_timeout) as client:
        ovs = OpenVSwitch(settings.ovs_remote)
        agent = Agent(name, settings, client, ovs)
        ovs.start()
        try:
            living, asked = asyncio.create_task(agent.live()), asyncio.create_task(stop.wait())
            await asyncio.wait([asked, living], return_when=asyncio.FIRST_COMPLETED)
            asked.cancel()
            if living.done():
                living.result()
            logger.info("stopping")
            living.cancel()
            await asyncio.wait([living])
        finally:
            ovs.stop()


class Agent:
    """All that runs on a node."""

    def __init__(self, name: str, settings: NodeSettings, client: Client, ovs: OpenVSwitch) -> None:
        self._settings = settings
        self._client = client
        self._ovs = ovs
        self._board = Board(name)
        self._kube_events = Events(client, name)
        self._work = Work()
        means = Means(name, settings, client, self._kube_events, ovs)
        cables = Cables(ovs, settings.integration_bridge, settings.port_timeout)
        events = PodEvents(self._kube_events)
        parts: list[Part] = [make(means) for make in PARTS]
        parts += [Sweep(means, cables, self._work), Quality(means, events, self._work)]
        news: list[Callable[[], None]] = []
        parts.append(Installing(settings, self._unready, news))
        self._loop = Loop(parts, self._board, news)
        self._health = Health(self._board, ovs, settings.integration_bridge, self._loop)
        self._socket = Socket(
            name,
            Adding(means, self._board, cables, events),
            Deleting(ovs, self._board, cables, events, self._work),
            Checking(ovs, self._board),
            self._work,
            self._unready,
            Status(settings, self._board, ovs, self._loop),
        )
        self._name = name

    async def live(self) -> None:
        """Serves Pods and keeps all parts right, until cancelled. Stopping it touches nothing on the host."""
        where = self._settings.cni_socket
        try:
            async with (
                serving(self._socket, where),
                pages(self._settings.node_listen, self._unhealthy, self._unready) as address,
                asyncio.TaskGroup() as group,
            ):
                logger.info("serving", node=self._name, address=address, socket=where)
                group.create_task(resume(self._ovs), name="resume")
                group.create_task(run_watches(self._client, self._board), name="watches")
                group.create_task(self._kube_events.run(), name="events")
                group.create_task(self._loop.run(), name="parts")
        finally:
            await self._work.end()

    async def _unready(self) -> str:
        return await self._health.unready()

    async def _unhealthy(self) -> str:
        """The plugin can reach us: a socket whose file is gone is no socket."""
        where = self._settings.cni_socket
        try:
            async with asyncio.timeout(2.0):
                _, writer = await asyncio.open_unix_connection(where)
        except (OSError, TimeoutError) as problem:
            return f"socket {where} doesn't answer: {problem}"
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()
        return ""
