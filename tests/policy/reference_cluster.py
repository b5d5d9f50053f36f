"""What policies of administrators and of users allow together, read off the documentation of their APIs.

Rules are those of AdminNetworkPolicy and BaselineAdminNetworkPolicy (v1alpha1) and of ClusterNetworkPolicy (v1alpha2),
https://network-policy-api.sigs.k8s.io/reference/spec/. Two policies of one tier with equal priorities have no order, so
they aren't considered, and neither are domain names.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tests.policy.reference import INGRESS, Body, Question, Reference, is_in, labels_of, namespace_of, selects

ADMIN, BASELINE = "Admin", "Baseline"
ALLOWING, DENYING = ("Allow", "Accept"), ("Deny",)


class ClusterReference(Reference):
    """A cluster in which administrators have policies as well; nodes may have labels."""

    def passes(self, direction: str, subject: str, peer: str, question: Question) -> bool:
        """Tiers are asked in their order, and the first that decides is right (ClusterNetworkPolicy, spec.tier).

        NetworkPolicies always decide about Pods that they isolate. Where nobody decides, everybody may talk.
        """
        if subject not in self.pods:
            return True
        for decision in (
            self.by_tier(ADMIN, direction, subject, peer, question),
            self.by_network_policies(direction, subject, peer, question),
            self.by_tier(BASELINE, direction, subject, peer, question),
        ):
            if decision is not None:
                return decision
        return True

    def by_tier(self, tier: str, direction: str, subject: str, peer: str, question: Question) -> bool | None:
        """What the first rule says that means the connection: policies by priority, the least first, rules as written.

        None when that passes, to the next tier, or when there is no such rule.
        """
        rules, peers = ("ingress", "from") if direction == INGRESS else ("egress", "to")
        for spec in self.specs(tier):
            if not self.peer_has(spec["subject"], subject):
                continue
            for rule in spec.get(rules) or ():
                if any(self.peer_has(item, peer) for item in rule[peers]) and self.covers(rule, question):
                    return {**dict.fromkeys(ALLOWING, True), **dict.fromkeys(DENYING, False)}.get(rule["action"])
        return None

    def specs(self, tier: str) -> Iterator[Body]:
        """The policies of a tier in their order."""
        kind = "AdminNetworkPolicy" if tier == ADMIN else "BaselineAdminNetworkPolicy"
        found = [body["spec"] for body in self.kinds.get(kind, ())]
        found += [body["spec"] for body in self.kinds.get("ClusterNetworkPolicy", ()) if body["spec"]["tier"] == tier]
        yield from sorted(found, key=lambda spec: int(spec.get("priority", 0)))

    def peer_has(self, peer: Body, address: str) -> bool:
        """Whether a subject or a peer means the address; one of its fields is there. Pods in their node's network are
        not meant as Pods.
        """
        ((kind, what),) = peer.items()
        if kind == "networks":
            return any(is_in(address, cidr) for cidr in what)
        if kind == "nodes":
            return address in self.nodes and selects(what, self.node_labels(self.nodes[address]))
        pod = self.pods.get(address)
        if pod is None:
            return False
        spaces, pods = (
            (what, {}) if kind == "namespaces" else (what.get("namespaceSelector") or {}, what["podSelector"])
        )
        return selects(spaces, self.namespaces[namespace_of(pod)]) and selects(pods, labels_of(pod))

    def node_labels(self, name: str) -> Any:
        return next(labels_of(node) for node in self.kinds["Node"] if node["metadata"]["name"] == name)

    def covers(self, rule: Body, question: Question) -> bool:
        """Whether the rule is about the target's port: without ports (or protocols) about all."""
        items = rule.get("ports", rule.get("protocols"))
        return items is None or any(self.port_is(item, question) for item in items)

    def port_is(self, item: Body, question: Question) -> bool:
        """One field of an item is there. A port's name has no protocol: it means a port of whatever protocol it is."""
        ((kind, what),) = item.items()
        match kind:
            case "namedPort" | "destinationNamedPort":
                return (what, question.protocol, question.port) in self.named_ports(question.target)
            case "portNumber":
                return bool(what.get("protocol", "TCP") == question.protocol and what["port"] == question.port)
            case "portRange":
                is_same = what.get("protocol", "TCP") == question.protocol
                return is_same and bool(what["start"] <= question.port <= what["end"])
        if kind.upper() != question.protocol:
            return False
        port = what["destinationPort"]
        if "number" in port:
            return bool(port["number"] == question.port)
        return bool(port["range"]["start"] <= question.port <= port["range"]["end"])
