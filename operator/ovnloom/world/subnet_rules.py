"""The rules that one Subnet's own fields must keep, each with what to write instead."""

from __future__ import annotations

from collections.abc import Iterator

from ovnloom.api.subnet import Subnet
from ovnloom.intent import Problem
from ovnloom.ipam import FAMILIES, Malformed, Networks, Pair, address_text, parse_network, parse_pair, special_use
from ovnloom.ovn.expression import check_match
from ovnloom.world.problem import invalid, shown

GATEWAY_TYPES = ("distributed", "centralized")
DIRECTIONS = ("from-lport", "to-lport")
ACTIONS = ("allow", "allow-related", "allow-stateless", "drop", "reject", "pass")
LEAST_IPV6_MTU = 1280
"""RFC 8200, section 5."""


def check_gateway(networks: Networks, gateway: Pair) -> tuple[Problem, ...]:
    """The CIDRs and gateways can be those of a switch."""
    return _problems(_gateway(networks, gateway))


def check_fields(subnet: Subnet, networks: Networks) -> tuple[Problem, ...]:
    """Every other field says something that can be done."""
    return _problems(_fields(subnet, networks))


def _problems(wrong: Iterator[str]) -> tuple[Problem, ...]:
    return tuple(invalid("ValidateLogicalSwitchFailed", sentence) for sentence in wrong)


def _gateway(networks: Networks, gateway: Pair) -> Iterator[str]:
    special = special_use(networks)
    if special:
        yield f"spec.cidrBlock {special}; choose another CIDR"
    for family in FAMILIES:
        network, number = networks.of(family), gateway.of(family)
        if network is None:
            if number is not None:
                yield (
                    f"spec.gateway {address_text(family, number)} has no CIDR of its family in spec.cidrBlock; "
                    "remove it or add a CIDR"
                )
            continue
        if network.prefix >= (32 if family == 4 else 128):
            yield f"spec.cidrBlock {network} has a single address; use a shorter prefix"
        elif number is not None:
            first, last = network.usable
            if not first <= number <= last:
                span = f"{address_text(family, first)} to {address_text(family, last)}"
                yield (
                    f"spec.gateway {address_text(family, number)} can't be an address of {network}; "
                    f"choose one of {span}, or leave it empty for the first"
                )


def _fields(subnet: Subnet, networks: Networks) -> Iterator[str]:
    yield from subnet.malformed
    if subnet.gateway_type and subnet.gateway_type not in GATEWAY_TYPES:
        yield f"spec.gatewayType is {shown(subnet.gateway_type)}; use distributed or centralized"
    if subnet.mtu < 0 or (subnet.mtu and networks.v6 and subnet.mtu < LEAST_IPV6_MTU):
        yield f"spec.mtu is {subnet.mtu}; use at least {LEAST_IPV6_MTU} for IPv6, or 0 to let the node choose"
    for at, cidr in enumerate(subnet.allow_subnets):
        try:
            parse_network(cidr)
        except Malformed as malformed:
            yield f"spec.allowSubnets[{at}] {malformed}"
    yield from _acls(subnet)
    if subnet.external_egress_gateway:
        if subnet.nat_outgoing:
            yield "spec.externalEgressGateway and spec.natOutgoing exclude each other; use one of them"
        try:
            parse_pair(subnet.external_egress_gateway)
        except Malformed as malformed:
            yield f"spec.externalEgressGateway {malformed}"
    yield from _vips(subnet, networks)
    if subnet.logical_gateway and subnet.u2o_interconnection:
        yield "spec.logicalGateway and spec.u2oInterconnection exclude each other; use one of them"
    yield from _interconnection(subnet, networks)


def _interconnection(subnet: Subnet, networks: Networks) -> Iterator[str]:
    if not subnet.u2o_interconnection_ip or not subnet.is_interconnected:
        return
    where = f"spec.u2oInterconnectionIP is {shown(subnet.u2o_interconnection_ip)}"
    try:
        asked, gateway = parse_pair(subnet.u2o_interconnection_ip), parse_pair(subnet.gateway)
    except Malformed as malformed:
        yield f"spec.u2oInterconnectionIP {malformed}"
        return
    for family in asked.families:
        network, number = networks.of(family), asked.of(family)
        if network is None or number is None or number not in network:
            yield f"{where}, which lies outside spec.cidrBlock {networks}; choose an address of it, or leave it out"
        elif number == (gateway.of(family) or networks.default_gateway.of(family)):
            yield f"{where}, which is the physical gateway; choose another address, or leave it out"


def _acls(subnet: Subnet) -> Iterator[str]:
    for at, acl in enumerate(subnet.acls):
        if acl.direction not in DIRECTIONS:
            yield f"spec.acls[{at}].direction is {shown(acl.direction)}; use from-lport or to-lport"
        if acl.action not in ACTIONS:
            yield f"spec.acls[{at}].action is {shown(acl.action)}; use one of {', '.join(ACTIONS)}"
        if not 0 <= acl.priority <= 32767:
            yield f"spec.acls[{at}].priority is {acl.priority}; use 0 to 32767"
        wrong = check_match(acl.match)
        if wrong:
            yield f"spec.acls[{at}].match {wrong}"


def _vips(subnet: Subnet, networks: Networks) -> Iterator[str]:
    for at, vip in enumerate(subnet.vips):
        try:
            pair = parse_pair(vip)
        except Malformed as malformed:
            yield f"spec.vips[{at}] {malformed}"
            continue
        for family in pair.families:
            network, number = networks.of(family), pair.of(family)
            if network is None or number is None or number not in network:
                yield f"spec.vips[{at}] {vip} is outside spec.cidrBlock {networks}; choose an address in it"
