"""The way of a packet through switches and routers, stage by stage as ovn-northd(8) orders them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from ovnloom.ovn.predicate import ICMP4, ICMP6, NEW, Packet
from ovnloom.verdict.balance import Virtual
from ovnloom.verdict.contents import texts
from ovnloom.verdict.filter import Decision, Direction
from ovnloom.verdict.filter import step as acl_step
from ovnloom.verdict.layout import Address, Port, Router, RouterPort, Switch, text
from ovnloom.verdict.leaving import masquerading
from ovnloom.verdict.routing import Hop, Policy, Route
from ovnloom.verdict.values import Branch, Outcome, Step

if TYPE_CHECKING:
    from ovnloom.verdict.network import Network

MOST_ROUTERS = 16
"""Routers on one way; more is a loop."""
Steps = tuple[Step, ...]


class Walk:
    """One packet's way, with a branch wherever OVN picks one of several."""

    def __init__(self, network: Network, family: int, entry: Port, target: Port | None) -> None:
        self._network = network
        self._family = family
        self._entry = entry
        self._target = target
        self._translated = False
        """Whether a load balancer or NAT chose another target."""

    def start(self, packet: Packet) -> Iterator[Branch]:
        """The sender asks for the MAC of the target when it is on its own network, else for its gateway's."""
        switch, address = self._entry.switch, (self._family, packet.dst)
        steps: Steps = (Step("start", switch.name, f"enters by {self._entry.name}", owner=self._entry.owner),)
        gateway = self._gateway(switch)
        is_near = gateway is None or any(address in one for one in gateway.nets)
        hop = address if is_near else self._own(gateway)
        if self._next(switch, hop) is None:
            yield from self._unknown(switch, hop, packet, steps)
            return
        yield from self._switch(self._entry, hop, packet, steps, 0)

    def _gateway(self, switch: Switch) -> RouterPort | None:
        for port in switch.router_ports:
            if port.router_port is not None and any(one.family == self._family for one in port.router_port.nets):
                return port.router_port
        return None

    def _own(self, port: RouterPort | None) -> Address:
        """The router port's address of the packet's family."""
        assert port is not None
        return next((one.family, one.address) for one in port.nets if one.family == self._family)

    def _next(self, switch: Switch, hop: Address) -> Port | None:
        """Who answers for an address on a switch; somebody behind an outlet when nobody else."""
        found = switch.by_address.get(hop)
        if found is not None:
            return found
        for port in switch.router_ports:  # routers answer for the addresses that they translate
            if port.router_port is not None and self._translates(port.router_port, hop):
                return port
        return switch.outlets[0] if switch.outlets else None

    def _translates(self, port: RouterPort, address: Address) -> bool:
        """Whether the address is one under which something is known at that port of a router."""
        if self._network.nat.incoming(port, address):
            return True
        return port.router.has_gateway and self._network.balancers.has(port.router.row, address)

    def _unknown(self, switch: Switch, hop: Address, packet: Packet, steps: Steps) -> Iterator[Branch]:
        words = f"nobody on this switch has {text(hop)}"
        yield self._end("lost", packet, (*steps, Step("end", switch.name, words, switch.row, switch.owner)))

    # -- a switch -----------------------------------------------------------------------------------------------------

    def _switch(self, inport: Port, hop: Address, packet: Packet, steps: Steps, depth: int) -> Iterator[Branch]:
        """The packet enters by the port, for whoever has the next hop's address."""
        filters, switch = self._network.filter, inport.switch
        is_balanced = bool(self._network.balancers.names(switch.row))
        is_tracked = (
            not inport.is_special
            and (is_balanced or filters.is_stateful(switch))
            and not filters.is_stateless(inport, packet, "from-lport", "after-lb")
        )
        packet = replace(packet, inport=inport.name, outport="", ct_state=NEW if is_tracked else 0)
        decision = filters.decide(inport, "from-lport", packet)
        steps = self._decided(inport, "from-lport", decision, steps)
        if not decision.is_allowed:
            yield self._refused(decision, packet, steps)
        elif is_balanced and is_tracked:
            yield from self._balance(inport, hop, packet, steps, depth)
        else:
            yield from self._forward(inport, hop, packet, steps, depth)

    def _decided(self, port: Port, direction: Direction, decision: Decision, steps: Steps) -> Steps:
        """The steps with a decision, unless there was nothing to decide."""
        if decision.acl is None and not self._network.filter.acls(port.switch, direction):
            return steps
        return (*steps, acl_step(direction, port.switch, decision))

    def _balance(self, inport: Port, hop: Address, packet: Packet, steps: Steps, depth: int) -> Iterator[Branch]:
        """A virtual address becomes that of a backend, and there is a branch for each of them."""
        balancers, switch = self._network.balancers, inport.switch
        found: list[Virtual] = []
        for chassis in self._chassis(switch):
            virtual = balancers.find(switch.row, chassis, (self._family, packet.dst), packet.proto, packet.dport)
            if virtual is None:
                yield from self._forward(inport, hop, packet, steps, depth)
            elif virtual not in found:
                found.append(virtual)
        for virtual in found:
            if not virtual.backends:
                yield self._without_backend(switch.name, virtual, packet, steps)
            for backend in virtual.backends:
                self._translated = True
                balanced = replace(packet, dst=backend.address[1], dport=backend.port or packet.dport)
                words = f"{virtual.vip} becomes {backend.text}, one of {len(virtual.backends)}"
                then = (*steps, Step("balancer", switch.name, words, virtual.row, virtual.owner))
                if balanced.dst == packet.src:
                    yield from self._hairpin(inport, balanced, packet.dst, virtual, then)
                else:
                    yield from self._forward(inport, hop, balanced, then, depth)

    def _chassis(self, switch: Switch) -> list[str]:
        """The chassis whose templates count: the one of the sender, or all when nobody knows where that is."""
        balancers = self._network.balancers
        if not balancers.has_templates(switch.row):
            return [""]
        node = self._network.node(self._entry)
        return [balancers.chassis_of(node)] if node else balancers.chassis or [""]

    def _without_backend(self, place: str, virtual: Virtual, packet: Packet, steps: Steps) -> Branch:
        words = f"{virtual.vip} has no backend: {'rejected' if virtual.rejects else 'dropped'}"
        then = (*steps, Step("balancer", place, words, virtual.row, virtual.owner))
        return self._end("rejected" if virtual.rejects else "denied", packet, then)

    def _hairpin(self, port: Port, packet: Packet, vip: int, virtual: Virtual, steps: Steps) -> Iterator[Branch]:
        """A client that is its own backend: the packet turns around, and seems to come from the load balancer."""
        known = virtual.hairpin(self._family)
        source = known[1] if known else vip
        words = f"{port.name} is its own backend: it sees {text((self._family, source))} as the client"
        then = (*steps, Step("hairpin", port.switch.name, words, virtual.row, virtual.owner))
        yield from self._out(port, replace(packet, src=source), then, 0)

    def _forward(self, inport: Port, hop: Address, packet: Packet, steps: Steps, depth: int) -> Iterator[Branch]:
        decision = self._network.filter.decide(inport, "after-lb", packet)
        steps = self._decided(inport, "after-lb", decision, steps)
        outport = self._next(inport.switch, hop)
        if not decision.is_allowed:
            yield self._refused(decision, packet, steps)
        elif outport is None or outport is inport:
            yield from self._unknown(inport.switch, hop, packet, steps)
        else:
            yield from self._out(outport, packet, steps, depth)

    def _out(self, outport: Port, packet: Packet, steps: Steps, depth: int) -> Iterator[Branch]:
        """The packet leaves the switch by the port, if the ACLs let it."""
        filters, switch = self._network.filter, outport.switch
        state = packet.ct_state if filters.is_stateful(switch) else 0
        if not outport.is_special:
            is_tracked = filters.is_stateful(switch) or bool(self._network.balancers.names(switch.row))
            state = NEW if is_tracked and not filters.is_stateless(outport, packet, "to-lport") else 0
        packet = replace(packet, outport=outport.name, ct_state=state)
        decision = filters.decide(outport, "to-lport", packet)
        steps = self._decided(outport, "to-lport", decision, steps)
        if not decision.is_allowed:
            yield self._refused(decision, packet, steps)
        elif outport.router_port is not None:
            yield from self._router(outport.router_port, packet, steps, depth + 1)
        else:
            yield self._arrive(outport, packet, steps)

    # -- a router -----------------------------------------------------------------------------------------------------

    def _router(self, entry: RouterPort, packet: Packet, steps: Steps, depth: int) -> Iterator[Branch]:
        """The packet enters a router: its target may be translated, and a route and a policy say where it goes."""
        router = entry.router
        if depth > MOST_ROUTERS:
            yield self._end("lost", packet, (*steps, Step("end", router.name, "goes in circles", router.row)))
            return
        packet = replace(packet, inport=entry.name, outport="", ct_state=0, ttl=packet.ttl - 1)
        rule = self._network.nat.incoming(entry, (self._family, packet.dst))
        if rule is not None:
            self._translated = True
            packet = replace(packet, dst=rule.inside.address)
            words = f"to {text((self._family, rule.outside.address))} becomes to {text((self._family, packet.dst))}"
            steps = (*steps, Step("nat", router.name, words, rule.row, rule.owner))
        virtual = None
        if rule is None and router.has_gateway:
            chassis = self._network.balancers.chassis_of(self._network.node(self._entry))
            asked = (self._family, packet.dst), packet.proto, packet.dport
            virtual = self._network.balancers.find(router.row, chassis, *asked)
        if virtual is None:
            yield from self._route(entry, packet, steps, depth)
            return
        if not virtual.backends:
            yield self._without_backend(router.name, virtual, packet, steps)
        for backend in virtual.backends:
            self._translated = True
            words = f"{virtual.vip} becomes {backend.text}, one of {len(virtual.backends)}"
            then = (*steps, Step("balancer", router.name, words, virtual.row, virtual.owner))
            balanced = replace(packet, dst=backend.address[1], dport=backend.port or packet.dport)
            yield from self._route(entry, balanced, then, depth)

    def _route(self, entry: RouterPort, packet: Packet, steps: Steps, depth: int) -> Iterator[Branch]:
        router, target = entry.router, (self._family, packet.dst)
        if target in router.own:
            is_ping = packet.proto in (ICMP4, ICMP6)
            words = f"{text(target)} is the router's own address" + ("" if is_ping else ", which answers pings only")
            found = self._end("lost", packet, (*steps, Step("end", router.name, words, router.row, router.owner)))
            yield replace(found, outcome="delivered", is_there=True) if is_ping else found
            return
        routing = self._network.routing
        routes = routing.choose(router, entry, packet, self._family)
        if not routes:
            words = f"no route to {text(target)}"
            yield self._end("lost", packet, (*steps, Step("route", router.name, words, router.row, router.owner)))
            return
        if routes[0].hop is None:
            yield self._end("denied", packet, (*steps, _route_step(router, routes[0])))
            return
        policy, is_ambiguous = routing.policy(router, packet)
        if policy is None or policy.action == "allow":
            then = (*steps, _policy_step(router, policy, is_ambiguous)) if policy else steps
            for route in routes:
                yield from self._by_route(router, route, packet, then, depth)
            return
        then = (*steps, _policy_step(router, policy, is_ambiguous))
        if policy.action != "reroute":
            yield self._end("denied", packet, then)
        for hop in policy.hops:
            yield from self._send(hop, packet, then, depth)

    def _by_route(self, router: Router, route: Route, packet: Packet, steps: Steps, depth: int) -> Iterator[Branch]:
        """A network of the router's own needs no word, a static route has a row."""
        if route.row is not None:
            steps = (*steps, _route_step(router, route))
        if route.hop is not None:
            yield from self._send(route.hop, packet, steps, depth)

    def _send(self, hop: Hop, packet: Packet, steps: Steps, depth: int) -> Iterator[Branch]:
        """The packet leaves the router by a port, for a next hop."""
        exit_, address = hop.port, hop.address or (self._family, packet.dst)
        rule = self._network.nat.outgoing(exit_, (self._family, packet.src))
        if rule is not None:
            words = f"from {text((self._family, packet.src))} becomes from {text((self._family, rule.outside.address))}"
            packet = replace(packet, src=rule.outside.address)
            steps = (*steps, Step("nat", exit_.router.name, words, rule.row, rule.owner))
        if self._network.nat.incoming(exit_, (self._family, packet.dst)):
            yield from self._router(exit_, packet, steps, depth + 1)  # to an address of its own it comes straight back
            return
        if exit_.peer:
            other = self._network.layout.router_ports.get(exit_.peer)
            if other is not None:
                yield from self._router(other, packet, steps, depth + 1)
                return
        if exit_.facing is None:
            words = f"port {exit_.name} is joined to nothing"
            yield self._end("lost", packet, (*steps, Step("end", exit_.router.name, words, exit_.row, exit_.owner)))
            return
        switch = exit_.facing.switch
        if self._next(switch, address) is None:
            yield from self._unknown(switch, address, packet, steps)
            return
        yield from self._switch(exit_.facing, address, packet, steps, depth)

    # -- the end ------------------------------------------------------------------------------------------------------

    def _refused(self, decision: Decision, packet: Packet, steps: Steps) -> Branch:
        return self._end("rejected" if decision.action == "reject" else "denied", packet, steps)

    def _arrive(self, port: Port, packet: Packet, steps: Steps) -> Branch:
        """The packet comes out at a port: of the one who has the address, or of one who takes it further."""
        address = (self._family, packet.dst)
        if address in port.addresses:
            then = (*steps, Step("end", port.switch.name, f"delivered to {port.name}", port.row, port.owner))
            is_there = self._translated or self._target is None or self._target is port
            return self._end("delivered", packet, then, port, is_there=is_there)
        words = f"leaves by {port.name}{masquerading(self._network.subnets, self._entry, port, packet)}"
        then = (*steps, Step("end", port.switch.name, words, port.row, port.owner))
        is_there = self._target is None and address not in self._network.layout.by_address
        return self._end("left", packet, then, port, is_there=is_there)

    def _end(
        self, outcome: Outcome, packet: Packet, steps: Steps, port: Port | None = None, *, is_there: bool = False
    ) -> Branch:
        return Branch(
            outcome,
            steps,
            port.name if port else "",
            port.owner if port else None,
            (self._family, packet.dst),
            packet.dport,
            is_there,
        )


def _route_step(router: Router, route: Route) -> Step:
    columns = route.row.columns if route.row else {}
    by = "from " if columns.get("policy") == "src-ip" else ""
    words = f"{by}{columns.get('ip_prefix')} via {columns.get('nexthop')}"
    return Step("route", router.name, words, route.row, route.owner)


def _policy_step(router: Router, policy: Policy, is_ambiguous: bool) -> Step:
    hops = ", ".join(texts(policy.row, "nexthops") or texts(policy.row, "nexthop"))
    words = f"reroute to {hops}" if policy.action == "reroute" else policy.action
    if is_ambiguous:
        words = f"{words}; another of this priority says otherwise, which OVN leaves undefined"
    return Step("policy", router.name, words, policy.row, policy.owner)
