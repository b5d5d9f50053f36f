"""The addresses under which a Service is served in its Vpc, and what is wrong with the others."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from ovnloom.api.service import Service
from ovnloom.intent import Problem
from ovnloom.ipam import FAMILIES, Family, Malformed, address_text, parse_address
from ovnloom.world.graph import Reader
from ovnloom.world.problem import idle, shown
from ovnloom.world.service import is_in_service_range, subnet_around


class Address(NamedTuple):
    """One address; `is_internal` are ClusterIPs."""

    family: Family
    text: str
    is_internal: bool


def served_addresses(read: Reader, service: Service, vpc: str, problems: dict[Problem, None]) -> tuple[Address, ...]:
    """ClusterIPs, externalIPs and the load balancer's IPs, of the families in which it has a ClusterIP.

    An address that a Subnet of the Vpc has is left to that Subnet, or a Service could take a Pod's traffic. With
    loadBalancerSourceRanges the load balancer's IPs are left to the nodes: a Load_Balancer row can't look at who
    sends, so serving them here would let everybody in.
    """
    found: dict[str, Address] = {}
    families: set[Family] = set()
    for field, text, is_internal in _all(service):
        try:
            family, number = parse_address(text)
        except Malformed as malformed:
            problems[idle("AddressUnreadable", f"{field} {malformed}; it is not served")] = None
            continue
        if is_internal:
            families.add(family)
        elif family not in families:
            continue
        if not _is_free(read, vpc, family, number, field, text, is_internal, problems):
            continue
        address = address_text(family, number)
        found.setdefault(address, Address(family, address, is_internal))
    return tuple(sorted(found.values(), key=lambda address: FAMILIES.index(address.family)))


def _all(service: Service) -> Iterator[tuple[str, str, bool]]:
    for ip in service.cluster_ips:
        yield "spec.clusterIPs", ip, True
    for ip in service.external_ips:
        yield "spec.externalIPs", ip, False
    for ip in service.ingress_ips if not service.source_ranges else ():
        yield "status.loadBalancer.ingress", ip, False


def _is_free(
    read: Reader,
    vpc: str,
    family: Family,
    number: int,
    field: str,
    text: str,
    is_internal: bool,
    problems: dict[Problem, None],
) -> bool:
    is_in_range = is_in_service_range(read, family, number)
    if is_in_range and vpc == read.settings.cluster_router:
        return True  # no Subnet of this Vpc overlaps that range
    around = read.view(subnet_around, (vpc, family, number))
    if around is not None and (is_internal or not around.lends_addresses):
        wrong = f"{field} {text} is an address of Subnet {around.subnet}"
        problems[idle("AddressInSubnet", f"{wrong}; it is not served, choose one that no Subnet has")] = None
        return False
    if is_internal and is_in_range is False:
        wrong = f"{field} {shown(text)} is outside of the range of Services {read.settings.service_cidr}"
        problems[idle("OutsideServiceRange", f"{wrong}; it is served, but set service_cidr to the cluster's")] = None
    return True
