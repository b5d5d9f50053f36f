"""What a View says of Services, read again only where it changed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TypeVar

from ovnloom.api.endpointslice import EndpointSlice
from ovnloom.api.meta import Key
from ovnloom.api.service import Service
from ovnloom.ipam import FAMILIES, Family, Malformed, address_text, parse_address
from ovnloom.node.networks import PREFIX, Known, routed
from ovnloom.node.services_backends import choices, ready_here
from ovnloom.node.services_chains import NOTHING, Closed, Fragment, fragment
from ovnloom.node.services_health import Health
from ovnloom.node.services_table import Book, Surroundings
from ovnloom.node.view import View
from ovnloom.settings import NodeSettings
from ovnloom.world.chassis import CHASSIS, ZONE, Place
from ovnloom.world.service import SWITCH, VPC

Value = TypeVar("Value")
Spans = dict[Family, list[tuple[int, int]]]


class Reading:
    """Keeps a Book as the latest View has it."""

    def __init__(self, settings: NodeSettings, book: Book) -> None:
        self.book = book
        self.health: dict[int, Health] = {}
        self._settings = settings
        self._services: Mapping[Key, Service] = {}
        self._slices: Mapping[Key, EndpointSlice] = {}
        self._of_service: dict[Key, dict[Key, EndpointSlice]] = {}
        self._ports: dict[Key, int] = {}
        self._subnets: Known = {}
        self._place = Place("", "", "")
        self._spans: Spans = {}
        self._vpcs: dict[str, str] = {}

    def read(self, view: View) -> None:
        """The book says what the view does."""
        self._subnets = routed(view, self._settings, self._subnets)
        self.book.around = surroundings(view, self._subnets)
        due = {key for key, _ in _differing(self._services, view.services)}
        for key, found in _differing(self._slices, view.slices):
            due.update(self._move(key, self._slices.get(key), found))
        place, spans, vpcs = _place(view), _closed(self._subnets), _vpcs(view)
        if (place, spans, vpcs) != (self._place, self._spans, self._vpcs):
            due.update(view.services)
        self._services, self._slices = view.services, view.slices
        self._place, self._spans, self._vpcs = place, spans, vpcs
        closed = Closed(spans)
        for key in due:
            service = view.services.get(key)
            self.book.put(key, self._fragment(service, closed) if service else NOTHING)
            self._ask(key, service)

    def _move(self, key: Key, before: EndpointSlice | None, now: EndpointSlice | None) -> Iterator[Key]:
        if before is not None and before.service:
            self._of_service.get(before.service_key, {}).pop(key, None)
            if not self._of_service.get(before.service_key):
                self._of_service.pop(before.service_key, None)
            yield before.service_key
        if now is not None and now.service:
            self._of_service.setdefault(now.service_key, {})[key] = now
            yield now.service_key

    def _slices_of(self, key: Key) -> tuple[EndpointSlice, ...]:
        found = self._of_service.get(key, {})
        return tuple(found[name] for name in sorted(found))

    def _fragment(self, service: Service, closed: Closed) -> Fragment:
        if not self._is_reached(service):
            return NOTHING
        return fragment(service, choices(service, self._slices_of(service.key), self._place), closed)

    def _is_reached(self, service: Service) -> bool:
        """Hosts are in the default Vpc: addresses of another may be somebody else's here."""
        for name in VPC:
            if service.annotations.get(name):
                return service.annotations[name] == self._settings.cluster_router
        vpc = self._vpcs.get(service.annotations.get(SWITCH, ""), "")
        return vpc in ("", self._settings.cluster_router)

    def _ask(self, key: Key, service: Service | None) -> None:
        if key in self._ports:
            self.health.pop(self._ports.pop(key), None)
        if service and service.health_port and service.cluster_ips and service.is_externally_local:
            count = ready_here(service, self._slices_of(key), self._place.node)
            self.health[service.health_port] = Health(key, count)
            self._ports[key] = service.health_port


def _differing(before: Mapping[Key, Value], now: Mapping[Key, Value]) -> Iterator[tuple[Key, Value | None]]:
    """Unchanged objects are the same objects, so 10,000 Services are looked through in a millisecond."""
    if before is now:
        return
    for key, value in now.items():
        if before.get(key) is not value:
            yield key, value
    for key in before:
        if key not in now:
            yield key, None


def _place(view: View) -> Place:
    node = view.node
    if node is None:
        return Place(view.name, "", "")
    return Place(view.name, node.annotations.get(CHASSIS, ""), node.labels.get(ZONE, ""))


def _vpcs(view: View) -> dict[str, str]:
    return {subnet.name: subnet.vpc for subnet in view.subnets.values()}


def _closed(subnets: Known) -> Spans:
    found: Spans = {}
    for each in subnets.values():
        if not each.subnet.enable_external_lb_address:
            for network in each.networks:
                found.setdefault(network.family, []).append((network.address, network.last_address))
    return found


def surroundings(view: View, subnets: Known) -> Surroundings:
    """The networks of Pods and the addresses of nodes; an address that can't be read counts as nobody's."""
    pods, here, nodes, own = _nothing(), _nothing(), _nothing(), _nothing()
    for each in subnets.values():
        for network in each.networks:
            pods[network.family].add(_element(str(network)))
    for pod in view.pods.values():
        if not pod.finished and not pod.host_network:
            for family, address in _addresses(tuple(pod.written.get(f"{PREFIX}ip_address", "").split(","))):
                here[family].add(address)
    for name, node in view.nodes.items():
        texts = (*node.internal_ips, *node.annotations.get(f"{PREFIX}ip_address", "").split(","))
        for family, address in _addresses(texts):
            nodes[family].add(address)
            if name == view.name:
                own[family].add(address)
    return Surroundings(_frozen(pods), _frozen(here), _frozen(nodes), _frozen(own))


def _nothing() -> dict[Family, set[str]]:
    return {family: set() for family in FAMILIES}


def _frozen(found: dict[Family, set[str]]) -> dict[int, frozenset[str]]:
    return {family: frozenset(items) for family, items in found.items()}


def _element(network: str) -> str:
    address, _, length = network.partition("/")
    return address if length == ("128" if ":" in address else "32") else network


def _addresses(texts: tuple[str, ...]) -> Iterator[tuple[Family, str]]:
    for text in filter(None, texts):
        try:
            yield (found := parse_address(text))[0], address_text(*found)
        except Malformed:
            continue
