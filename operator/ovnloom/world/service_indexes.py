"""The indexes of Services and their EndpointSlices."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ovnloom.api.endpointslice import EndpointSlice
from ovnloom.api.meta import Key
from ovnloom.api.service import Service
from ovnloom.ipam import Malformed, address_text, parse_address
from ovnloom.world.world import Index


def canonical(text: str) -> str:
    """An address as OVN stores and compares it; what isn't one stays as it is."""
    try:
        return address_text(*parse_address(text)) if text else ""
    except Malformed:
        return text


def _places(service: Service) -> Iterator[tuple[str, int, str]]:
    """Each address, port and protocol of a Service: what no other Service of its Vpc can have."""
    for claim in service.claims:
        for port in service.ports:
            yield canonical(claim.ip), port.port, port.protocol


def _service(found: EndpointSlice) -> Iterable[Key]:
    return (found.service_key,) if found.service else ()


SLICES_OF_SERVICE = Index("slices of service", EndpointSlice, _service)
SERVICES_OF_ADDRESS = Index("services of address", Service, _places, lambda service: (service.created, service.key))
SERVICE_INDEXES = (SLICES_OF_SERVICE, SERVICES_OF_ADDRESS)
