"""The part that leads traffic to Services which doesn't start in a Subnet: see docs/service-proxy.md."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from ovnloom import log
from ovnloom.api.endpointslice import EndpointSlice
from ovnloom.api.node import Node
from ovnloom.api.pod import Pod
from ovnloom.api.service import Service
from ovnloom.api.subnet import Subnet
from ovnloom.errors import Refused
from ovnloom.host import netlink_events, nft_kernel
from ovnloom.node.part import Means
from ovnloom.node.services_health import HealthChecks
from ovnloom.node.services_stale import Stale
from ovnloom.node.services_table import NAME, Book
from ovnloom.node.services_view import Reading
from ovnloom.node.view import View
from ovnloom.settings import NodeSettings

logger = log.get("services")

KUBE_PROXY = "kube-proxy"
"""The name of its tables, one for each family, in its mode nftables."""
KUBE_CHAIN = "KUBE-SERVICES"
"""What it has in table `ip nat` in its modes iptables and ipvs."""


class Services:
    """The part: the table is there as Services and EndpointSlices say, or isn't where kube-proxy does the same."""

    name = "services"
    wakes: frozenset[type] = frozenset({Service, EndpointSlice, Node, Subnet, Pod})
    is_vital = False

    def __init__(self, settings: NodeSettings) -> None:
        self._settings = settings
        self._book = Book()
        self._reading = Reading(settings, self._book)
        self._stale = Stale(self._book)
        self._checks = HealthChecks(settings.service_health)
        self._is_known = False
        """The kernel has what the book says was written."""
        self._is_ours: bool | None = None
        self._has_rival: bool | None = None
        """What was found of kube-proxy, as long as the kernel would tell of a change; else None."""
        self._hears = False
        self._news = 0
        """Counts what the kernel told, so that what was read before isn't believed afterwards."""

    async def converge(self, view: View) -> None:
        """The kernel has the chains, sets and elements that the view means; only others than before are written."""
        if not await self._decide():
            return
        await asyncio.to_thread(self._reading.read, view)
        gone = self._stale.collect()
        await self._write()
        await self._stale.forget(gone)
        problems = await self._checks.serve(dict(self._reading.health), is_eligible=_is_eligible(view))
        if problems:
            raise Refused("; ".join(problems))

    async def follow(self, wake: Callable[[], None]) -> None:
        """Who changes our table, or brings or ends kube-proxy, wakes the part."""
        try:
            async for event in netlink_events.events():
                self._hears = True
                if event.kind == "unknown" or (event.kind == "table" and event.name in (NAME, KUBE_PROXY, "nat")):
                    self._news += 1
                    self._has_rival = None
                    self._is_known = self._is_known and event.name in (KUBE_PROXY, "nat")
                    wake()
        finally:
            self._hears, self._has_rival = False, None

    async def close(self) -> None:
        """Nobody is answered any more; the table stays, for who comes next."""
        await self._checks.close()

    async def _decide(self) -> bool:
        """Whether Services are ours here; when they stop being it, nothing of ours is left."""
        setting = self._settings.service_proxy
        is_ours = setting == "on" or (setting == "auto" and not await self._look_for_rival())
        if is_ours != self._is_ours:
            logger.info("services are served" if is_ours else "services are left to others", setting=setting)
        if not is_ours and self._is_ours is not False:
            await self._checks.close()
            await nft_kernel.remove(NAME)
            self._is_known = False
        self._is_ours = is_ours
        return is_ours

    async def _look_for_rival(self) -> bool:
        if self._has_rival is not None:
            return self._has_rival
        hears, news = self._hears, self._news
        found = await kube_proxy_is_here()
        if hears and news == self._news:
            self._has_rival = found
        return found

    async def _write(self) -> None:
        news, is_known, self._is_known = self._news, self._is_known, False
        if is_known:
            commands = self._book.transaction()
            try:
                if commands:
                    await nft_kernel.write(commands)
            except Refused as refused:
                logger.warning("table isn't as it was written", table=NAME, reason=refused.reason)
                is_known = False
        if not is_known:
            await nft_kernel.apply(self._book.whole())
        self._book.written()
        self._is_known = news == self._news


def services(means: Means) -> Services:
    """The part; it needs nothing of the cluster but Views."""
    return Services(means.settings)


def _is_eligible(view: View) -> bool:
    node = view.node
    return node is None or not (node.is_leaving or node.meta.deleting)


async def kube_proxy_is_here() -> bool:
    """Whether kube-proxy has its tables in this host; those of `iptables-legacy` can't be seen."""
    found = {(item["table"]["family"], item["table"]["name"]) for item in await nft_kernel.listing("list", "tables")}
    if {("ip", KUBE_PROXY), ("ip6", KUBE_PROXY)} & found:
        return True
    for family in ("ip", "ip6"):
        if (family, "nat") in found and await nft_kernel.listing("list", "chain", family, "nat", KUBE_CHAIN):
            return True
    return False
