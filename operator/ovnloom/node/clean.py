"""`ovnloom node clean`: this host is as if there had never been an agent. Pods that still run lose their network."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from ovnloom import log
from ovnloom.api.meta import Key
from ovnloom.api.node import Node
from ovnloom.errors import Refused, Unavailable
from ovnloom.host import nft_kernel, openings, ports, routes, rules
from ovnloom.host.cable import Cables
from ovnloom.host.netns import in_thread
from ovnloom.host.ovs import OpenVSwitch
from ovnloom.kube.access import Access
from ovnloom.kube.client import Client
from ovnloom.kube.events import Events
from ovnloom.node import sweep
from ovnloom.node.alone import alone
from ovnloom.node.joined import LINK
from ovnloom.node.part import Means
from ovnloom.node.providers import Providers
from ovnloom.node.view import View
from ovnloom.settings import NodeSettings

CONNECT_SECONDS = 5.0
OUR_TABLES = "ovnloom"
"""What the names of our tables of nftables begin with."""
PLUGIN = Path("/opt/cni/bin/kube-ovn")

Step = Callable[[], Coroutine[Any, Any, str]]


def run(settings: NodeSettings, say: Callable[[str], None]) -> int:
    """Says what it removed; 1 when something stays, 0 else. Run again it finds nothing."""
    log.setup("text", "WARNING")
    try:
        with alone(settings.node_lock):
            failures = asyncio.run(_clean(settings, say))
    except Refused as refused:
        say(f"error: {refused.reason}")
        return 1
    Path(settings.node_lock).unlink(missing_ok=True)
    return 1 if failures else 0


async def _clean(settings: NodeSettings, say: Callable[[str], None]) -> int:
    """How many steps failed. One that fails stops no other one."""
    failures = 0
    async for step in _steps(settings):
        try:
            done = await step()
        except (Refused, Unavailable, OSError) as problem:
            failures += 1
            say(f"error: {problem}")
        else:
            if done:
                say(done)
    return failures


async def _steps(settings: NodeSettings) -> AsyncIterator[Step]:
    # First of all: no new Pod is started on a network that goes.
    yield partial(_files, settings)
    yield _tables
    yield _routes
    if not _is_there(settings.ovs_remote):
        return
    ovs = OpenVSwitch(settings.ovs_remote)
    ovs.start()
    try:
        yield partial(_connected, ovs)
        yield partial(_networks, settings, ovs)
        yield partial(_ports, settings, ovs)
    finally:
        ovs.stop()


def _is_there(remote: str) -> bool:
    return not remote.startswith("unix:") or Path(remote.removeprefix("unix:")).exists()


async def _files(settings: NodeSettings) -> str:
    return await in_thread(_remove_files, settings)


def _remove_files(settings: NodeSettings) -> str:
    """Configurations of others stay."""
    gone = [path for path in (PLUGIN, Path(settings.cni_socket)) if path.exists()]
    conf = Path(settings.cni_conf or "/nonexistent")
    with suppress(OSError, ValueError, KeyError, IndexError, TypeError):
        if json.loads(conf.read_text())["plugins"][0]["type"] == "kube-ovn":
            gone.append(conf)
    for path in gone:
        path.unlink(missing_ok=True)
    return f"removed {', '.join(map(str, gone))}" if gone else ""


async def _tables() -> str:
    await openings.unmake()
    tables = [item["table"] for item in await nft_kernel.listing("list", "tables") if "table" in item]
    ours = [table for table in tables if table["name"].startswith(OUR_TABLES)]
    for table in ours:
        await nft_kernel.remove(table["name"], table["family"])
    return f"removed tables {', '.join(table['name'] for table in ours)} of nftables" if ours else ""


async def _routes() -> str:
    there, ways = await rules.ours(), await routes.in_tables(routes.OURS)
    await rules.change((), there)
    await routes.change((), ways)
    return f"removed {len(there)} rules and {len(ways)} routes" if there or ways else ""


async def _connected(ovs: OpenVSwitch) -> str:
    async with asyncio.timeout(CONNECT_SECONDS):
        while not ovs.is_connected:  # noqa: ASYNC110 # a command of a moment: nobody else waits
            await asyncio.sleep(0.05)
    return ""


async def _networks(settings: NodeSettings, ovs: OpenVSwitch) -> str:
    """The part itself gives interfaces their addresses back: this is a node that takes part in no physical network."""
    async with Client(Access("http://nobody.is.asked")) as client:
        means = Means("", settings, client, Events(client), ovs)
        await Providers(means).converge(View("", nodes={"": Node(Key(""))}, complete=True))
    return ""


async def _ports(settings: NodeSettings, ovs: OpenVSwitch) -> str:
    cables = Cables(ovs, settings.integration_bridge, settings.port_timeout)
    found = await ovs.read(sweep.ports)
    for port in found:
        await cables.remove(port.name)
    join = await ovs.edit(partial(ports.disconnect, bridge=settings.integration_bridge, name=LINK))
    words = [*([f"{len(found)} ports of Pods"] if found else []), *([LINK] if join else [])]
    return f"removed {' and '.join(words)}" if words else ""
