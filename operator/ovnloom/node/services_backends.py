"""Which backends serve whom on this node, port by port: what kube-proxy calls the categories of endpoints."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from ovnloom.api.endpointslice import READY, EndpointSlice
from ovnloom.api.meta import Key
from ovnloom.api.service import Service, ServicePort
from ovnloom.ipam import FAMILIES, Family
from ovnloom.world.chassis import Place
from ovnloom.world.nearness import Nearness, backends

Slices = Mapping[Key, tuple[EndpointSlice, ...]]
"""The slices of each Service, in the order of their names."""


@dataclass(frozen=True, slots=True)
class Choice:
    """The backends of one port in one family, as `address:port`."""

    family: Family
    port: ServicePort
    near: tuple[str, ...]
    """For everybody: ready ones, by hints where they count; else those that are leaving and still serve."""
    local: tuple[str, ...]
    """Of this node only; perhaps none, while `near` has some."""

    @property
    def protocol(self) -> str:
        return self.port.protocol.lower()


def choices(service: Service, slices: Iterable[EndpointSlice], place: Place) -> Iterator[Choice]:
    """One for each port and family of the Service's ClusterIPs."""
    found = tuple(slices)
    families = {":" in ip for ip in service.cluster_ips}
    for family in FAMILIES:
        if (family == 6) in families:
            for port in service.ports:
                near = Nearness(backend for each in found for backend in backends(each, family, port))
                yield Choice(family, port, near.near(place), near.local(place))


def ready_here(service: Service, slices: Iterable[EndpointSlice], node: str) -> int:
    """How many endpoints of the Service are ready on the node, each address counted once."""
    names = {(port.name, port.protocol) for port in service.ports}
    return len(
        {
            endpoint.address
            for each in slices
            if any((port.name, port.protocol) in names for port in each.ports)
            for endpoint in each.endpoints
            if endpoint.state == READY and endpoint.node == node
        }
    )
