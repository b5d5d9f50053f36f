"""A container's cable as a whole: pair, port, what the container finds on its end."""

from __future__ import annotations

import asyncio
from functools import partial
from time import perf_counter

from ovnloom.errors import Refused, Unavailable
from ovnloom.host import addresses, links, ports
from ovnloom.host.conflict import probe, settled
from ovnloom.host.netns import Netns, in_thread
from ovnloom.host.ovs import OpenVSwitch
from ovnloom.host.ovs_rows import Rows
from ovnloom.host.wire import Route, Wire


class Cables:
    """The cables of one host."""

    def __init__(self, ovs: OpenVSwitch, bridge: str, patience: float) -> None:
        """`patience` is in seconds: how long OVN may take to connect a port."""
        self._ovs = ovs
        self._bridge = bridge
        self._patience = patience

    async def lay(self, wire: Wire, netns: Netns, localnet: str = "") -> tuple[tuple[Route, ...], float]:
        """The container is connected; the routes that it has, and for how many seconds OVN was waited for.

        Done again it changes nothing. `localnet` is the port by which the network is reached, where it has one: without
        it the questions about a probed address would be lost. Raises Unavailable and Refused; what was begun is left.
        """
        await self._ovs.read(partial(ports.claim, wire=wire))
        if await in_thread(links.plug, wire, netns):
            # A port that is there is of an earlier pair, and what OVN says of it isn't true any more. In a transaction
            # of its own: ovs loses a port that goes and comes in one.
            await self._ovs.edit(partial(ports.disconnect, bridge=self._bridge, name=wire.host))
        is_userspace = await self._ovs.edit(partial(_connect, bridge=self._bridge, wire=wire))
        if wire.is_probed:
            waited = await self._installed(wire.host)
            if localnet:
                waited += await self._joined(localnet)
            await in_thread(probe, wire, netns)
            routes = await in_thread(addresses.furnish, wire, netns, is_userspace=is_userspace)
            await in_thread(settled, wire, netns)
        else:
            routes, waited = await self._furnish(wire, netns, is_userspace=is_userspace)
        if wire.addresses:
            await in_thread(addresses.proclaim, wire, netns)
        return routes, waited

    async def remove(self, name: str, container: str = "") -> bool:
        """Nothing is left of a cable; whether there was anything. With `container`, only if it is that one's."""
        is_ours, was_there = await self._ovs.edit(
            partial(_disconnect, bridge=self._bridge, name=name, container=container)
        )
        return bool(is_ours and (await in_thread(links.unplug, name) or was_there))

    async def _furnish(self, wire: Wire, netns: Netns, *, is_userspace: bool) -> tuple[tuple[Route, ...], float]:
        """Both at once: nobody else has its addresses, so nothing is asked that could get lost meanwhile."""
        try:
            async with asyncio.TaskGroup() as group:
                furnishing = group.create_task(
                    in_thread(addresses.furnish, wire, netns, is_userspace=is_userspace), name="furnish"
                )
                installing = group.create_task(self._installed(wire.host), name="installed")
        except BaseExceptionGroup as failures:
            raise first(failures) from failures
        return furnishing.result(), installing.result()

    async def _installed(self, name: str) -> float:
        started = perf_counter()
        try:
            await self._ovs.until(partial(ports.is_installed, name=name), self._patience)
        except TimeoutError:
            why = await self._ovs.read(partial(ports.why_not, name=name))
            raise Unavailable(f"OVN did not connect port {name} within {self._patience:g} s: {why}") from None
        return perf_counter() - started

    async def _joined(self, localnet: str) -> float:
        started = perf_counter()
        try:
            await self._ovs.until(lambda rows: rows.find("Interface", localnet), self._patience)
        except TimeoutError:
            raise Unavailable(
                f"port {localnet} isn't there after {self._patience:g} s; see the ProviderNetwork of the Subnet's Vlan"
            ) from None
        return perf_counter() - started


def _connect(rows: Rows, bridge: str, wire: Wire) -> bool:
    ports.connect(rows, bridge, wire)
    return ports.is_userspace(rows, bridge)


def _disconnect(rows: Rows, bridge: str, name: str, container: str) -> tuple[bool, bool]:
    interface = rows.find("Interface", name)
    theirs = interface.external_ids.get(ports.CONTAINER) if interface is not None else None
    if container and theirs is not None and theirs != container:
        return False, False
    return True, ports.disconnect(rows, bridge, name)


def first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """The failure of a group of tasks that is told: the one that people can do something about."""
    found = [first(each) if isinstance(each, BaseExceptionGroup) else each for each in group.exceptions]
    return next((each for each in found if isinstance(each, Refused | Unavailable)), found[0])
