"""How OVN watches the backends of a switch's load balancer, and leaves out those that don't answer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from ovnloom.api.endpointslice import UNREADY, EndpointSlice
from ovnloom.api.ip import IP
from ovnloom.api.meta import Key
from ovnloom.api.pod import Pod
from ovnloom.api.service import Service
from ovnloom.api.vip import Vip
from ovnloom.compile.rows import child
from ovnloom.intent import Manifest, Parent, Row
from ovnloom.ipam import FAMILIES, Family
from ovnloom.world.graph import Reader
from ovnloom.world.indexes import IPS_OF_HOLDER
from ovnloom.world.made import Made
from ovnloom.world.nics import holder_name
from ovnloom.world.service import in_brackets, slices
from ovnloom.world.service_indexes import canonical
from ovnloom.world.subnet import segment
from ovnloom.world.switch_lb import is_probed
from ovnloom.world.vip import booked

OPTIONS = {"interval": "5", "timeout": "20", "success_count": "3", "failure_count": "3"}
"""Seconds between probes, seconds until one has failed, how many in a row change the state; kube-ovn's."""
WATCHED = ("tcp", "udp")
"""Protocols that OVN can probe: https://www.ovn.org/support/dist-docs/ovn-nb.5.html, Load_Balancer_Health_Check."""


class Probed(NamedTuple):
    """Load balancers with their probes, and the Vips whose addresses the probes come from."""

    rows: tuple[Row, ...]
    objects: tuple[Manifest, ...] = ()


class _Port(NamedTuple):
    name: str
    subnet: str


def probe(read: Reader, service: Service, rows: Sequence[Row]) -> Probed:
    """Backends that are Pods' are probed from an address of their Subnet, held by a Vip that is named as the Subnet.

    Until that Vip has an address its Subnet's Pods aren't probed. Backends that aren't Pods' never are.
    """
    if not is_probed(service):
        return Probed(tuple(rows))
    ports = dict(_ports(read, service))
    subnets = sorted({port.subnet for port in ports.values()})
    sources = {subnet: read.view(booked, subnet) for subnet in subnets}
    found = [row for each in rows for row in _with_probes(each, ports, sources)]
    return Probed(tuple(found), tuple(_sources(read, subnets)))


def _with_probes(
    row: Row, ports: Mapping[tuple[Family, str], _Port], sources: Mapping[str, IP | None]
) -> Iterator[Row]:
    vips = row.columns["vips"]
    if row.columns.get("protocol") not in WATCHED or not isinstance(vips, Mapping):
        yield row
        return
    mappings: dict[str, str] = {}
    probed: list[str] = []
    for vip, backends in vips.items():
        family: Family = 6 if vip.startswith("[") else 4
        ours = dict(_mappings(family, backends, ports, sources))
        if ours:
            mappings |= ours
            probed.append(vip)
    if not mappings:
        yield row
        return
    yield row._replace(columns={**row.columns, "ip_port_mappings": mappings})
    parent = Parent("Load_Balancer", row.name, "health_check")
    for vip in probed:
        yield child("Load_Balancer_Health_Check", parent, {"vip": vip, "options": OPTIONS})


def _mappings(
    family: Family, backends: str, ports: Mapping[tuple[Family, str], _Port], sources: Mapping[str, IP | None]
) -> Iterator[tuple[str, str]]:
    for backend in filter(None, backends.split(",")):
        address = backend.rpartition(":")[0].strip("[]")
        port = ports.get((family, address))
        source = sources.get(port.subnet) if port is not None else None
        text = (source.v4 if family == 4 else source.v6) if source is not None else ""
        if port is not None and text:
            yield in_brackets(family, address), f"{port.name}:{in_brackets(family, text)}"


def _ports(read: Reader, service: Service) -> Iterator[tuple[tuple[Family, str], _Port]]:
    """The port behind each backend that is a Pod's."""
    for key in slices(read, service.key):
        found = read.get(EndpointSlice, key)
        for endpoint in found.endpoints if found is not None and found.family else ():
            pod = read.get(Pod, Key(endpoint.pod, key.namespace)) if endpoint.pod else None
            if pod is None or found is None or endpoint.state == UNREADY:
                continue
            address = canonical(endpoint.address)
            for ip in read.find(IPS_OF_HOLDER, Key(holder_name(read, pod), key.namespace)):
                if address in (canonical(ip.v4), canonical(ip.v6)):
                    family: Family = FAMILIES[0] if found.family == 4 else FAMILIES[1]
                    yield (family, address), _Port(ip.name, ip.subnet)


def _sources(read: Reader, subnets: Sequence[str]) -> Iterator[Manifest]:
    """The Vips from whose addresses probes come; one that somebody else made under that name does as well."""
    for subnet in subnets:
        net, key = read.view(segment, subnet), Key(subnet)
        there = read.get(Vip, key)
        is_foreign = there is not None and read.get(Made, Made.key_of("Vip", key)) is None
        if net is None or not net.is_ovn or net.is_deleting or (is_foreign and there and there.subnet == subnet):
            continue
        yield Manifest("kubeovn.io/v1", "Vip", key, {"spec": {"subnet": subnet}}, is_shared=True)
