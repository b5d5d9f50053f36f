"""Cluster-wide policies, judged: which Pods they are about, by what selections, and by which names OVN knows them."""

from __future__ import annotations

from collections.abc import Iterator

from ovnloom.api.adminnetworkpolicy import AdminNetworkPolicy
from ovnloom.api.baselineadminnetworkpolicy import BaselineAdminNetworkPolicy
from ovnloom.api.cluster_policy import ClusterPolicy, Pods, Rule
from ovnloom.api.clusternetworkpolicy import ClusterNetworkPolicy
from ovnloom.api.networkpolicy import PROTOCOLS, Port
from ovnloom.api.selector import Expression
from ovnloom.ovn import names
from ovnloom.world.selection import NAMESPACE_LABEL, Selection, Terms, select

KINDS: tuple[type[ClusterPolicy], ...] = (AdminNetworkPolicy, BaselineAdminNetworkPolicy, ClusterNetworkPolicy)
SHORT: dict[type, names.ClusterKind] = {
    AdminNetworkPolicy: "anp",
    BaselineAdminNetworkPolicy: "banp",
    ClusterNetworkPolicy: "cnp",
}
Named = tuple[str, str]
"""A container port's name, and its protocol."""


def named_ports(rule: Rule) -> Iterator[Named]:
    """The named ports of a rule, in each protocol that a Pod may have them in."""
    for port in rule.ports:
        if port.name:
            yield from ((port.name, protocol) for protocol in ([port.protocol] if port.protocol else PROTOCOLS))


def numeric_ports(rule: Rule) -> tuple[Port, ...]:
    """The ports of a rule that have a number."""
    return tuple(port for port in rule.ports if not port.name)


def pods(of: Pods, port: Named | None = None) -> Selection:
    """The Pods that are meant, or those of them that have a container port of that name."""
    return select(of.namespaces, of.pods, port)


def subject(policy: ClusterPolicy, port: Named | None = None) -> Selection:
    """The Pods that the policy is about, or those of them that have a container port of that name."""
    return pods(policy.subject, port)


def rule_peers(rule: Rule) -> Iterator[Pods]:
    """The Pods at the other end of a rule's traffic."""
    return (peer.pods for peer in rule.peers if peer.pods is not None)


def peer_selections(policy: ClusterPolicy) -> Iterator[Selection]:
    """The groups that the rules of a policy compare addresses or ports with."""
    for rule in policy.ingress:
        yield from map(pods, rule_peers(rule))
        if rule.peers:
            yield from (subject(policy, port) for port in named_ports(rule))
    for rule in policy.egress:
        named = tuple(named_ports(rule))
        for peer in rule_peers(rule):
            if numeric_ports(rule) or not named:
                yield pods(peer)
            yield from (pods(peer, port) for port in named)
        if named and any(peer.anything for peer in rule.peers):
            yield from (pods(Pods(), port) for port in named)


def selections(policy: ClusterPolicy) -> Iterator[Selection]:
    """All selections that a policy uses."""
    yield subject(policy)
    yield from peer_selections(policy)


def may_meet(one: Selection, other: Selection) -> bool:
    """Whether a Pod can be of both; False only where their requirements exclude each other."""
    return not (_exclude(_namespaces(one), _namespaces(other)) or _exclude(one.pods, other.pods))


def _namespaces(selection: Selection) -> Terms:
    return (Expression(NAMESPACE_LABEL, "In", (selection.namespace,)),) if selection.namespace else selection.namespaces


def _exclude(one: Terms, other: Terms) -> bool:
    return any(_contradict(a, b) or _contradict(b, a) for a in one for b in other if a.key == b.key)


def _contradict(one: Expression, other: Expression) -> bool:
    match one.operator, other.operator:
        case "In", "In":
            return not set(one.values) & set(other.values)
        case "In", "NotIn":
            return set(one.values) <= set(other.values)
        case (("In" | "Exists"), "DoesNotExist"):
            return True
    return False
