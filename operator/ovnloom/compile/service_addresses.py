"""The addresses under which a Service is served in its Vpc, and what is wrong with the others."""

from __future__ import annotations

from typing import NamedTuple

from ovnloom.api.service import SWITCH_LB_VIP, Claim, Service
from ovnloom.intent import Problem
from ovnloom.ipam import FAMILIES, Family, Malformed, address_text, parse_address
from ovnloom.world.graph import Reader
from ovnloom.world.problem import idle
from ovnloom.world.service import is_in_service_range, subnet_around
from ovnloom.world.switch_lb import refused

SWITCH_FIELD = f"annotation {SWITCH_LB_VIP}"


class Address(NamedTuple):
    """One address; `is_internal` are ClusterIPs."""

    family: Family
    text: str
    is_internal: bool


def served_addresses(read: Reader, service: Service, vpc: str, problems: dict[Problem, None]) -> tuple[Address, ...]:
    """What a Service claims, without what lies in a Subnet of the Vpc, or a Service could take a Pod's traffic."""
    found: dict[str, Address] = {}
    for claim in service.claims:
        try:
            family, number = parse_address(claim.ip)
        except Malformed as malformed:
            problems[idle("AddressUnreadable", f"{claim.field} {malformed}; it is not served")] = None
            continue
        if claim.field == SWITCH_FIELD:
            refusal = refused(read, service, vpc, family, number)
            if refusal:
                problems[idle("AddressInSubnet", refusal)] = None
                continue
        elif not _is_free(read, vpc, family, number, claim, problems):
            continue
        address = address_text(family, number)
        found.setdefault(address, Address(family, address, claim.is_internal))
    return tuple(sorted(found.values(), key=lambda address: FAMILIES.index(address.family)))


def _is_free(
    read: Reader,
    vpc: str,
    family: Family,
    number: int,
    claim: Claim,
    problems: dict[Problem, None],
) -> bool:
    is_in_range = is_in_service_range(read, family, number)
    if is_in_range and vpc == read.settings.cluster_router:
        return True  # no Subnet of this Vpc overlaps that range
    around = read.view(subnet_around, (vpc, family, number))
    if around is not None and (claim.is_internal or not around.lends_addresses):
        wrong = f"{claim.field} {claim.ip} is an address of Subnet {around.subnet}"
        problems[idle("AddressInSubnet", f"{wrong}; it is not served, choose one that no Subnet has")] = None
        return False
    if claim.is_internal and is_in_range is False:
        wrong = f"{claim.field} {claim.ip} is outside of the range of Services {read.settings.service_cidr}"
        problems[idle("OutsideServiceRange", f"{wrong}; it is served, but set service_cidr to the cluster's")] = None
    return True
