"""externalEgressGateway: Subnets that leave by a router which their user names, with the Pods' own addresses."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from ovnloom import log
from ovnloom.api.node import Node
from ovnloom.api.pod import Pod
from ovnloom.api.subnet import Subnet
from ovnloom.host import routes, rules
from ovnloom.host.netlink_events import events
from ovnloom.host.routes import OURS, Route
from ovnloom.host.rules import Rule
from ovnloom.ipam import NO_ADDRESS, Family, Malformed, Pair, address_text, parse_pair
from ovnloom.node.networks import PREFIX, Known, Routed, hosts, routed
from ovnloom.node.part import Means
from ovnloom.node.remembered import Remembered
from ovnloom.node.view import View
from ovnloom.settings import NodeSettings

logger = log.get("egress")

RESERVED = frozenset({0, 253, 254, 255})
"""The kernel's own tables (rt_tables): unspecified, default, main, local."""
FIRST, LAST = 1, 32765
"""Priorities before that of the main table."""


@dataclass(frozen=True, slots=True)
class Detour:
    """What this host has for all such Subnets."""

    rules: frozenset[Rule] = frozenset()
    routes: frozenset[Route] = frozenset()
    problems: tuple[str, ...] = ()
    """Subnets that can't have what they ask for, each with why and what to do."""


class Egress:
    """The part: packets of such Subnets are routed by the tables that the Subnets name."""

    name = "egress"
    wakes: frozenset[type] = frozenset({Subnet, Node, Pod})
    is_vital = False

    def __init__(self, settings: NodeSettings) -> None:
        self._settings = settings
        self._known: Known = {}
        self._judged, self._done = Remembered(), Remembered()
        self._told: tuple[str, ...] = ()

    async def converge(self, view: View) -> None:
        """Rules and routes of ours are those that are wanted. A packet never finds a rule whose table is empty."""
        facts = (view.subnets,), (hosts(view),)
        if not self._judged.is_same(*facts):
            moment, self._known = self._judged.moment, routed(view, self._settings, self._known)
            self._judged.keep(moment, *facts)
        needed, moment = wanted(view, self._known), self._done.moment
        if self._done.is_same((), (needed,)):
            return
        if needed.problems != self._told:
            self._told = needed.problems
            for problem in needed.problems:
                logger.warning("Subnet leaves like any other", reason=problem)
        there, old = await rules.ours(), await routes.in_tables(OURS)
        if needed.routes - old:
            await routes.change(needed.routes - old, (), OURS)
        if needed.rules != there:
            await rules.change(needed.rules - there, there - needed.rules)
        targets = {(each.to, each.table) for each in needed.routes}
        gone = {each for each in old - needed.routes if (each.to, each.table) not in targets}
        if gone:
            await routes.change((), gone)
        self._done.keep(moment, (), (needed,))

    async def follow(self, wake: Callable[[], None]) -> None:
        """Whoever removes a rule or a route wakes the part."""
        async for event in events():
            if event.kind in ("unknown", "route", "rule"):
                self._done.forget()
                wake()


def wanted(view: View, subnets: Known) -> Detour:
    """Distributed: a rule for each Pod of this node; centralised: one for the CIDR, on its gateway nodes.

    One table has one gateway: where two Subnets disagree the first by name has it.
    """
    rules_: set[Rule] = set()
    ways: dict[tuple[int, Family], tuple[str, str]] = {}
    problems: list[str] = []
    for each in subnets.values():
        subnet = each.subnet
        if not subnet.external_egress_gateway.strip() or subnet.nat_outgoing or not _is_here(view, each):
            continue
        wrong, gateway = _read(subnet)
        for family in gateway.families:
            way = address_text(family, gateway.of(family) or 0)
            user, taken = ways.setdefault((subnet.policy_routing_table_id, family), (each.name, way))
            if taken != way:
                wrong = f"table {subnet.policy_routing_table_id} leads to {taken} for Subnet {user}; use another table"
        if wrong:
            problems.append(f"Subnet {each.name}: {wrong}")
            continue
        sources = set(_sources(view, each, gateway.families))
        rules_ |= {Rule(subnet.policy_routing_priority, source, subnet.policy_routing_table_id) for source in sources}
    return Detour(frozenset(rules_), frozenset(_ways(ways)), tuple(problems))


def _ways(found: dict[tuple[int, Family], tuple[str, str]]) -> Iterator[Route]:
    for (table, family), (_, way) in found.items():
        if table not in RESERVED:
            yield Route("0.0.0.0/0" if family == 4 else "::/0", way, table=table)


def _read(subnet: Subnet) -> tuple[str, Pair]:
    """What is wrong with the fields, or nothing, and the gateways."""
    if subnet.policy_routing_table_id in RESERVED:
        return f"spec.policyRoutingTableID {subnet.policy_routing_table_id} is the kernel's; use another", NO_ADDRESS
    if not FIRST <= subnet.policy_routing_priority <= LAST:
        return f"spec.policyRoutingPriority has to be from {FIRST} to {LAST}, before the main table's", NO_ADDRESS
    try:
        return "", parse_pair(subnet.external_egress_gateway)
    except Malformed as malformed:
        return f"spec.externalEgressGateway {malformed}", NO_ADDRESS


def _is_here(view: View, each: Routed) -> bool:
    """Whether traffic of the Subnet leaves by this node."""
    subnet = each.subnet
    if not each.is_centralized:
        return True
    if subnet.gateway_node.strip():
        return view.name in {item.strip().partition(":")[0] for item in subnet.gateway_node.split(",")}
    labels = view.node.labels if view.node else {}
    return any(selector.matches(labels) for selector in subnet.gateway_node_selectors)


def _sources(view: View, each: Routed, families: tuple[Family, ...]) -> Iterator[str]:
    if each.is_centralized:
        yield from (str(network) for network in each.networks if network.family in families)
        return
    for pod in view.pods.values():
        if pod.written.get(f"{PREFIX}logical_switch") != each.name or pod.finished:
            continue
        try:
            pair = parse_pair(pod.written.get(f"{PREFIX}ip_address", ""))
        except Malformed:
            continue
        for family in families:
            number = pair.of(family)
            if number is not None:
                yield f"{address_text(family, number)}/{32 if family == 4 else 128}"


def egress(means: Means) -> Egress:
    """The part; it needs nothing of the cluster but Views."""
    return Egress(means.settings)
