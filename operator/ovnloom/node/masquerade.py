"""What this host rewrites and filters for Pods, kept as the Subnets say: `table inet ovnloom`.

Only packets that pass this host as a router come here: between Pods they stay in OVN. Which node is the gateway of a
centralised Subnet is decided by the routes in OVN; a node treats what reaches it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from ovnloom.api.node import Node
from ovnloom.api.subnet import Subnet
from ovnloom.errors import Unavailable
from ovnloom.host import inherited, nft_kernel, openings, sysctls
from ovnloom.host.netlink_events import events
from ovnloom.node.counters import NAME, count
from ovnloom.node.joined import LINK
from ovnloom.node.nat_table import table
from ovnloom.node.networks import Known, hosts, routed
from ovnloom.node.part import Means
from ovnloom.node.remembered import Remembered
from ovnloom.node.view import View
from ovnloom.settings import NodeSettings

KNOWN_TABLES = (NAME, "kube-proxy")
"""Beginnings of the names of tables that close no host."""
SETTLE_SECONDS = 2.0
"""A firewall that changes is looked at once in this time: kube-proxy may write some thousand rules."""
NEEDED, NEEDED_IPV6 = {"net.ipv4.ip_forward": 1}, {"net.ipv6.conf.all.forwarding": 1}
HELPFUL = {
    # A packet that OVN reordered must not count as one of no connection.
    "net.netfilter.nf_conntrack_tcp_be_liberal": 1,
    # Neighbours beyond the usual 1024: each Pod that a host talks to in an underlay is one.
    **{f"net.{ip}.neigh.default.gc_thresh{step}": 512 << step for ip in ("ipv4", "ipv6") for step in (1, 2, 3)},
}


class Masquerade:
    """The part: the table is there as the Subnets say, and closed hosts let Pods' traffic pass."""

    name = "masquerade"
    wakes: frozenset[type] = frozenset({Subnet, Node})
    is_vital = False

    def __init__(self, settings: NodeSettings) -> None:
        self._settings = settings
        self._known: Known = {}
        self._done = Remembered()
        self._is_handed_over = False

    async def converge(self, view: View) -> None:
        """The table says what the view says; nothing is written when it does already."""
        facts, moment = ((view.subnets,), (hosts(view),)), self._done.moment
        if self._done.is_same(*facts):
            return
        self._known = routed(view, self._settings, self._known)
        await nft_kernel.apply(table(view, self._known))
        count(view.name, self._known)
        if not self._is_handed_over:  # once ours are there
            await inherited.empty_chains()
            self._is_handed_over = True
        await openings.make(LINK)
        prepare(self._known)
        self._done.keep(moment, *facts)

    async def follow(self, wake: Callable[[], None]) -> None:
        """Whoever changes our table wakes the part at once; whoever changes another may have closed the host."""
        loop = asyncio.get_running_loop()
        due = 0.0

        def look() -> None:
            self._done.forget()
            wake()

        async for event in events():
            if event.kind == "unknown" or (event.kind == "table" and event.name == NAME):
                look()
            elif event.kind == "table" and not event.name.startswith(KNOWN_TABLES) and loop.time() >= due:
                due = loop.time() + SETTLE_SECONDS
                loop.call_later(SETTLE_SECONDS, look)


def prepare(subnets: Known) -> None:
    """The kernel passes packets on. Raises Unavailable where it doesn't and can't be told from here.

    IPv6 is only looked at: with forwarding a host ignores router advertisements, and may lose its own default route.
    """
    sysctls.raise_to(HELPFUL)
    wrong = sysctls.raise_to(NEEDED)
    if any(each.networks.v6 for each in subnets.values()):
        wrong += sysctls.below(NEEDED_IPV6)
    if wrong:
        told = sysctls.words(wrong, {**NEEDED, **NEEDED_IPV6})
        raise Unavailable(f"this host doesn't pass packets on, so Pods don't reach the world: set {told}")


def masquerade(means: Means) -> Masquerade:
    """The part; it needs nothing of the cluster but Views."""
    return Masquerade(means.settings)
