"""What SecurityGroups allow, said once more and independently, from manifests and addresses alone.

Written from docs/kinds/securitygroup.md, and sharing nothing with the code that makes rows of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network
from typing import Any

Manifest = Mapping[str, Any]
STRICTEST = ("drop", "pass", "allow")


@dataclass(frozen=True)
class Packet:
    """The first packet of a connection; ports are 0 for icmp."""

    source: str
    target: str
    protocol: str
    port: int
    source_port: int

    @property
    def version(self) -> str:
        return "ipv6" if ":" in self.source else "ipv4"


@dataclass(frozen=True)
class Cluster:
    """Groups by name, the groups that each Pod names, and the addresses of each Pod."""

    groups: Mapping[str, Manifest]
    named: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    addresses: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def allows(self, packet: Packet) -> bool:
        """Whether the sender may send it and the receiver may get it; who isn't a Pod may do either."""
        sends, gets = self._pod(packet.source), self._pod(packet.target)
        return (sends is None or self._lets(sends, "egressRules", packet)) and (
            gets is None or self._lets(gets, "ingressRules", packet)
        )

    def _pod(self, address: str) -> str | None:
        return next((pod for pod, found in self.addresses.items() if address in found), None)

    def _lets(self, pod: str, direction: str, packet: Packet) -> bool:
        if not self.named[pod]:
            return True
        for tier in (0, 1):
            said = self._says(pod, tier, direction, packet)
            if said != "pass":
                return said == "allow"
        return False

    def _says(self, pod: str, tier: int, direction: str, packet: Packet) -> str:
        """What the Pod's groups of a tier say: the rule with the lowest number, then the group itself, then no."""
        here, there = (packet.source, packet.target) if direction == "egressRules" else (packet.target, packet.source)
        rules: list[tuple[int, str]] = []
        has_same = False
        for name in self.named[pod]:
            spec = self.groups[name]["spec"] if name in self.groups else None
            if spec is None or spec.get("tier", 0) != tier:
                continue
            rules += self._about(name, spec, direction, packet, here, there)
            has_same = has_same or (spec.get("allowSameGroupTraffic", False) and self._is_in(there, name))
        if rules:
            first = min(priority for priority, _ in rules)
            return min((policy for priority, policy in rules if priority == first), key=STRICTEST.index)
        return "allow" if has_same else "drop"

    def _is_in(self, address: str, group: str) -> bool:
        pod = self._pod(address)
        return pod is not None and group in self.named[pod]

    def _about(
        self, name: str, spec: Manifest, direction: str, packet: Packet, here: str, there: str
    ) -> Iterator[tuple[int, str]]:
        """Priority and policy of the group's rules that are about the packet."""
        for rule in spec.get(direction, ()):
            parts = list(self._parts(name, spec, rule, packet, here, there))
            if all(part is True for part in parts):
                yield rule["priority"], rule["policy"]
            elif None in parts and rule.get("policy") != "allow" and False not in parts:
                # It was understood in part, and may mean this packet.
                priority = rule.get("priority", 0)
                yield priority if 1 <= priority <= 16384 else 0, "drop"
            elif False in parts or rule.get("policy") == "allow":
                continue

    def _parts(
        self, name: str, spec: Manifest, rule: Manifest, packet: Packet, here: str, there: str
    ) -> Iterator[bool | None]:
        """For each part of a rule whether the packet is what it says; None where it says nothing that can be used."""
        yield True if 1 <= rule.get("priority", 0) <= 16384 else None
        policy = rule.get("policy")
        yield True if policy in ("allow", "drop") or (policy == "pass" and spec.get("tier", 0) == 0) else None
        yield from self._ends(name, rule, packet, here, there)
        yield from _ports(rule, packet)

    def _ends(self, name: str, rule: Manifest, packet: Packet, here: str, there: str) -> Iterator[bool | None]:
        version = rule.get("ipVersion")
        wanted = version if version in ("ipv4", "ipv6") else None
        remote = local = None
        if rule.get("remoteType") == "address":
            remote = _network(rule.get("remoteAddress", ""))
            yield None if remote is None else True
        elif rule.get("remoteType") == "securityGroup":
            other = rule.get("remoteSecurityGroup")
            if other not in self.groups:
                yield None
            else:
                yield self._is_in(there, other)
                yield None if other == name else True
        else:
            yield None
        if rule.get("localAddress"):
            local = _network(rule["localAddress"])
            yield None if local is None else True
        for found in (remote, local):
            if wanted and found is not None and f"ipv{found.version}" != wanted:
                yield None
                return
        yield packet.version == wanted if wanted else None
        for found, address in ((remote, there), (local, here)):
            if found is not None:
                yield ip_address(address) in found


def _network(text: str) -> Any:
    try:
        return ip_network(text, strict=False)
    except ValueError:
        return None


def _ports(rule: Manifest, packet: Packet) -> Iterator[bool | None]:
    protocol = rule.get("protocol")
    if protocol not in ("all", "icmp", "tcp", "udp"):
        yield None
        return
    yield protocol in ("all", packet.protocol)
    if protocol in ("tcp", "udp"):
        yield _within(rule, "portRange", packet.port)
        if rule.get("sourcePortRangeMin") or rule.get("sourcePortRangeMax"):
            yield _within(rule, "sourcePortRange", packet.source_port)


def _within(rule: Manifest, field_name: str, port: int) -> bool | None:
    first, last = rule.get(f"{field_name}Min", 0), rule.get(f"{field_name}Max", 0)
    if not 1 <= first <= last <= 65535:
        return None
    return bool(first <= port <= last)
