"""Services, as everybody else sees them: their Vpc, the addresses that may be served, and what each slice offers."""

from __future__ import annotations

from bisect import bisect_right
from typing import NamedTuple

from ovnloom.api.endpointslice import LEAVING, READY, Endpoint, EndpointSlice
from ovnloom.api.meta import Key
from ovnloom.api.pod import Pod
from ovnloom.api.service import Service
from ovnloom.api.subnet import Subnet
from ovnloom.api.vpc import Vpc
from ovnloom.ipam import Family, Malformed, Networks, address_text, parse_address, parse_cidr_block
from ovnloom.world.graph import Reader
from ovnloom.world.indexes import IPS_OF_HOLDER
from ovnloom.world.nics import holder_name
from ovnloom.world.service_indexes import SERVICES_OF_ADDRESS, SLICES_OF_SERVICE, canonical
from ovnloom.world.subnet import addresses, members_by_age, segment

VPC = ("ovn.kubernetes.io/vpc", "ovn.kubernetes.io/logical_router")
"""Annotations that name the Vpc of a Service; the first counts."""
SWITCH = "ovn.kubernetes.io/logical_switch"
"""Annotation with a Subnet of that Vpc, where nothing names the Vpc itself."""
MOST_ASKED = 16
"""Endpoints of a Service that are asked for their Vpc; those in a host's network have none."""


def slices(read: Reader, service: Key) -> list[Key]:
    """The EndpointSlices of a Service, in order."""
    return sorted(read.keys_of(SLICES_OF_SERVICE, service))


# -- the Vpc ----------------------------------------------------------------------------------------------------------


def of_service(read: Reader, key: Key) -> str:
    """View: the Vpc in which a Service is reached: what it says itself, else its endpoints' one, else the default."""
    service = read.get(Service, key)
    if service is None or not service.is_served:
        return ""
    for name in VPC:
        if service.annotations.get(name):
            return service.annotations[name]
    net = read.view(segment, service.annotations[SWITCH]) if service.annotations.get(SWITCH) else None
    if net is not None and net.vpc:
        return net.vpc
    if read.view(has_one_vpc, None):
        return read.settings.cluster_router
    return read.view(of_endpoints, key) or read.settings.cluster_router


def has_one_vpc(read: Reader, _: None) -> bool:
    """View: there is no Vpc but the default one, as in most clusters, so nobody has to look at endpoints."""
    return all(key.name == read.settings.cluster_router for key in read.keys(Vpc))


def of_endpoints(read: Reader, key: Key) -> str:
    """View: the Vpc of the first of a Service's Pods that has an address of ours; empty when none has."""
    asked = 0
    for name in slices(read, key):
        found = read.get(EndpointSlice, name)
        for endpoint in found.endpoints if found else ():
            if not endpoint.pod:
                continue
            vpc = _of_pod(read, Key(endpoint.pod, key.namespace), endpoint)
            asked += 1
            if vpc or asked == MOST_ASKED:
                return vpc
    return ""


def _of_pod(read: Reader, key: Key, endpoint: Endpoint) -> str:
    pod = read.get(Pod, key)
    if pod is None:
        return ""
    for ip in read.find(IPS_OF_HOLDER, Key(holder_name(read, pod), key.namespace)):
        if canonical(endpoint.address) in (canonical(ip.v4), canonical(ip.v6)):
            net = read.view(segment, ip.subnet)
            return net.vpc if net else ""
    return ""


# -- addresses --------------------------------------------------------------------------------------------------------


class Neighbour(NamedTuple):
    """A Subnet that an address lies in."""

    subnet: str
    lends_addresses: bool
    """Services may have addresses of it (`enableExternalLBAddress`)."""


def subnet_around(read: Reader, place: tuple[str, Family, int]) -> Neighbour | None:
    """View: the Subnet of a Vpc that has this address, if any has."""
    vpc, family, number = place
    ranges = read.view(ranges_of, (vpc, family))
    at = bisect_right(ranges, (number, 1 << 128)) - 1
    if at < 0 or ranges[at][1] < number:
        return None
    name = ranges[at][2]
    return Neighbour(name, read.view(lends_addresses, name))


def ranges_of(read: Reader, place: tuple[str, Family]) -> list[tuple[int, int, str]]:
    """View: first and last address of each Subnet of a Vpc, in order. Older ones win where two overlap."""
    vpc, family = place
    found = []
    for name in read.view(members_by_age, vpc):
        net = read.view(segment, name)
        network = read.view(addresses, name)[0].of(family) if net and net.is_valid else None
        if network is not None:
            found.append((network.address, network.last_address, name))
    return sorted(found)


def lends_addresses(read: Reader, name: str) -> bool:
    """View: addresses of the Subnet may be those of LoadBalancer Services."""
    subnet = read.get(Subnet, Key(name))
    return subnet is not None and subnet.enable_external_lb_address


def is_in_service_range(read: Reader, family: Family, number: int) -> bool | None:
    """Whether an address lies in the range that the settings name; None when they name none of its family."""
    network = read.view(service_range, None).of(family)
    return None if network is None else number in network


def service_range(read: Reader, _: None) -> Networks:
    """View: the range that the settings name, read once."""
    return parse_cidr_block(read.settings.service_cidr)


def rival(read: Reader, service: Service, vpc: str, place: tuple[str, int, str]) -> Key | None:
    """The Service that has the better right to an external address and port in this Vpc, if there is one.

    Who has it as its ClusterIP comes before all others; then the oldest.
    """
    for other in read.find(SERVICES_OF_ADDRESS, place):
        if other.key == service.key or not other.is_served:
            continue
        is_first = place[0] in map(canonical, other.cluster_ips) or _age(other) < _age(service)
        if is_first and read.view(of_service, other.key) == vpc:
            return other.key
    return None


def _age(service: Service) -> tuple[str, Key]:
    return service.created, service.key


# -- backends ---------------------------------------------------------------------------------------------------------


class Offer(NamedTuple):
    """The endpoints of one slice at one port, as OVN writes them, sorted."""

    family: Family
    port: str
    protocol: str
    ready: tuple[str, ...]
    leaving: tuple[str, ...]
    has_zone_hints: bool
    """Every ready endpoint says from which zones it wants traffic."""
    has_node_hints: bool


class Offers(NamedTuple):
    """What one slice offers; `unreadable` are endpoints that aren't addresses of its family."""

    offers: tuple[Offer, ...] = ()
    unreadable: tuple[str, ...] = ()


NOTHING = Offers()


def offers(read: Reader, key: Key) -> Offers:
    """View: what one slice offers, so that of a Service with fifty slices only the one that changed is read again."""
    found = read.get(EndpointSlice, key)
    if found is None or not found.family or not found.service:
        return NOTHING
    unreadable: dict[str, None] = {}
    ready = _texts(found.family, found.endpoints, READY, unreadable)
    leaving = _texts(found.family, found.endpoints, LEAVING, unreadable)
    willing = [endpoint for endpoint in found.endpoints if endpoint.state == READY]
    zones, nodes = all(each.zones for each in willing), all(each.nodes for each in willing)
    read_ports = (
        Offer(
            found.family,
            name,
            protocol,
            tuple(f"{text}:{port}" for text in ready),
            tuple(f"{text}:{port}" for text in leaving),
            zones,
            nodes,
        )
        for name, protocol, port in found.ports
    )
    return Offers(tuple(read_ports), tuple(unreadable))


def _texts(family: Family, endpoints: tuple[Endpoint, ...], state: int, unreadable: dict[str, None]) -> list[str]:
    found = set()
    for endpoint in endpoints:
        if endpoint.state == state:
            text = backend_address(family, endpoint)
            if text:
                found.add(text)
            else:
                unreadable[endpoint.address] = None
    return sorted(found)


def backend_address(family: Family, endpoint: Endpoint) -> str:
    """The address as it stands before a port; empty when it isn't one of the slice's family."""
    try:
        there, number = parse_address(endpoint.address)
    except Malformed:
        return ""
    if there != family:
        return ""
    return in_brackets(family, address_text(family, number))


def in_brackets(family: Family, text: str) -> str:
    """An address as it stands before a port."""
    return text if family == 4 else f"[{text}]"
