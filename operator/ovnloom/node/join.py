"""ovn0: this host's own port in the default Vpc, and what the cluster is told of it."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from time import monotonic

from ovnloom import log
from ovnloom.api.meta import EMPTY
from ovnloom.api.node import Node
from ovnloom.errors import Refused, Unavailable
from ovnloom.host.echo import answers
from ovnloom.host.internal_port import InternalPort, connect, furnish, problem
from ovnloom.host.netlink_events import events
from ovnloom.host.nics import mtu_of
from ovnloom.host.ovs_rows import Rows
from ovnloom.host.ports import PORT_NAME, disconnect
from ovnloom.host.qos import limit
from ovnloom.host.wire import Limits
from ovnloom.node.availability import Availability
from ovnloom.node.joined import LINK, Joined, joined
from ovnloom.node.limits import limits
from ovnloom.node.networks import PREFIX
from ovnloom.node.part import Means
from ovnloom.node.remembered import Remembered
from ovnloom.node.view import View

logger = log.get("join")

PROBE_SECONDS, AGAIN_SECONDS = 5.0, 1.0
"""How often the gateway is asked, and how soon again when it didn't answer: nobody tells when a router goes silent."""
ANSWER_SECONDS = 1.0
"""How long it may take to answer: it is on this host."""
MOST_SILENCES = 5
"""Questions in a row without an answer until the node counts as cut off."""
RATES = frozenset({"ingress_rate", "egress_rate", "ingress_burst", "egress_burst"})
"""Annotations of a Node that limit its own port, in Mbit/s, as those of a Pod do."""
RESTART_SECONDS = 1.0
"""How long ovn0 may be away before it counts as deleted: a restarted ovs-vswitchd makes it anew by itself."""


class Join:
    """The part: this host has its port, its addresses and its router; the Node says whether that answers."""

    name = "join"
    wakes: frozenset[type] = frozenset({Node})
    is_vital = True

    def __init__(self, means: Means) -> None:
        self._means = means
        self._availability = Availability(means.client)
        self._joined: Joined | None = None
        self._node: Node | None = None
        self._done = Remembered()
        self._missed_at: float | None = None
        """When the interface was found to be missing, by the monotonic clock; None while it is there."""

    async def converge(self, view: View) -> None:
        """ovn0 is as the Node's annotations say, and the router answers. What is right isn't touched.

        Raises Unavailable with what is missing, and Refused for rates that can't be read, when all else is done.
        """
        self._node = view.node
        size = self._means.findings.pod_mtu
        join = joined(view.node).within(size)
        facts, moment = ((), (view.node, size)), self._done.moment
        if self._done.is_same(*facts):
            return
        port = wanted(join, size)
        bridge = self._means.settings.integration_bridge
        rates, misread = _rates(view.node)

        def change(rows: Rows) -> bool:
            is_news = connect(rows, bridge, port)
            if rates is not None:
                limit(rows, port.name, rates, {PORT_NAME: join.port, "node": view.name})
            return is_news

        if await self._means.ovs.edit(change):
            logger.info("port set", interface=port.name, bridge=bridge, mtu=port.mtu)
        wrong = await self._means.ovs.read(lambda rows: problem(rows, port.name))
        if wrong:
            raise Unavailable(f"Open vSwitch can't make {port.name}: {wrong}")
        if await mtu_of(port.name) is None:
            await self._miss(bridge)
        self._missed_at = None
        if await furnish(port):
            logger.info("interface set", interface=port.name, addresses=port.addresses, mtu=port.mtu)
        self._joined = join
        silent = await silent_gateways(join)
        await self._availability.say(view.node, silent)
        if silent:
            raise Unavailable(
                f"gateway {silent[0]} of the join Subnet doesn't answer on {LINK}; see whether ovn-controller runs"
            )
        if misread is not None:
            raise misread
        self._done.keep(moment, *facts)

    async def _miss(self, bridge: str) -> None:
        """Raises Unavailable: there is no interface. Where Open vSwitch has made it before, its port is made anew.

        Open vSwitch doesn't notice that somebody deleted an interface; in userspace that can be done.
        """
        self._missed_at = self._missed_at or monotonic()
        is_late = monotonic() - self._missed_at > RESTART_SECONDS
        if is_late and await self._means.ovs.edit(partial(_undo, bridge=bridge)):
            logger.warning("somebody deleted the interface; its port is made anew", interface=LINK)
        raise Unavailable(f"interface {LINK} isn't there; Open vSwitch has to make it")

    async def follow(self, wake: Callable[[], None]) -> None:
        """Whoever changes ovn0 wakes the part, and so do a changed MTU and a silent router.

        OVN may be away for a while: ovn0 and what runs over it stay, and the socket for Pods does, too.
        """

        def look() -> None:
            self._done.forget()
            wake()

        self._means.findings.followers.append(wake)
        async with asyncio.TaskGroup() as group:
            group.create_task(self._follow_host(look))
            group.create_task(self._means.ovs.follow(_row, look))
            group.create_task(self._probe(look))

    async def _follow_host(self, wake: Callable[[], None]) -> None:
        async for event in events():
            if event.kind == "unknown" or LINK in (event.name, _name(event.index)):
                wake()

    async def _probe(self, wake: Callable[[], None]) -> None:
        silences = 0
        while True:
            await asyncio.sleep(AGAIN_SECONDS if silences else PROBE_SECONDS)
            if self._joined is None:
                continue
            silent = await silent_gateways(self._joined)
            silences = silences + 1 if silent else 0
            if silent and silences < MOST_SILENCES:
                continue
            with suppress(Unavailable, Refused):  # the next probe tells it; converge says what is refused
                if await self._availability.say(self._node, silent):
                    wake()


def _rates(node: Node | None) -> tuple[Limits | None, Refused | None]:
    """How much the host may send to Pods and get from them; None, with the reason, leaves it as it is."""
    said = node.annotations if node else EMPTY
    try:
        return limits(PREFIX, lambda word: said.get(PREFIX + word, "") if word in RATES else ""), None
    except Refused as misread:
        return None, misread


def wanted(join: Joined, pod_mtu: int) -> InternalPort:
    """The port from what the controller has given. Raises Unavailable until the MTU is known."""
    if not pod_mtu:
        raise Unavailable("the MTU of tunnels isn't known yet; see the part encap")
    ids = {PORT_NAME: join.port, "ip": join.addresses.text, "vendor": "kube-ovn"}
    return InternalPort(LINK, join.mac, pod_mtu, join.with_lengths, ids)


async def silent_gateways(join: Joined) -> tuple[str, ...]:
    """The addresses of the router that don't answer in time."""
    found = [gateway for family in join.addresses.families if (gateway := join.gateway(family)) is not None]
    heard = await asyncio.gather(*(answers(each, LINK, ANSWER_SECONDS) for each in found))
    return tuple(each for each, is_heard in zip(found, heard, strict=True) if not is_heard)


def _undo(rows: Rows, bridge: str) -> bool:
    """The port is gone, if Open vSwitch took it for one that works.

    In a transaction of its own: Open vSwitch loses a port that goes and comes in one.
    """
    found = rows.find("Interface", LINK)
    return found is not None and bool(found.ofport) and found.ofport[0] > 0 and disconnect(rows, bridge, LINK)


def _row(rows: Rows) -> object:
    """What is looked at of ovn0's row; it is made anew by vswitchd when the device is."""
    found = rows.find("Interface", LINK)
    if found is None:
        return None
    columns = (found.mac, found.mtu_request, found.error, found.ofport)
    return str(found.uuid), found.type, dict(found.external_ids), tuple(map(tuple, columns))


def _name(index: int) -> str:
    try:
        return socket.if_indextoname(index) if index else ""
    except OSError:
        return ""


def join(means: Means) -> Join:
    """The part."""
    return Join(means)
