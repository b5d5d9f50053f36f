"""Addresses of a Service whose backends differ by node: template load balancers and the variables of each chassis."""

from __future__ import annotations

from collections.abc import Iterator

from ovnloom.api.endpointslice import EndpointSlice
from ovnloom.api.service import Service, ServicePort
from ovnloom.compile.service_addresses import Address
from ovnloom.compile.service_rows import node_balancer
from ovnloom.intent import Member, Problem, Ref, Row
from ovnloom.ipam import Family
from ovnloom.ovn import names
from ovnloom.world.chassis import places
from ovnloom.world.graph import Reader
from ovnloom.world.nearness import Backend, Nearness, backends
from ovnloom.world.problem import idle
from ovnloom.world.service import slices

NOBODY: dict[Family, str] = {4: "127.0.0.1:9", 6: "[ff00::]:9"}
"""What a variable without backends says: an address that every OVN router drops. With an empty one the packet would go
on to the Service's address, unchanged, and with a backend missing from the list it can't be rejected either."""
MOST_NAMED = 5
"""Nodes that a sentence names before it says how many more there are."""


class PerNode:
    """Collects those addresses, then has their rows, the variables and what is wrong."""

    def __init__(self, read: Reader, service: Service) -> None:
        self._read = read
        self._service = service
        self._vips: dict[tuple[str, Family], dict[str, str]] = {}
        self._choices: dict[str, tuple[Family, Nearness, bool]] = {}
        """By variable of backends: the family, the backends, and whether only the node's own count."""
        self._constants: dict[str, str] = {}
        self._near: dict[tuple[Family, ServicePort], Nearness] = {}

    def add(self, address: Address, port: ServicePort, *, is_local: bool) -> None:
        """The address, at this port, has the backends of the node (`is_local`), or those that hints mean for it.

        An IPv6 address in the place of an address has to be a variable as well: lb.c cuts templates at each colon.
        """
        place = (address.family, port)
        if place not in self._near:
            self._near[place] = Nearness(self._backends(*place))
        how = "local" if is_local else "near"
        backends = self._variable(str(address.family), port.protocol, port.name, how)
        self._choices[backends] = (address.family, self._near[place], is_local)
        text = address.text
        if address.family == 6:
            variable = self._variable("address", address.text)
            self._constants[variable] = address.text
            text = f"^{variable}"
        self._vips.setdefault((port.protocol, address.family), {})[f"{text}:{port.port}"] = f"^{backends}"

    def rows(self) -> Iterator[Row]:
        for (protocol, family), vips in self._vips.items():
            yield node_balancer(self._service, protocol, family, vips)

    def members(self) -> Iterator[Member]:
        """For each chassis the backends of its node."""
        if not self._choices:
            return
        for place in self._read.view(places, None):
            if not place.chassis:
                continue
            target = Ref("Chassis_Template_Var", place.chassis)
            for variable, text in self._constants.items():
                yield Member(target, "variables", (variable, text))
            for variable, (family, near, is_local) in self._choices.items():
                chosen = near.local(place) if is_local else near.near(place)
                yield Member(target, "variables", (variable, ",".join(chosen) or NOBODY[family]))

    def problems(self) -> Iterator[Problem]:
        if not self._choices:
            return
        known = {place.node: place.chassis for place in self._read.view(places, None)}
        named = {node for _, near, is_local in self._choices.values() if is_local for node in near.nodes}
        strange = sorted(named - known.keys())
        if strange:
            wrong = f"its EndpointSlices name {_named(strange)}, which the cluster doesn't have; correct nodeName"
            yield idle("NodeUnknown", f"{wrong}. With internalTrafficPolicy Local these endpoints get no traffic")
        blind = sorted(node for node, chassis in known.items() if not chassis)
        if blind:
            wrong = f"Pods on {_named(blind)} don't reach it: backends are chosen by node, and these have no annotation"
            yield idle("ChassisUnknown", f"{wrong} ovn.kubernetes.io/chassis yet; start the agent there")

    def _backends(self, family: Family, port: ServicePort) -> Iterator[Backend]:
        for key in slices(self._read, self._service.key):
            found = self._read.get(EndpointSlice, key)
            if found is not None:
                yield from backends(found, family, port)

    def _variable(self, *identity: str) -> str:
        return names.node_variable(self._service.namespace, self._service.name, *identity)


def _named(nodes: list[str]) -> str:
    more = f" and {len(nodes) - MOST_NAMED} more" if len(nodes) > MOST_NAMED else ""
    return f"Node {', '.join(nodes[:MOST_NAMED])}{more}"
