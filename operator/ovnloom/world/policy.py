"""NetworkPolicies, judged: which Pods they are about, by what selections, and under which names they are in OVN."""

from __future__ import annotations

from collections.abc import Iterator

from ovnloom.api.meta import Key
from ovnloom.api.networkpolicy import EGRESS, INGRESS, NetworkPolicy, Peer, Rule
from ovnloom.api.selector import LabelSelector
from ovnloom.ovn import names
from ovnloom.world.selection import Selection, select

EVERYWHERE = LabelSelector()
FOR = "ovn.kubernetes.io/network_policy_for"


def providers(policy: NetworkPolicy) -> tuple[str, ...] | None:
    """The networks whose interfaces a policy is about; None is all. Its annotation names them."""
    asked = policy.annotations.get(FOR)
    if asked is None:
        return None
    found = set()
    for item in map(str.strip, asked.split(",")):
        namespace, slash, definition = item.partition("/")
        if item == names.DEFAULT_PROVIDER:
            found.add(item)
        elif slash and namespace and definition and "/" not in definition:
            found.add(f"{definition}.{namespace}.ovn")
    return tuple(sorted(found))


def unread_providers(policy: NetworkPolicy) -> tuple[str, ...]:
    """The items of that annotation that name no network."""
    items = (item.strip() for item in policy.annotations.get(FOR, "").split(",") if item.strip())
    return tuple(item for item in items if item != names.DEFAULT_PROVIDER and item.count("/") != 1)


def subject(policy: NetworkPolicy, port: str = "", protocol: str = "") -> Selection:
    """The Pods that the policy isolates, or those of them that have a container port of that name."""
    named = (port, protocol) if port else None
    return select(policy.namespace, policy.pods, named, providers(policy))


def peers(policy: NetworkPolicy, peer: Peer, port: str = "", protocol: str = "") -> Selection:
    """The Pods that a peer means, or those of them that have a container port of that name."""
    named = (port, protocol) if port else None
    namespaces = policy.namespace if peer.namespaces is None else peer.namespaces
    return select(namespaces, peer.pods or EVERYWHERE, named, providers(policy))


def any_peer(policy: NetworkPolicy, port: str, protocol: str) -> Selection:
    """All Pods that have a container port of that name: who a rule without peers lets reach it."""
    return select(EVERYWHERE, EVERYWHERE, (port, protocol), providers(policy))


def peer_selections(policy: NetworkPolicy) -> Iterator[Selection]:
    """The groups that the rules of a policy compare addresses or ports with."""
    if INGRESS in policy.isolates:
        for rule in policy.ingress:
            for peer in rule.peers or ():
                if peer.block is None and rule.ports is not None:
                    yield peers(policy, peer)
            for port in rule.ports or ():
                if port.name and rule.peers is not None:
                    yield subject(policy, port.name, port.protocol)
    if EGRESS in policy.isolates:
        for rule in policy.egress:
            yield from _destinations(policy, rule)


def _destinations(policy: NetworkPolicy, rule: Rule) -> Iterator[Selection]:
    if rule.peers is None or rule.ports is None:
        return
    named = [port for port in rule.ports if port.name]
    for peer in rule.peers:
        if peer.block is None:
            if len(named) < len(rule.ports) or not rule.ports:
                yield peers(policy, peer)
            for port in named:
                yield peers(policy, peer, port.name, port.protocol)
    if not rule.peers:
        for port in named:
            yield any_peer(policy, port.name, port.protocol)


def selections(policy: NetworkPolicy) -> Iterator[Selection]:
    """All selections that a policy uses."""
    yield subject(policy)
    yield from peer_selections(policy)


def group_name(key: Key) -> str:
    """The name of a policy's port group, if no older policy's is the same."""
    return names.policy_port_group(key.name, key.namespace)
