"""Small clusters in which administrators have policies besides the users' NetworkPolicies.

A world speaks one of the two versions of the API: between their policies there is no order, nor between two of one tier
with equal priorities.
"""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from tests.policy.worlds import (
    BLOCKS,
    NAMESPACE_SELECTORS,
    POD_SELECTORS,
    PROTOCOLS,
    Manifest,
    World,
    expression,
    histories,
    of,
    required,
    worlds,
)

API = "policy.networking.k8s.io"
PRIORITIES = (0, 1, 2, 50, 99, 100, 101, 398, 399, 400, 700, 1000)
"""Also those around the places where the numbers of ACLs change their rule."""
SPANS = ((80, 0), (81, 0), (90, 0), (80, 81), (81, 82), (1, 80), (82, 65535))
"""First and last port, or one port and 0."""
NAMES = ("web", "dns", "nobody")
NODE_SELECTORS: list[Manifest] = [
    {},
    required(zone="a"),
    required(expression("gpu", "Exists")),
    required(expression("zone", "NotIn", "a")),
]
CIDRS = sorted({block["cidr"] for block in BLOCKS} | {cidr for block in BLOCKS for cidr in block.get("except", ())})

_pods = st.one_of(
    of(NAMESPACE_SELECTORS).map(lambda spaces: {"namespaces": spaces}),
    st.builds(
        lambda spaces, pods: {"pods": {"namespaceSelector": spaces, "podSelector": pods}},
        of(NAMESPACE_SELECTORS),
        of(POD_SELECTORS),
    ),
)
_beyond = st.one_of(
    st.lists(of(CIDRS), min_size=1, max_size=2, unique=True).map(lambda cidrs: {"networks": cidrs}),
    of(NODE_SELECTORS).map(lambda nodes: {"nodes": nodes}),
)
_spans = st.tuples(st.sampled_from(PROTOCOLS), st.sampled_from(SPANS))
_wordings = st.booleans()


def _old_port(protocol: str, span: tuple[int, int], is_short: bool) -> Manifest:
    first, last = span
    said = {} if is_short and protocol == "TCP" else {"protocol": protocol}
    if last:
        return {"portRange": {**said, "start": first, "end": last}}
    return {"portNumber": {**said, "port": first}}


def _new_port(protocol: str, span: tuple[int, int], _: bool) -> Manifest:
    first, last = span
    return {
        protocol.lower(): {"destinationPort": {"range": {"start": first, "end": last}} if last else {"number": first}}
    }


_FIELDS = {"v1alpha1": ("ports", "namedPort", _old_port), "v1alpha2": ("protocols", "destinationNamedPort", _new_port)}


@st.composite
def _rules(draw: st.DrawFn, version: str, side: str, actions: tuple[str, ...]) -> Manifest:
    ports, named, numbered = _FIELDS[version]
    is_beyond = side == "to" and draw(st.booleans())
    kinds = st.one_of(_pods, _beyond) if is_beyond else _pods
    rule: Manifest = {"action": draw(st.sampled_from(actions)), side: draw(st.lists(kinds, min_size=1, max_size=2))}
    if draw(st.integers(0, 2)):
        items = st.builds(lambda span, word: numbered(*span, word), _spans, _wordings)
        if not is_beyond:  # names go with Pods only
            items = st.one_of(items, st.sampled_from(NAMES).map(lambda name: {named: name}))
        rule[ports] = draw(st.lists(items, min_size=1, max_size=2))
    return rule


@st.composite
def _specs(draw: st.DrawFn, version: str, actions: tuple[str, ...]) -> Manifest:
    spec: Manifest = {"subject": draw(_pods)}
    for direction, side in (("ingress", "from"), ("egress", "to")):
        count = draw(st.sampled_from([0, 1, 1, 2, 2, 3]))
        if count:
            spec[direction] = [draw(_rules(version, side, actions)) for _ in range(count)]
    return spec


def _body(version: str, kind: str, name: str, spec: Manifest) -> Manifest:
    return {"apiVersion": f"{API}/{version}", "kind": kind, "metadata": {"name": name, "uid": name}, "spec": spec}


@st.composite
def _policies(draw: st.DrawFn) -> list[Manifest]:
    version = draw(st.sampled_from(["v1alpha1", "v1alpha2"]))
    found: list[Manifest] = []
    for tier, most in (("Admin", 3), ("Baseline", 2)):
        if version == "v1alpha1" and tier == "Baseline":
            if draw(st.booleans()):
                spec = draw(_specs(version, ("Allow", "Deny")))
                found.append(_body(version, "BaselineAdminNetworkPolicy", "default", spec))
            continue
        kind = "AdminNetworkPolicy" if version == "v1alpha1" else "ClusterNetworkPolicy"
        actions = ("Allow" if version == "v1alpha1" else "Accept", "Deny", "Pass")
        for priority in draw(st.lists(st.sampled_from(PRIORITIES), max_size=most, unique=True)):
            about: dict[str, Any] = {"priority": priority}
            if version == "v1alpha2":
                about["tier"] = tier
            spec = {**about, **draw(_specs(version, actions))}
            found.append(_body(version, kind, f"{tier.lower()}-{priority}", spec))
    return found


def cluster_worlds() -> st.SearchStrategy[World]:
    """Worlds with up to five policies of administrators."""
    return worlds(_policies())


def cluster_histories() -> st.SearchStrategy[tuple[World, ...]]:
    """Such worlds that follow each other in one cluster."""
    return histories(_policies())
