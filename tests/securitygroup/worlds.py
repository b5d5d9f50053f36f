"""Small clusters full of SecurityGroups, as manifests; what is first in a list is what a failing world shrinks to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as some

from ovnloom.api.ip import IP
from ovnloom.pipeline import Pipeline
from ovnloom.settings import Settings
from ovnloom.verdict import Network, Question
from tests.compile.manifests import decode
from tests.securitygroup.reference import Cluster, Packet

Manifest = dict[str, Any]
GROUPS = ("web", "data-base", "data.base")
"""The last two differ in `-` and `.` alone, so that one of them has another Port_Group than usual."""
MISSING = "gone"
PODS = {"a": "one", "b": "one", "c": "two", "d": "two"}
"""Pods and their Subnets."""
SUBNETS = {"one": "10.1.0.0/24,fd00:1::/112", "two": "10.2.0.0/24,fd00:2::/112"}
OUTSIDE = ("192.0.2.7", "2001:db8::7")
PORTS = (80, 81, 443)
AROUND: list[Manifest] = [
    {"apiVersion": "kubeovn.io/v1", "kind": "Vpc", "metadata": {"name": "ovn-cluster"}},
    *(
        {
            "apiVersion": "kubeovn.io/v1",
            "kind": "Subnet",
            "metadata": {"name": name},
            "spec": {"vpc": "ovn-cluster", "cidrBlock": cidr},
        }
        for name, cidr in {"join": "100.64.0.0/16,fd64::/112", **SUBNETS}.items()
    ),
    {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": "n1", "uid": "n1"},
        "status": {
            "addresses": [{"type": "InternalIP", "address": address} for address in ("172.30.0.11", "fd30::11")],
            "conditions": [{"type": "Ready", "status": "True"}],
        },
    },
]
ADDRESSES = {
    "ipv4": ("0.0.0.0/0", "10.1.0.0/24", "10.1.0.2", "10.1.0.3", "10.2.0.9/31", "192.0.2.0/24", "10.0.0.0/8"),
    "ipv6": ("::/0", "fd00:1::/112", "fd00:1::2", "fd00:1::3", "fd00:2::/127", "2001:db8::/32"),
}
MISTAKES: tuple[tuple[str, Any], ...] = (
    ("priority", 0),
    ("priority", 16385),
    ("priority", None),
    ("policy", "reject"),
    ("policy", None),
    ("protocol", "sctp"),
    ("protocol", None),
    ("ipVersion", "IPv4"),
    ("ipVersion", None),
    ("remoteType", "pod"),
    ("remoteType", None),
    ("remoteAddress", "10.1.0.0/33"),
    ("remoteAddress", "everybody"),
    ("remoteAddress", "fd00::1"),
    ("remoteAddress", "10.1.0.1"),
    ("remoteAddress", None),
    ("remoteSecurityGroup", MISSING),
    ("remoteSecurityGroup", None),
    ("localAddress", "fd00::1%eth0"),
    ("localAddress", "10.1.0.2"),
    ("localAddress", "fd00:1::2"),
    ("portRangeMin", None),
    ("portRangeMin", 65535),
    ("portRangeMax", None),
    ("portRangeMax", 65536),
    ("sourcePortRangeMin", 50000),
    ("sourcePortRangeMax", 70000),
)
"""A field and what is written there, or None for nothing; only where it matters is it a mistake."""


@some.composite
def rules(draw: some.DrawFn, tier: int, makes_mistakes: bool = True) -> Manifest:
    """One rule, mostly without a mistake."""
    version = draw(some.sampled_from(("ipv4", "ipv6")))
    rule: Manifest = {
        "ipVersion": version,
        "protocol": draw(some.sampled_from(("all", "tcp", "udp", "icmp"))),
        "priority": draw(some.sampled_from((1, 2, 3, 4, 16384))),
        "policy": draw(
            some.sampled_from(("allow", "allow", "drop", "pass") if tier == 0 else ("allow", "allow", "drop"))
        ),
        "remoteType": draw(some.sampled_from(("address", "securityGroup"))),
    }
    if rule["remoteType"] == "address":
        rule["remoteAddress"] = draw(some.sampled_from(ADDRESSES[version]))
    else:
        rule["remoteSecurityGroup"] = draw(some.sampled_from(GROUPS))
    if rule["protocol"] in ("tcp", "udp"):
        rule["portRangeMin"], rule["portRangeMax"] = draw(some.sampled_from(((80, 80), (1, 65535), (81, 443))))
        if draw(some.integers(0, 3)) == 3:
            span = draw(some.sampled_from(((1024, 65535), (40000, 40000), (1, 39999))))
            rule["sourcePortRangeMin"], rule["sourcePortRangeMax"] = span
    if draw(some.integers(0, 3)) == 3:
        rule["localAddress"] = draw(some.sampled_from(ADDRESSES[version]))
    if makes_mistakes and draw(some.integers(0, 4)) == 4:
        name, value = draw(some.sampled_from(MISTAKES))
        if value is None:
            rule.pop(name, None)
        else:
            rule[name] = value
        if draw(some.booleans()):
            rule["policy"] = "pass"
    return rule


@some.composite
def specs(draw: some.DrawFn, makes_mistakes: bool = True) -> Manifest:
    """What one group wants."""
    tier = draw(some.sampled_from((0, 0, 1)))
    few = some.lists(rules(tier, makes_mistakes), max_size=4)
    spec = {"ingressRules": draw(few), "egressRules": draw(few), "tier": tier}
    return {**spec, "allowSameGroupTraffic": draw(some.booleans())}


EVERYTHING = [
    {
        "ipVersion": version,
        "protocol": "all",
        "priority": 1,
        "policy": "allow",
        "remoteType": "address",
        "remoteAddress": address,
    }
    for version, address in (("ipv4", "0.0.0.0/0"), ("ipv6", "::/0"))
]


@some.composite
def narrow_worlds(draw: some.DrawFn) -> World:
    """All Pods are in one group with one or two rules, and the other direction is open: each part of a rule counts."""
    few = draw(some.lists(rules(0), min_size=1, max_size=2))
    open_, narrow = draw(some.permutations(("ingressRules", "egressRules")))
    spec = {open_: EVERYTHING, narrow: few}
    data_base = {"ingressRules": EVERYTHING, "egressRules": EVERYTHING}
    named = {pod: ("web",) if pod in "ab" else ("web", "data-base") for pod in PODS}
    return World({"web": spec, "data-base": {**data_base, "tier": 1}}, named)


NAMED = some.lists(some.sampled_from((*GROUPS, MISSING)), max_size=3).map(tuple)


@some.composite
def worlds(draw: some.DrawFn, makes_mistakes: bool = True) -> World:
    """Some groups, and the groups that each Pod names."""
    groups = draw(some.lists(some.sampled_from(GROUPS), min_size=1, max_size=3, unique=True))
    named = {pod: tuple(dict.fromkeys(draw(NAMED))) for pod in PODS}
    return World({name: draw(specs(makes_mistakes)) for name in groups}, named)


@dataclass(frozen=True)
class World:
    """The specs of groups by name, and the groups that each Pod names."""

    groups: Mapping[str, Manifest]
    named: Mapping[str, tuple[str, ...]]

    @property
    def bodies(self) -> Iterable[Manifest]:
        for name, spec in self.groups.items():
            meta = {"name": name, "creationTimestamp": "2026-01-01T00:00:00Z"}
            yield {"apiVersion": "kubeovn.io/v1", "kind": "SecurityGroup", "metadata": meta, "spec": spec}
        for pod, subnet in PODS.items():
            annotations = {"ovn.kubernetes.io/logical_switch": subnet}
            if self.named[pod]:
                annotations["ovn.kubernetes.io/security_groups"] = ", ".join(self.named[pod])
            meta = {"name": pod, "namespace": "default", "annotations": annotations}
            yield {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": {"nodeName": "n1"}}

    def compiled(self) -> Compiled:
        pipeline = Pipeline(Settings())
        pipeline.become(decode(*AROUND, *self.bodies))
        found = {
            ip.key.name: tuple(part for part in (ip.v4, ip.v6) if part) for ip in pipeline.world.tables[IP].values()
        }
        addresses = {pod: found[f"{pod}.default"] for pod in PODS}
        groups = {name: {"spec": spec} for name, spec in self.groups.items()}
        return Compiled(pipeline, Network.of(pipeline.wanted), Cluster(groups, self.named, addresses))


@dataclass(frozen=True)
class Compiled:
    """A world's rows as a network that can be asked, and the reference."""

    pipeline: Pipeline
    network: Network
    reference: Cluster

    def questions(self, *protocols: tuple[str, int]) -> Iterable[Question]:
        """Every pair of Pods, and each Pod with somebody outside, by both families."""
        for family, outside in zip((4, 6), OUTSIDE, strict=True):
            for source in PODS:
                for target in PODS:
                    if source != target:
                        for what in protocols:
                            yield Question(f"{source}.default", f"{target}.default", *what, family=family)  # type: ignore[arg-type]
                for what in protocols:
                    yield Question(outside, f"{source}.default", *what, family=family, entry="node-n1")  # type: ignore[arg-type]

    def is_settled(self, question: Question) -> bool:
        """Whether OVN has no choice: where two ACLs of one priority disagree it may take either."""
        steps = (step for branch in self.network.verdict(question).branches for step in branch.steps)
        return not any("disagree" in step.words for step in steps)

    def expected(self, question: Question) -> bool:
        """What the reference says."""
        at = 0 if question.family == 4 else 1

        def address(end: str) -> str:
            pod = end.partition(".")[0]
            return self.reference.addresses[pod][at] if pod in PODS else end

        ends = address(question.source), address(question.target)
        return self.reference.allows(Packet(*ends, question.protocol, question.port, question.source_port))
