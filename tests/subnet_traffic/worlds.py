"""Small clusters of Subnets that isolate, as manifests, and what may be asked of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from hypothesis import strategies as some

from ovnloom.api.ip import IP
from ovnloom.api.meta import Key
from ovnloom.pipeline import Pipeline
from ovnloom.settings import Settings
from ovnloom.verdict import Network, Protocol, Question
from tests.compile.manifests import decode
from tests.subnet_traffic.reference import JOIN, MATCHES, Cluster, Packet

Manifest = dict[str, Any]
CIDRS = {"one": "10.1.0.0/24,fd00:1::/112", "two": "10.2.0.0/24,fd00:2::/112", "three": "10.3.0.0/24"}
PODS = {"a": "one", "b": "one", "c": "two", "d": "three"}
OUTSIDE = {4: "192.0.2.7", 6: "2001:db8::7"}
ACTIONS = ("drop", "allow-related", "reject", "allow", "pass", "allow-stateless")
OTHERS = ("10.2.0.0/24", "fd00:2::/112", "10.0.0.0/8", "192.0.2.0/24", "10.3.0.2/32")

ACLS = some.fixed_dictionaries(
    {
        "direction": some.sampled_from(("to-lport", "from-lport")),
        "priority": some.sampled_from((999, 1000, 1001, 1500, 1900, 3000, 3001, 32767)),
        "match": some.sampled_from(tuple(MATCHES)),
        "action": some.sampled_from(ACTIONS),
    }
)
SPECS = some.fixed_dictionaries(
    {
        "private": some.booleans(),
        "allowSubnets": some.lists(some.sampled_from(OTHERS), max_size=2),
        "allowEWTraffic": some.booleans(),
        "acls": some.lists(ACLS, max_size=3),
    }
)


@some.composite
def worlds(draw: some.DrawFn) -> World:
    return World({name: {"cidrBlock": cidr, **draw(SPECS)} for name, cidr in CIDRS.items()})


@dataclass(frozen=True)
class World:
    """The specs of Subnets by name; there is a Pod or two in each."""

    subnets: Mapping[str, Manifest]

    @property
    def bodies(self) -> Iterable[Manifest]:
        ours = "kubeovn.io/v1"
        yield {"apiVersion": ours, "kind": "Vpc", "metadata": {"name": "ovn-cluster"}}
        for name, spec in {"join": {"cidrBlock": ",".join(JOIN)}, **self.subnets}.items():
            body = {"apiVersion": ours, "kind": "Subnet", "metadata": {"name": name}}
            yield {**body, "spec": {"vpc": "ovn-cluster", **spec}}
        addresses = [{"type": "InternalIP", "address": address} for address in ("172.30.0.11", "fd30::11")]
        status = {"addresses": addresses, "conditions": [{"type": "Ready", "status": "True"}]}
        yield {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n1", "uid": "n1"}, "status": status}
        for pod, subnet in PODS.items():
            annotations = {"ovn.kubernetes.io/logical_switch": subnet}
            meta = {"name": pod, "namespace": "default", "annotations": annotations}
            yield {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": {"nodeName": "n1"}}

    @cached_property
    def pipeline(self) -> Pipeline:
        found = Pipeline(Settings())
        found.become(decode(*self.bodies))
        return found

    @cached_property
    def network(self) -> Network:
        return Network.of(self.pipeline.wanted)

    @cached_property
    def addresses(self) -> Mapping[str, tuple[str, ...]]:
        """Of each port, the node's included."""
        ips: dict[Key, IP] = self.pipeline.world.tables[IP]
        return {ip.key.name: tuple(part for part in (ip.v4, ip.v6) if part) for ip in ips.values()}

    @cached_property
    def reference(self) -> Cluster:
        pods = {f"{pod}.default": (subnet, self.addresses[f"{pod}.default"]) for pod, subnet in PODS.items()}
        return Cluster(self.subnets, pods)

    def questions(self, *asked: tuple[Protocol, int]) -> Iterable[Question]:
        """Pods among each other, with their node, and with somebody outside."""
        ports = [*(f"{pod}.default" for pod in PODS), "node-n1"]
        for family in (4, 6):
            here = [port for port in ports if self._of(port, family)]
            for what in asked:
                for one in here:
                    for other in here:
                        if one != other:
                            yield Question(one, other, *what, family=family)  # type: ignore[arg-type]
                    if one != "node-n1":
                        yield Question(one, OUTSIDE[family], *what, family=family)  # type: ignore[arg-type]
                        yield Question(OUTSIDE[family], one, *what, family=family, entry="node-n1")  # type: ignore[arg-type]

    def _of(self, port: str, family: int) -> str:
        return next((found for found in self.addresses[port] if (":" in found) == (family == 6)), "")

    def is_settled(self, question: Question) -> bool:
        """Whether OVN has no choice: where two ACLs of one priority disagree it may take either."""
        steps = (step for branch in self.network.verdict(question).branches for step in branch.steps)
        return not any("disagree" in step.words for step in steps)

    def expected(self, question: Question) -> bool:
        """What the reference says."""
        ends = (
            self._of(end, question.family or 4) if end in self.addresses else end
            for end in (question.source, question.target)
        )
        return self.reference.allows(Packet(*ends, question.protocol, question.port))
