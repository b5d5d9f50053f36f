"""Small clusters full of policies, as manifests: two or three namespaces, half a dozen Pods, up to five policies.

There are few labels, ports and networks, so that rules mean somebody and differ in who. What is first in a list is the
simplest: a failing world shrinks towards it. Networks lie around the addresses that Pods get (see `compiled.py`).
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import Any, TypeVar

import yaml
from hypothesis import strategies as st

Manifest = dict[str, Any]
T = TypeVar("T")

NAME = "kubernetes.io/metadata.name"
NAMESPACES = ("one", "two", "three")
POD_LABELS: list[dict[str, str]] = [
    {},
    *({"app": app} for app in "ab"),
    *({"tier": tier} for tier in "xy"),
    *({"app": app, "tier": tier} for app, tier in product("ab", "xy")),
]
NAMESPACE_LABELS: list[dict[str, str]] = [{}, {"team": "red"}, {"team": "blue"}, {"team": "red", "tier": "x"}]

NODES = {"n1": ("172.30.0.11", "fd00:30::11"), "n2": ("172.30.0.12", "fd00:30::12")}
NODE_LABELS = {"n1": {"zone": "a"}, "n2": {"zone": "b", "gpu": ""}}
OUTSIDE = (("192.0.2.7", "2001:db8::7"), ("198.51.100.9", "2001:db8:1::9"))
SUBNETS = {"ovn-default": ("10.16.0.0/24", "fd00:10:16::/112"), "blue": ("10.17.0.0/24", "fd00:10:17::/112")}
FAMILIES = {"4": (0,), "6": (1,), "46": (0, 1)}
PROTOCOLS = ("TCP", "UDP", "SCTP")
NUMBERS = (80, 81, 82, 90)
"""Ports that are asked about; policies and Pods name no others, ranges may be wider."""


def expression(key: str, operator: str, *values: str) -> Manifest:
    return {"key": key, "operator": operator, **({"values": list(values)} if values else {})}


def required(*expressions: Manifest, **labels: str) -> Manifest:
    return {
        **({"matchLabels": labels} if labels else {}),
        **({"matchExpressions": list(expressions)} if expressions else {}),
    }


POD_SELECTORS: list[Manifest] = [
    {},
    required(app="a"),
    required(app="b"),
    required(tier="x"),
    required(app="a", tier="y"),
    required(expression("app", "In", "a", "b")),
    required(expression("app", "In", "b", "c")),
    required(expression("app", "NotIn", "a")),
    required(expression("tier", "NotIn", "x", "y")),
    required(expression("app", "Exists")),
    required(expression("tier", "DoesNotExist")),
    required(expression("app", "Exists"), expression("tier", "NotIn", "x")),
    required(expression("tier", "DoesNotExist"), app="a"),
    required(expression("app", "In", "a"), app="b"),
    required(app="nobody"),
]
NAMESPACE_SELECTORS: list[Manifest] = [
    {},
    required(team="red"),
    required(team="blue"),
    required(**{NAME: "one"}),
    required(expression(NAME, "In", "one", "two")),
    required(expression(NAME, "NotIn", "two")),
    required(expression("team", "NotIn", "red")),
    required(expression("team", "Exists")),
    required(expression("team", "DoesNotExist")),
    required(expression("team", "Exists"), expression("tier", "DoesNotExist")),
    required(team="nobody"),
]
BLOCKS: list[Manifest] = [
    {"cidr": cidr, **({"except": list(excepts)} if excepts else {})}
    for cidr, *excepts in (
        ("0.0.0.0/0",),
        ("::/0",),
        ("10.16.0.0/24",),
        ("10.16.0.2/31",),
        ("10.16.0.4/32",),
        ("10.16.0.0/24", "10.16.0.2/31"),
        ("10.16.0.5/29", "10.16.0.3/32", "10.16.0.6/32"),
        ("0.0.0.0/0", "10.16.0.0/15"),
        ("0.0.0.0/0", "192.0.2.0/24", "10.17.0.0/16"),
        ("10.0.0.0/8", "10.16.0.0/24", "10.16.0.0/28"),
        ("192.0.2.0/24",),
        ("192.0.2.0/24", "192.0.2.0/29"),
        ("172.30.0.0/24", "172.30.0.12/32"),
        ("fd00:10:16::/112",),
        ("fd00:10:16::2/127",),
        ("fd00:10:16::/112", "fd00:10:16::2/127"),
        ("::/0", "fd00::/8"),
        ("::/0", "2001:db8::/64", "fd00:10:17::3/128"),
        ("2001:db8::/32", "2001:db8::/64"),
        ("fd00:30::11/128",),
    )
]
PORTS: list[Manifest] = [
    {"port": 80},
    {"port": 81, "protocol": "TCP"},
    {"port": 80, "protocol": "UDP"},
    {"port": 90, "protocol": "SCTP"},
    {},
    {"protocol": "UDP"},
    {"protocol": "SCTP"},
    {"port": "web"},
    {"port": "web", "protocol": "UDP"},
    {"port": "dns", "protocol": "UDP"},
    {"port": "dns", "protocol": "SCTP"},
    {"port": "nobody"},
    {"port": 80, "endPort": 81},
    {"port": 81, "endPort": 81, "protocol": "UDP"},
    {"port": 82, "endPort": 65535},
    {"port": 1, "endPort": 81, "protocol": "SCTP"},
]


def named(name: str, number: int, protocol: str = "") -> Manifest:
    return {"name": name, "containerPort": number, **({"protocol": protocol} if protocol else {})}


CONTAINERS: list[list[list[Manifest]]] = [
    [[]],
    [[named("web", 80)]],
    [[named("web", 81), named("dns", 81, "UDP")]],
    [[{"containerPort": 82}, named("dns", 80, "UDP")], [named("web", 80, "UDP")]],
    [[named("web", 80, "TCP")], [named("web", 82, "UDP"), named("dns", 90, "SCTP")]],
    [[named("dns", 90)]],
]
"""For each kind of Pod the ports of its containers: a name means other numbers, or protocols, elsewhere."""


@dataclass(frozen=True)
class World:
    """A cluster without addresses of Pods; those of Nodes are in `NODES`. `families` are indexes: 0 IPv4, 1 IPv6."""

    families: tuple[int, ...]
    subnets: dict[str, tuple[int, ...]]
    """The families of each Subnet. The namespace `two` is in `blue`, when there is that Subnet."""
    bodies: tuple[Manifest, ...]
    """Namespaces, Pods and policies."""

    def __repr__(self) -> str:
        """What a failing test shows: to be copied."""
        documents = yaml.dump_all(self.bodies, Dumper=_Plain, default_flow_style=None, sort_keys=False, width=150)
        return f"\n# families {self.families}, Subnets {self.subnets}\n{documents}"

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        """Hypothesis shows it so as well."""
        printer.text(repr(self))


class _Plain(yaml.SafeDumper):
    """Says twice what is there twice."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


_Pool = dict[int, st.SearchStrategy[Any]]
_pools: _Pool = {}


def of(pool: list[T]) -> st.SearchStrategy[T]:
    """One of a list; each list's strategy is made once."""
    if id(pool) not in _pools:
        _pools[id(pool)] = st.sampled_from(pool)
    return _pools[id(pool)]


ABSENT, EMPTY, FILLED = range(3)
_fillings = st.sampled_from([ABSENT, EMPTY, *[FILLED] * 8])
_lengths = st.sampled_from([1, 1, 1, 2, 2, 3])


@st.composite
def some(draw: st.DrawFn, field: str, items: st.SearchStrategy[Any]) -> Manifest:
    """A field with a list, rarely an empty one, rarely not there at all."""
    match draw(_fillings):
        case 0:
            return {}
        case 1:
            return {field: []}
    return {field: [draw(items) for _ in range(draw(_lengths))]}


_peers = st.one_of(
    of(POD_SELECTORS).map(lambda pods: {"podSelector": pods}),
    of(NAMESPACE_SELECTORS).map(lambda spaces: {"namespaceSelector": spaces}),
    st.builds(
        lambda pods, spaces: {"podSelector": pods, "namespaceSelector": spaces},
        of(POD_SELECTORS),
        of(NAMESPACE_SELECTORS),
    ),
    of(BLOCKS).map(lambda block: {"ipBlock": block}),
)
_rules = {
    peers: st.builds(lambda who, what: {**who, **what}, some(peers, _peers), some("ports", of(PORTS)))
    for peers in ("from", "to")
}
_types = st.sampled_from(
    [{}, {"policyTypes": ["Ingress"]}, {"policyTypes": ["Egress"]}, {"policyTypes": ["Ingress", "Egress"]}]
)
_selected = st.one_of(st.just({}), of(POD_SELECTORS))


def _spec(pods: Manifest, types: Manifest, ingress: Manifest, egress: Manifest) -> Manifest:
    return {"podSelector": pods, **types, **ingress, **egress}


policy_specs = st.builds(_spec, _selected, _types, some("ingress", _rules["from"]), some("egress", _rules["to"]))
_pods = st.tuples(
    st.sampled_from(NAMESPACES),
    of(POD_LABELS),
    of(CONTAINERS),
    st.sampled_from(sorted(NODES)),
    st.sampled_from([False] * 9 + [True]),
    st.sampled_from(["containers"] * 5 + ["initContainers"]),
)
_pod_counts = st.sampled_from([2, 4, 5, 5, 6, 6, 6, 7, 8])
_policy_counts = st.sampled_from([0, 1, 1, 2, 2, 3, 3, 4, 5])


def network_policy(at: int, namespace: str, spec: Manifest) -> Manifest:
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": f"np{at}", "namespace": namespace},
        "spec": spec,
    }


def _pod(at: int, drawn: tuple[Any, ...]) -> Manifest:
    namespace, labels, ports, node, in_host_network, place = drawn
    containers = [{"name": f"c{number}", **({"ports": found} if found else {})} for number, found in enumerate(ports)]
    spec: Manifest = {"nodeName": node, "containers": containers}
    if in_host_network:
        spec["hostNetwork"] = True
    if place == "initContainers":  # sidecars
        spec["containers"] = [{"name": "main"}]
        spec["initContainers"] = [{**container, "restartPolicy": "Always"} for container in containers]
    meta = {"name": f"p{at}", "namespace": namespace, "uid": f"p{at}", "labels": labels}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": spec}


def namespace(name: str, labels: dict[str, str]) -> Manifest:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": {NAME: name, **labels}}}


_subnets = st.sampled_from(
    [
        (FAMILIES[families], {"ovn-default": FAMILIES[families], **({"blue": FAMILIES[blue]} if blue else {})})
        for families, blue in (("4", ""), ("6", ""), ("46", ""), ("46", "46"), ("46", "4"), ("46", "6"), ("4", "4"))
    ]
)


Layout = tuple[tuple[int, ...], dict[str, tuple[int, ...]]]
"""The families of a cluster, and of its Subnets."""


@st.composite
def worlds(
    draw: st.DrawFn,
    others: st.SearchStrategy[list[Manifest]] | None = None,
    layouts: st.SearchStrategy[Layout] = _subnets,
) -> World:
    """A cluster with NetworkPolicies, and `others`."""
    families, subnets = draw(layouts)
    spaces = [namespace(name, draw(of(NAMESPACE_LABELS))) for name in NAMESPACES]
    pods = [_pod(at, draw(_pods)) for at in range(draw(_pod_counts))]
    policies = [
        network_policy(at, draw(st.sampled_from(NAMESPACES)), draw(policy_specs)) for at in range(draw(_policy_counts))
    ]
    return World(families, subnets, (*spaces, *pods, *policies, *(draw(others) if others is not None else ())))


@st.composite
def histories(draw: st.DrawFn, others: st.SearchStrategy[list[Manifest]] | None = None) -> tuple[World, ...]:
    """States of one cluster: names stay the same, all else changes, comes or goes."""
    layout = st.just(draw(_subnets))
    return tuple(draw(worlds(others, layout)) for _ in range(draw(st.sampled_from([2, 3]))))
