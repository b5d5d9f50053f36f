"""Routes of this host to Pods: through ovn0, to the router of the default Vpc."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from ovnloom.api.node import Node
from ovnloom.api.subnet import Subnet
from ovnloom.errors import Unavailable
from ovnloom.host import routes
from ovnloom.host.netlink_events import events
from ovnloom.host.nics import mtu_of
from ovnloom.host.routes import Route
from ovnloom.ipam import FAMILIES, Family
from ovnloom.node.joined import LINK, Joined, joined
from ovnloom.node.networks import Known, has_address_in, hosts, internal_ips, is_routed, routed
from ovnloom.node.part import Means
from ovnloom.node.remembered import Remembered
from ovnloom.node.view import View
from ovnloom.settings import NodeSettings


class Routes:
    """The part: this host reaches all Pods of the default Vpc, and is known to them by its InternalIP."""

    name = "routes"
    wakes: frozenset[type] = frozenset({Subnet, Node})
    is_vital = True

    def __init__(self, settings: NodeSettings) -> None:
        self._settings = settings
        self._known: Known = {}
        self._done = Remembered()

    async def converge(self, view: View) -> None:
        """ovn0 has the routes that are wanted, and no others to neighbours. Raises Unavailable without ovn0."""
        join = joined(view.node)
        facts, moment = ((view.subnets,), (join, hosts(view))), self._done.moment
        if self._done.is_same(*facts):
            return
        self._known = routed(view, self._settings, self._known)
        there = await routes.on_link(LINK)
        size = await mtu_of(LINK)
        if there is None or size is None:
            raise Unavailable(f"there is no interface {LINK} yet")
        own = {family: address for family, address in internal_ips(view.node).items() if await routes.is_own(address)}
        needed = wanted(view, self._known, join.within(size), self._settings.join_subnet, own)
        kept = undecided(view, self._settings)
        gone = {each for each in there - needed if each.via and each.to not in kept}
        if needed - there or gone:
            # A route that changes is replaced: to remove it afterwards would remove the new one.
            targets = {each.to for each in needed}
            await routes.change(needed - there, {each for each in gone if each.to not in targets})
        self._done.keep(moment, *facts)

    async def follow(self, wake: Callable[[], None]) -> None:
        """Whoever removes a route or takes ovn0 down (netplan, NetworkManager) wakes the part."""
        async for event in events():
            if event.kind in ("unknown", "route", "address") or (event.kind == "link" and event.name == LINK):
                self._done.forget()
                wake()


def wanted(view: View, subnets: Known, join: Joined, join_subnet: str, own: Mapping[Family, str]) -> frozenset[Route]:
    """One route for each CIDR of each Subnet; those in which this node itself lives stay as they are.

    `own` are the InternalIPs that an interface of this host has; in some clouds the outside knows it by others.
    """
    return frozenset(_wanted(view, subnets, join, join_subnet, own))


def _wanted(view: View, subnets: Known, join: Joined, join_subnet: str, own: Mapping[Family, str]) -> Iterator[Route]:
    for family in FAMILIES:
        address, gateway = join.address(family), join.gateway(family)
        if address is None or gateway is None:
            continue
        for each in subnets.values():
            network = each.networks.of(family)
            if network is None or has_address_in(each.networks, view.node, family):
                continue
            if each.name == join_subnet:
                yield Route(str(network), source=address if family == 4 else "", link=LINK)
            else:
                yield Route(str(network), gateway, own.get(family, ""), LINK)


def undecided(view: View, settings: NodeSettings) -> frozenset[str]:
    """CIDRs as they are written of Subnets that can't be used as they are: routes that they have already stay."""
    texts = (each.cidr_block for each in view.subnets.values() if is_routed(each, settings))
    return frozenset(item.strip() for text in texts for item in text.split(","))


def pod_routes(means: Means) -> Routes:
    """The part; it needs nothing of the cluster but Views."""
    return Routes(means.settings)
