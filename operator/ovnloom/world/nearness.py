"""Which endpoints serve the Pods of one node, where that is not all of them: `Local` and hints, as kube-proxy has it.

https://kubernetes.io/docs/reference/networking/virtual-ips/#traffic-policies
https://kubernetes.io/docs/concepts/services-networking/topology-aware-routing/ (when hints are ignored)
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from ovnloom.api.endpointslice import LEAVING, READY, Endpoint, EndpointSlice
from ovnloom.api.service import ServicePort
from ovnloom.ipam import Family
from ovnloom.world.chassis import Place
from ovnloom.world.service import backend_address


class Backend(NamedTuple):
    """An endpoint at one port, as OVN writes it."""

    text: str
    endpoint: Endpoint


def backends(found: EndpointSlice, family: Family, port: ServicePort) -> Iterator[Backend]:
    """Those of one slice for a Service's port; none when the slice is of another family."""
    if found.family != family:
        return
    for name, protocol, number in found.ports:
        if (name, protocol) == (port.name, port.protocol):
            for endpoint in found.endpoints:
                if text := backend_address(family, endpoint):
                    yield Backend(f"{text}:{number}", endpoint)


class Nearness:
    """The backends of one port of a Service, sorted by whom they serve, once for all nodes."""

    def __init__(self, backends: Iterable[Backend]) -> None:
        self._ready: list[Backend] = []
        self._leaving: list[Backend] = []
        for backend in backends:
            if backend.endpoint.state == READY:
                self._ready.append(backend)
            elif backend.endpoint.state == LEAVING:
                self._leaving.append(backend)
        self._local: dict[int, dict[str, tuple[str, ...]]] = {
            READY: _by(self._ready, lambda endpoint: (endpoint.node,)),
            LEAVING: _by(self._leaving, lambda endpoint: (endpoint.node,)),
        }
        self._of_node = _by(self._ready, lambda endpoint: endpoint.nodes) if self.has_node_hints else {}
        self._of_zone = _by(self._ready, lambda endpoint: endpoint.zones) if self.has_zone_hints else {}
        self._all = _texts(self._ready) or _texts(self._leaving)

    @property
    def has_node_hints(self) -> bool:
        """Hints count only when every ready endpoint has one."""
        return bool(self._ready) and all(backend.endpoint.nodes for backend in self._ready)

    @property
    def has_zone_hints(self) -> bool:
        return bool(self._ready) and all(backend.endpoint.zones for backend in self._ready)

    @property
    def nodes(self) -> frozenset[str]:
        """The nodes that endpoints which serve, or may have to, say that they are on."""
        return frozenset(self._local[READY].keys() | self._local[LEAVING].keys()) - {""}

    def local(self, place: Place) -> tuple[str, ...]:
        """For `Local`: those of the node itself that are ready, or else that still serve; perhaps none."""
        return self._local[READY].get(place.node) or self._local[LEAVING].get(place.node, ())

    def near(self, place: Place) -> tuple[str, ...]:
        """By hints: those meant for the node, else for its zone; all of them where nobody is meant."""
        return self._of_node.get(place.node) or self._of_zone.get(place.zone) or self._all


def _by(backends: list[Backend], words: Callable[[Endpoint], Iterable[str]]) -> dict[str, tuple[str, ...]]:
    found: dict[str, set[str]] = {}
    for backend in backends:
        for word in words(backend.endpoint):
            found.setdefault(word, set()).add(backend.text)
    return {word: tuple(sorted(texts)) for word, texts in found.items()}


def _texts(backends: list[Backend]) -> tuple[str, ...]:
    return tuple(sorted({backend.text for backend in backends}))
