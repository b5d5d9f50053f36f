"""Policies of the whole cluster (policy.networking.k8s.io), in one form for its three kinds.

What can't be read fails closed, as that API asks (https://network-policy-api.sigs.k8s.io, comments of the peers): a
rule that allows then applies to nothing; a rule that denies or passes on then denies all that it could mean.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from ovnloom.api.condition import Condition
from ovnloom.api.fields import Fields, shown
from ovnloom.api.meta import Object, empty
from ovnloom.api.networkpolicy import PROTOCOLS, Port
from ovnloom.api.selector import OPERATORS, LabelSelector, decode_selector

Tier = Literal["Admin", "Baseline"]
Action = Literal["Allow", "Deny", "Pass"]
EVERYTHING = LabelSelector()
HIGHEST = 1000
"""Number of the lowest precedence; 0 comes first."""
KEYS = frozenset({"namespaces", "pods", "nodes", "networks", "domainNames"})


class Pods(NamedTuple):
    """Pods with these labels of namespaces with those; Pods in their node's network are never meant."""

    namespaces: LabelSelector = EVERYTHING
    pods: LabelSelector = EVERYTHING


class Peer(NamedTuple):
    """The other end, of which one part is there: Pods, nodes, CIDRs, domain names, or anything at all."""

    pods: Pods | None = None
    nodes: LabelSelector | None = None
    networks: tuple[str, ...] = ()
    domains: tuple[str, ...] = ()
    anything: bool = False


ANYTHING = Peer(anything=True)
EVERY_POD = Pods()
EVERYBODY: Mapping[str, Peer] = {"from": Peer(pods=EVERY_POD), "to": ANYTHING}
"""What the unreadable peers of a rule could mean, by the field that they are in: in `from` only Pods can be named."""


class Rule(NamedTuple):
    """What happens to traffic with one of the peers: without any, there is none. Without ports, on all of them.

    A named port has no protocol (`Port.protocol` is empty): it is of whatever protocol a Pod has it.
    """

    action: Action
    peers: tuple[Peer, ...] = ()
    ports: tuple[Port, ...] = ()
    name: str = ""


@dataclass(frozen=True, slots=True)
class ClusterPolicy(Object):
    """What the three kinds say, closed where it couldn't be read; `malformed` says what that is and why."""

    tier: Tier = "Admin"
    priority: int = 0
    """Within the tier, 0 to 1000; the least comes first."""
    subject: Pods = EVERY_POD
    ingress: tuple[Rule, ...] = ()
    egress: tuple[Rule, ...] = ()
    """Of each direction the first rule that meets a packet decides."""
    malformed: tuple[str, ...] = ()
    conditions: tuple[Condition, ...] = field(default=(), compare=False)
    status: Mapping[str, Any] = field(default_factory=empty, compare=False)


class Dialect(NamedTuple):
    """How one kind writes its rules."""

    actions: Mapping[str, Action]
    ports: str
    port: Callable[[Fields], Port | None]
    """A port of the list; None, and a sentence, for one that can't be read."""
    most: int
    """Rules of one direction, and as many peers or ports of a rule."""


def decode_priority(spec: Fields) -> int:
    """spec.priority, which has no default."""
    if spec.body.get("priority") is None:
        spec.malformed.append(f"{spec.path}.priority is missing; use a number from 0 to {HIGHEST}")
    return spec.number("priority", 0, HIGHEST)


def decode_subject(spec: Fields) -> Pods:
    """Whom the policy is about; a requirement that can't be read is left out, so that nobody escapes by it."""
    found = spec.one("subject")
    peer = _pods(found) if found is not None else None
    if found is None or (peer is None and not found.malformed):
        spec.malformed.append(f"{spec.path}.subject says nothing; name either namespaces or pods")
    return Pods(_widest(peer.namespaces), _widest(peer.pods)) if peer else EVERY_POD


def decode_rules(spec: Fields, dialect: Dialect, is_closed: bool) -> tuple[tuple[Rule, ...], tuple[Rule, ...]]:
    """The rules of ingress and egress. Closed: whom they are about isn't certain, so only what denies counts."""
    return tuple(_rules(spec, *side, dialect, is_closed) for side in (("ingress", "from"), ("egress", "to")))  # type: ignore[return-value] # two of them


def _rules(spec: Fields, direction: str, side: str, dialect: Dialect, is_closed: bool) -> tuple[Rule, ...]:
    before = len(spec.malformed)
    listed = spec.many(direction)
    if len(spec.malformed) > before:
        spec.malformed[-1] += f". Until then all {direction} is denied"
        return (Rule("Deny", (EVERYBODY[side],)),)
    rules = [_rule(item, side, dialect, is_closed) for item in listed[: dialect.most]]
    if len(listed) > dialect.most:
        spec.malformed.append(
            f"{spec.path}.{direction} has {len(listed)} rules; use at most {dialect.most}. Rule {dialect.most} "
            "and those after it deny all"
        )
        rules[-1] = Rule("Deny", (EVERYBODY[side],))
    return tuple(rules)


def _rule(fields: Fields, side: str, dialect: Dialect, is_closed: bool) -> Rule:
    name, action = fields.text("name"), dialect.actions.get(fields.text("action"))
    peers, ports = _peers(fields, side), _ports(fields, dialect)
    if action is None:
        known = ", ".join(dialect.actions)
        found = shown(fields.body.get("action"))
        fields.malformed.append(f"{fields.path}.action is {found}; use one of {known}")
    if action != "Allow" and peers and any(peer.domains for peer in peers):
        fields.malformed.append(f"{fields.path} names domainNames, which only a rule that allows can")
        peers = None
    rule = Rule(action or "Deny", peers or (EVERYBODY[side],), ports or (), name)
    return closed(rule) if is_closed or action is None or peers is None or ports is None else rule


def closed(rule: Rule) -> Rule:
    """The rule when a part of it isn't certain: it allows nothing, or denies all that it could mean."""
    return rule._replace(action="Allow", peers=()) if rule.action == "Allow" else rule._replace(action="Deny")


def _peers(fields: Fields, side: str) -> tuple[Peer, ...] | None:
    before = len(fields.malformed)
    peers = tuple(_peer(item, side) for item in fields.many(side))
    if not peers and len(fields.malformed) == before:
        fields.malformed.append(f"{fields.path}.{side} is empty; name at least one peer")
    return peers if len(fields.malformed) == before else None


def _peer(fields: Fields, side: str) -> Peer:
    known = KEYS if side == "to" else frozenset({"namespaces", "pods"})
    named = [key for key, value in fields.body.items() if value is not None]
    if len(named) != 1 or named[0] not in known:
        listed = ", ".join(sorted(known))
        fields.malformed.append(f"{fields.path} must name exactly one of {listed}; update the CRD if it is newer")
        return ANYTHING
    nodes = fields.one("nodes")
    if nodes is not None:
        return Peer(nodes=_selector(nodes))
    for key in ("networks", "domainNames"):
        if key in named:
            items = fields.texts(key)
            if not items:
                fields.malformed.append(f"{fields.path}.{key} names nothing; name at least one")
            return Peer(networks=items) if key == "networks" else Peer(domains=items)
    return Peer(pods=_pods(fields))


def _pods(fields: Fields) -> Pods | None:
    """Namespaces, or Pods of namespaces; None when neither is there, or both are."""
    namespaces, pods = fields.one("namespaces"), fields.one("pods")
    if (namespaces is None) == (pods is None):
        if namespaces is not None:
            fields.malformed.append(f"{fields.path} has namespaces and pods; use one of them")
        return None
    if namespaces is not None:
        return Pods(_selector(namespaces))
    assert pods is not None  # one of them is there
    chosen, spaces = pods.one("podSelector"), pods.one("namespaceSelector")
    return Pods(_selector(spaces) if spaces else EVERYTHING, _selector(chosen) if chosen else EVERYTHING)


def _selector(fields: Fields) -> LabelSelector:
    """The selector; the API server doesn't check the ones of these kinds, as it does for its own."""
    before = len(fields.malformed)
    found = decode_selector(fields)
    for at, (key, operator, values) in enumerate(found.match_expressions):
        path = f"{fields.path}.matchExpressions[{at}]"
        if not key:
            fields.malformed.append(f"{path}.key is empty; name a label")
        if operator in ("In", "NotIn") and not values:
            fields.malformed.append(f"{path} has no values; {operator} needs at least one")
        if operator in ("Exists", "DoesNotExist") and values:
            fields.malformed.append(f"{path} has values; {operator} takes none")
    unknown = sorted(fields.body.keys() - {"matchLabels", "matchExpressions"})
    if unknown:
        fields.malformed.append(f"{fields.path} has {shown(unknown[0])}; use matchLabels and matchExpressions")
    if len(fields.malformed) == before:
        return found
    return LabelSelector(found.match_labels, found.match_expressions, malformed=True)


def _widest(selector: LabelSelector) -> LabelSelector:
    """The requirements that could be read."""
    if not selector.malformed:
        return selector
    readable = tuple(
        one
        for one in selector.match_expressions
        if one.key and one.operator in OPERATORS and bool(one.values) == (one.operator in ("In", "NotIn"))
    )
    return LabelSelector(selector.match_labels, readable)


def _ports(fields: Fields, dialect: Dialect) -> tuple[Port, ...] | None:
    before = len(fields.malformed)
    if fields.body.get(dialect.ports) is None:
        return ()
    ports = tuple(port for item in fields.many(dialect.ports) if (port := dialect.port(item)) is not None)
    if not ports and len(fields.malformed) == before:
        fields.malformed.append(f"{fields.path}.{dialect.ports} is empty; name a port, or remove it for all")
    return ports if len(fields.malformed) == before else None


def only_field(fields: Fields, known: Mapping[str, Any] | frozenset[str]) -> str:
    """The one field that is there; empty, and a sentence, when that isn't so or when it isn't known."""
    named = [key for key, value in fields.body.items() if value is not None]
    if len(named) == 1 and named[0] in known:
        return named[0]
    fields.malformed.append(f"{fields.path} must have exactly one of {', '.join(sorted(known))}")
    return ""


def decode_range(fields: Fields, protocol: str) -> Port | None:
    """`start` and `end` of a range of ports."""
    first, last = fields.number("start", 1, 65535), fields.number("end", 1, 65535)
    if protocol not in PROTOCOLS:
        fields.malformed.append(f"{fields.path}.protocol is {shown(protocol)}; use TCP, UDP or SCTP")
        return None
    if not first or last < first:
        fields.malformed.append(f"{fields.path} must have a start from 1 to 65535 and an end that isn't less")
        return None
    return Port(protocol, first, last)
