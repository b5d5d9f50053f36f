"""The rules of SecurityGroups, judged: what each means, and what is wrong with it.

A rule with a mistake never opens anything: one that allows is left out, so that what it would have allowed stays
denied, and any other one drops all that it could have meant, so that no rule after it allows that.
"""

from __future__ import annotations

from typing import Literal, NamedTuple, cast

from ovnloom.api.securitygroup import SecurityGroup, SecurityRule
from ovnloom.intent import Problem
from ovnloom.ipam import FAMILIES, Family, Malformed, address_text, parse_address, parse_network
from ovnloom.world.graph import Reader
from ovnloom.world.problem import invalid, shown
from ovnloom.world.securitygroup import port_group

REASON = "ValidateSecurityGroupFailed"
FIRST, LAST = 1, 16384
"""Priorities; the first is asked first."""
BEFORE_FIRST = 0
"""That of a rule whose own can't be read: nothing comes before it, or beside it."""
LAST_PORT = 65535
VERSIONS: dict[str, Family] = {"ipv4": 4, "ipv6": 6}
PROTOCOLS = ("all", "icmp", "tcp", "udp")
WITH_PORTS = ("tcp", "udp")
Policy = Literal["allow", "drop", "pass"]
POLICIES: tuple[Policy, ...] = ("allow", "drop", "pass")
Span = tuple[int, int]


class Meaning(NamedTuple):
    """What a rule says of the traffic between the group's Pods (here) and others (there)."""

    policy: Policy
    priority: int
    families: tuple[Family, ...]
    protocol: str = ""
    """`icmp`, `tcp`, `udp`, or nothing for all."""
    remote: str = ""
    """An address or CIDR there, or nothing for any."""
    remote_group: str = ""
    """The Port_Group of the Pods there, or nothing for anybody."""
    local: str = ""
    """An address or CIDR here, or nothing for any."""
    ports: Span | None = None
    """Destination ports, first and last; None for all."""
    source_ports: Span | None = None


class Judgement(NamedTuple):
    """A rule's meaning, None when none is safe, and what is wrong with the rule."""

    path: str
    meaning: Meaning | None
    wrong: tuple[Problem, ...]


def judge(read: Reader, group: SecurityGroup, rule: SecurityRule) -> Judgement:
    """What a rule means. It is read part by part, as of a rule that drops each part counts that can be read."""
    found = _Reading(rule)
    policy, priority = found.policy(group), found.priority()
    families, protocol = found.families(), found.protocol()
    remote, remote_group = found.remote(read, group)
    local = found.address("localAddress", rule.local_address) if rule.local_address else ""
    if found.is_mixed(families, remote, local):
        families, remote, local = FAMILIES, "", ""
    ports = source_ports = None
    if protocol in WITH_PORTS:
        ports = found.span("portRange", rule.port_min, rule.port_max)
        if rule.source_port_min or rule.source_port_max:
            source_ports = found.span("sourcePortRange", rule.source_port_min, rule.source_port_max)
    wrong = tuple(found.wrong)
    if wrong and policy == "allow":
        return Judgement(rule.path, None, wrong)
    meaning = Meaning(policy, priority, families, protocol, remote, remote_group, local, ports, source_ports)
    return Judgement(rule.path, meaning._replace(policy="drop") if wrong else meaning, wrong)


class _Reading:
    """Reads the parts of one rule, and remembers what is wrong with them."""

    def __init__(self, rule: SecurityRule) -> None:
        self.rule = rule
        self.wrong = [invalid(REASON, sentence) for sentence in rule.malformed]

    def complain(self, field: str, sentence: str) -> None:
        """The sentence goes on after the field's path; a field of a wrong type was complained about already."""
        where = f"{self.rule.path}.{field} "
        if not any(said.startswith(where) for said in self.rule.malformed):
            self.wrong.append(invalid(REASON, where + sentence))

    def choose(self, field: str, written: str, choices: tuple[str, ...]) -> bool:
        if written not in choices:
            words = f"{', '.join(choices[:-1])} or {choices[-1]}"
            self.complain(field, f"is {shown(written)}; use {words}" if written else f"is missing; use {words}")
        return written in choices

    def policy(self, group: SecurityGroup) -> Policy:
        written = self.rule.policy
        if not self.choose("policy", written, POLICIES):
            return "drop"
        if written == "pass" and group.tier != 0:
            self.complain("policy", "is pass, but after spec.tier 1 comes no other; use allow or drop, or tier 0")
        return cast(Policy, written)

    def priority(self) -> int:
        written = self.rule.priority
        if FIRST <= written <= LAST:
            return written
        self.complain("priority", f"is {written}; use {FIRST} (asked first) to {LAST}")
        return BEFORE_FIRST

    def families(self) -> tuple[Family, ...]:
        is_known = self.choose("ipVersion", self.rule.ip_version, tuple(VERSIONS))
        return (VERSIONS[self.rule.ip_version],) if is_known else FAMILIES

    def protocol(self) -> str:
        is_known = self.choose("protocol", self.rule.protocol, PROTOCOLS)
        return self.rule.protocol if is_known and self.rule.protocol != "all" else ""

    def remote(self, read: Reader, group: SecurityGroup) -> tuple[str, str]:
        """The address there and the Port_Group there; both empty where the rule means everybody, or can't be read."""
        rule = self.rule
        if not self.choose("remoteType", rule.remote_type, ("address", "securityGroup")):
            return "", ""
        if rule.remote_type == "address":
            return self.address("remoteAddress", rule.remote_address), ""
        other = rule.remote_security_group
        if not other:
            self.complain("remoteSecurityGroup", "is missing; name a SecurityGroup")
            return "", ""
        found = read.view(port_group, other)
        if found is None:
            where = f"{rule.path}.remoteSecurityGroup is {shown(other)}"
            wrong = f"{where}, which does not exist; create that SecurityGroup or name another"
            self.wrong.append(Problem("SecurityGroupMissing", wrong))
        elif other == group.name:
            wrong = f"is {other}, the group itself; use spec.allowSameGroupTraffic, or name another group"
            self.complain("remoteSecurityGroup", wrong)
        return "", found or ""

    def address(self, field: str, written: str) -> str:
        """An address or CIDR in the form that OVN takes, without host bits; empty when it can't be read."""
        if not written.strip():
            self.complain(field, "is missing; write an address like 10.16.0.5 or a CIDR like 10.16.0.0/16")
            return ""
        try:
            return str(parse_network(written)) if "/" in written else address_text(*parse_address(written))
        except Malformed as malformed:
            self.complain(field, str(malformed))
            return ""

    def is_mixed(self, families: tuple[Family, ...], remote: str, local: str) -> bool:
        """Whether an address is of another family than the rule."""
        fields = (("remoteAddress", remote), ("localAddress", local))
        mixed = [field for field, found in fields if found and (6 if ":" in found else 4) not in families]
        for field in mixed:
            other = "ipv4" if self.rule.ip_version == "ipv6" else "ipv6"
            wrong = f"is of the family {other}, but ipVersion is {self.rule.ip_version}; change one of them"
            self.complain(field, wrong)
        return bool(mixed)

    def span(self, field: str, first: int, last: int) -> Span | None:
        """The first and last port; None when they can't be read."""
        if 1 <= first <= last <= LAST_PORT:
            return None if (first, last) == (1, LAST_PORT) else (first, last)
        for end, written in (("Min", first), ("Max", last)):
            if not written:
                self.complain(field + end, f"is missing; {self.rule.protocol} needs a port from 1 to {LAST_PORT}")
            elif written > LAST_PORT:
                self.complain(field + end, f"is {written}; use 1 to {LAST_PORT}")
        if first > last > 0:
            self.complain(field + "Min", f"is {first}, above {field}Max {last}; exchange them")
        return None
