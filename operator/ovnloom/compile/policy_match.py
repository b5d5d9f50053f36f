"""What rules of policies compare: ports, addresses of Pods, blocks of addresses, as matches of OVN."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from ovnloom.ovn import names
from ovnloom.ovn.match import (
    UDP,
    Match,
    PortField,
    Side,
    addresses,
    all_of,
    any_of,
    between,
    ip_side,
    is_not,
    is_value,
    one_of,
    to_cidr,
)

Family = names.IPVersion
DHCP_SERVERS = {4: ("255.255.255.255", 68, 67), 6: ("ff02::1:2", 546, 547)}
"""Where clients ask for an address, from which port and to which (RFC 2131, RFC 8415)."""


def asking_for_address(family: Family) -> Match:
    """A client asks the servers of its network for an address, which OVN answers in Subnets with enableDHCP."""
    servers, client, server = DHCP_SERVERS[family]
    return all_of(to_cidr(servers), UDP, is_value("udp.src", client), is_value("udp.dst", server))


@dataclass(frozen=True, slots=True)
class Direction:
    """Traffic to the policy's Pods or from them: OVN's direction, the field with their port, the side of the others."""

    name: names.Direction
    peers: Literal["from", "to"]
    lport: str
    port: PortField
    side: Side


DIRECTIONS = (
    Direction("ingress", "from", "to-lport", "outport", "src"),
    Direction("egress", "to", "from-lport", "inport", "dst"),
)


def ports(asked: Iterable[tuple[str, int, int]]) -> Match:
    """One of these (protocol, first, last) ports of the destination; first 0 is every port of the protocol."""
    single: dict[str, list[int]] = {}
    found: list[Match] = []
    for protocol, first, last in sorted(set(asked)):
        if first and last in (0, first):
            single.setdefault(protocol.lower(), []).append(first)
        elif first:
            found.append(between(f"{protocol.lower()}.dst", first, last))
        else:
            found.append(Match(protocol.lower()))
    for protocol, numbers in sorted(single.items()):
        found.append(is_value(f"{protocol}.dst", one_of(numbers)))
    return any_of(*found)


def from_groups(family: Family, side: Side, groups: Iterable[str]) -> Match:
    """The address is one of Pods in these port groups."""
    sets = sorted({addresses(names.group_addresses(group, family)) for group in groups})
    return is_value(ip_side(family, side), sets[0] if len(sets) == 1 else f"{{{', '.join(sets)}}}")


def block(family: Family, side: Side, cidr: str, excepts: Iterable[str]) -> Match:
    """The address is in the CIDR and in none of the others."""
    field, others = ip_side(family, side), sorted(set(excepts))
    inside = Match(f"ip{family}") if cidr.endswith("/0") else is_value(field, cidr)
    return all_of(inside, is_not(field, one_of(others))) if others else inside
