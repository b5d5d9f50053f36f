"""What Subnets let through, said once more and independently of the code that makes rows of it.

A packet is asked about on the switch of each Subnet that it crosses: when it enters (from a Pod or from the router),
and when it leaves (to a Pod or to the router). Written from docs/kinds/subnet.md and the actions of ovn-nb(5), ACL.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from ipaddress import ip_address, ip_network
from typing import Any

Manifest = Mapping[str, Any]
STRICTEST = ("drop", "reject", "pass", "allow", "allow-related", "allow-stateless")
JOIN = ("100.64.0.0/16", "fd64::/112")


@dataclass(frozen=True)
class Packet:
    """The first packet of a connection, on one switch."""

    source: str
    target: str
    protocol: str
    port: int
    inport: str = ""
    outport: str = ""

    @property
    def version(self) -> int:
        return 6 if ":" in self.source else 4


Match = Callable[[Packet], bool]
MATCHES: Mapping[str, Match] = {
    "ip": lambda packet: True,
    "ip4": lambda packet: packet.version == 4,
    "ip6": lambda packet: packet.version == 6,
    "ip4.src == 10.2.0.0/24": lambda packet: within(packet.source, "10.2.0.0/24"),
    "ip4.dst == 10.1.0.2": lambda packet: packet.target == "10.1.0.2",
    "ip4.src == {10.1.0.2, 100.64.0.0/16}": lambda packet: (
        packet.source == "10.1.0.2" or within(packet.source, "100.64.0.0/16")
    ),
    "ip6.src == fd00:2::/112 && tcp": lambda packet: within(packet.source, "fd00:2::/112") and packet.protocol == "tcp",
    "tcp.dst == 80": lambda packet: packet.protocol == "tcp" and packet.port == 80,
    "udp || tcp.dst == 443": lambda packet: packet.protocol == "udp" or (packet.protocol, packet.port) == ("tcp", 443),
    "icmp4 || icmp6": lambda packet: packet.protocol == "icmp",
    'inport == "a.default"': lambda packet: packet.inport == "a.default",
    'outport == "b.default" && ip': lambda packet: packet.outport == "b.default",
    "ip4 && ip4.dst != 10.0.0.0/8": lambda packet: packet.version == 4 and not within(packet.target, "10.0.0.0/8"),
}
"""Matches that users may write, and what each of them means."""


def within(address: str, network: str) -> bool:
    return ip_address(address) in ip_network(network)


@dataclass(frozen=True)
class Cluster:
    """Specs of Subnets by name, and the Subnet and addresses of each Pod by the name of its port."""

    subnets: Mapping[str, Manifest]
    pods: Mapping[str, tuple[str, tuple[str, ...]]]

    def allows(self, packet: Packet) -> bool:
        """Whether it gets there; who isn't a Pod sends and gets everything."""
        sender, receiver = self._at(packet.source), self._at(packet.target)
        start, end = (self.pods[port][0] if port else None for port in (sender, receiver))
        if start is not None and start == end:
            return self._crosses(start, replace(packet, inport=sender, outport=receiver))
        return (start is None or self._crosses(start, replace(packet, inport=sender, outport="the router's"))) and (
            end is None or self._crosses(end, replace(packet, inport="the router's", outport=receiver))
        )

    def _at(self, address: str) -> str:
        return next((port for port, (_, found) in self.pods.items() if address in found), "")

    def _crosses(self, subnet: str, packet: Packet) -> bool:
        spec = self.subnets[subnet]
        return all(self._passes(spec, direction, packet) for direction in ("from-lport", "to-lport"))

    def _passes(self, spec: Manifest, direction: str, packet: Packet) -> bool:
        said = [*_acls(spec, direction, packet), *(_private(spec, packet) if direction == "to-lport" else ())]
        if not said:
            return True
        first = max(priority for priority, _ in said)
        action = min((action for priority, action in said if priority == first), key=STRICTEST.index)
        return action not in ("drop", "reject")


def _acls(spec: Manifest, direction: str, packet: Packet) -> Iterator[tuple[int, str]]:
    for acl in spec.get("acls", ()):
        sees = packet if direction == "to-lport" else replace(packet, outport="")
        if acl["direction"] == direction and MATCHES[acl["match"]](sees):
            yield acl["priority"], acl["action"]
    if spec.get("acls") and spec.get("allowEWTraffic") and _is_inside(spec, packet):
        yield 1900, "allow"


def _private(spec: Manifest, packet: Packet) -> Iterator[tuple[int, str]]:
    if not spec.get("private"):
        return
    yield 1000, "drop"
    if _is_inside(spec, packet) or any(_are_ends(spec, packet, other) for other in spec.get("allowSubnets", ())):
        yield 1001, "allow"
    if within(packet.source, JOIN[0]) or within(packet.source, JOIN[1]):
        yield 3000, "allow"


def _has(spec: Manifest, address: str) -> bool:
    return any(within(address, cidr) for cidr in spec["cidrBlock"].split(","))


def _is_inside(spec: Manifest, packet: Packet) -> bool:
    return _has(spec, packet.source) and _has(spec, packet.target)


def _are_ends(spec: Manifest, packet: Packet, other: str) -> bool:
    there = within(packet.source, other) and _has(spec, packet.target)
    return there or (_has(spec, packet.source) and within(packet.target, other))
