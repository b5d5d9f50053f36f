"""Routers: by which port to which next hop."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from ovnloom.intent import Owner, Row
from ovnloom.ovn.predicate import Numbers, Packet, References, Test, number, predicate
from ovnloom.ovn.tokens import Unreadable
from ovnloom.verdict.contents import Contents, texts
from ovnloom.verdict.layout import Address, Layout, Net, Router, RouterPort, net

CONNECTED, BY_DESTINATION, BY_SOURCE = 2, 1, 0
"""Of routes with prefixes of one length, this is the order in which OVN takes them."""


class Hop(NamedTuple):
    """The next hop and the port to it; None is the destination itself."""

    port: RouterPort
    address: Address | None


class Route(NamedTuple):
    """A static route, or the network of a port (without a row)."""

    net: Net
    rank: int
    hop: Hop | None
    """None throws packets away."""
    table: str
    row: Row | None
    owner: Owner | None


class Policy(NamedTuple):
    """A router policy that OVN can follow."""

    priority: int
    action: str
    test: Test
    hops: tuple[Hop, ...]
    row: Row
    owner: Owner | None


class Routing:
    """Routes and policies of all routers."""

    def __init__(self, contents: Contents, layout: Layout, sets: Mapping[str, Numbers]) -> None:
        self._layout = layout
        self._references = References(sets)
        self._static: dict[str, list[tuple[Owner | None, Row]]] = {}
        self._policy_rows: dict[str, list[tuple[Owner | None, Row]]] = {}
        for table, place in (
            ("Logical_Router_Static_Route", self._static),
            ("Logical_Router_Policy", self._policy_rows),
        ):
            for owner, row in contents.table(table):
                if row.parent is not None:
                    place.setdefault(row.parent.name, []).append((owner, row))
        self._routes: dict[str, list[Route]] = {}
        self._policies: dict[str, list[Policy]] = {}

    def routes(self, router: Router) -> list[Route]:
        """The routes of a router, longest prefix first."""
        found = self._routes.get(router.name)
        if found is None:
            found = [
                Route(one, CONNECTED, Hop(port, None), "", None, port.owner)
                for port in router.ports.values()
                for one in port.nets
            ]
            for owner, row in self._static.get(router.name, ()):
                found.extend(self._static_route(router, owner, row))
            found.sort(key=lambda route: (-route.net.prefix, -route.rank))
            self._routes[router.name] = found
        return found

    def _static_route(self, router: Router, owner: Owner | None, row: Row) -> Iterator[Route]:
        """A route whose next hop no port reaches is none: ovn-northd leaves it out."""
        columns = row.columns
        prefix, nexthop = net(str(columns.get("ip_prefix"))), str(columns.get("nexthop") or "")
        rank = BY_SOURCE if columns.get("policy") == "src-ip" else BY_DESTINATION
        table, output = str(columns.get("route_table") or ""), str(columns.get("output_port") or "")
        if nexthop == "discard":
            yield Route(prefix, rank, None, table, row, owner)
            return
        address = (6 if ":" in nexthop else 4, number(nexthop.partition("/")[0])[0]) if nexthop else None
        port = router.ports.get(output) if output else router.way_to(address) if address else None
        if port is not None:
            yield Route(prefix, rank, Hop(port, address), table, row, owner)

    def choose(self, router: Router, entry: RouterPort, packet: Packet, family: int) -> list[Route]:
        """The routes that the packet may take: one, or all of an ECMP group; empty when there is none."""
        chosen: list[Route] = []
        for route in self.routes(router):
            if chosen and (route.net.prefix, route.rank) != (chosen[0].net.prefix, chosen[0].rank):
                break
            if route.rank != CONNECTED and route.table != entry.route_table:
                continue
            if (family, packet.src if route.rank == BY_SOURCE else packet.dst) in route.net:
                chosen.append(route)
        return chosen

    def policies(self, router: Router) -> list[Policy]:
        """The policies of a router, highest priority first."""
        found = self._policies.get(router.name)
        if found is None:
            found = []
            for owner, row in self._policy_rows.get(router.name, ()):
                found.extend(self._policy(router, owner, row))
            found.sort(key=lambda policy: -policy.priority)
            self._policies[router.name] = found
        return found

    def _policy(self, router: Router, owner: Owner | None, row: Row) -> Iterator[Policy]:
        """A policy with a next hop that no port reaches is none, nor is one whose match OVN can't read."""
        try:
            test = predicate(str(row.columns.get("match", ""))).bind(self._references)
        except Unreadable:
            return
        action = str(row.columns.get("action"))
        hops: list[Hop] = []
        if action == "reroute":
            for text in texts(row, "nexthops") or texts(row, "nexthop"):
                address = (6 if ":" in text else 4, number(text)[0])
                port = router.way_to(address)
                if port is None:
                    return
                hops.append(Hop(port, address))
            if not hops:
                return
        priority = int(row.columns.get("priority") or 0)  # type: ignore[arg-type]  # a number in every row
        yield Policy(priority, action, test, tuple(hops), row, owner)

    def policy(self, router: Router, packet: Packet) -> tuple[Policy | None, bool]:
        """The policy that decides about the packet, and whether one of the same priority says something else."""
        first: Policy | None = None
        for policy in self.policies(router):
            if first is not None and policy.priority != first.priority:
                break
            if policy.test(packet):
                if first is None:
                    first = policy
                elif (policy.action, policy.hops) != (first.action, first.hops):
                    return (policy if policy.action == "drop" else first), True
        return first, False
