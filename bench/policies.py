"""Policies at a scale that no sandbox holds, without any server: the cost of what is there, and of one change to it."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from dataclasses import replace
from time import process_time
from typing import Any

from bench import bars
from bench.bars import Line
from bench.pure import NODES, start, stored, subnet
from ovnloom.api.ip import IP, labels
from ovnloom.api.meta import FINALIZER
from ovnloom.api.namespace import Namespace
from ovnloom.api.networkpolicy import NetworkPolicy
from ovnloom.api.node import Node
from ovnloom.api.pod import Pod
from ovnloom.api.vpc import Vpc
from ovnloom.pipeline import Pipeline

PODS, POLICIES = 4, 3
"""Of each namespace."""
CROWD = 1000
"""Pods of the one large namespace."""
CHANGES = 100


def run(namespaces: int, crowd: int = CROWD) -> list[Line]:
    """Full: every Pod has its address already; all is compiled and planned against no rows. Times are of CPU."""
    pipeline, cost = start(_objects(namespaces, crowd))
    moves = [_relabel(pipeline, at % namespaces, at // namespaces) for at in range(CHANGES)]
    team = [_move(pipeline, "b" if at % 2 == 0 else "a") for at in range(6)]
    what = f"{namespaces * POLICIES:,} policies, {namespaces:,} namespaces, {namespaces * PODS + crowd:,} Pods"
    return [
        Line(f"{what}: into the world", cost.read, "s"),
        Line(f"{what}: assign and compile", cost.compiled, "s"),
        Line(f"{what}: plan of {cost.operations:,} operations", cost.planned, "s"),
        Line(f"{what}: full", cost.full, "s", bars.POLICIES_SECONDS),
        Line(f"{what}: most memory", cost.peak, "MiB", bars.POLICIES_MIB),
        Line("a Pod's labels change, median", statistics.median(moves) * 1e3, "ms", bars.LABEL_MS),
        Line("a Pod's labels change, slowest", max(moves) * 1e3, "ms"),
        Line(f"a namespace's labels move {crowd:,} Pods, median", statistics.median(team) * 1e3, "ms", bars.TEAM_MS),
    ]


def _relabel(pipeline: Pipeline, namespace: int, times: int) -> float:
    """Seconds until a Pod is planned out of one set and one policy, and into others."""
    pod = _pod(namespace, 0)
    pod = replace(pod, labels={"app": "app-2"} if times % 2 == 0 else {"app": "app-0"})
    return _seconds(pipeline, pod)


def _move(pipeline: Pipeline, team: str) -> float:
    """Seconds until all Pods of a namespace are planned into the set of another team."""
    return _seconds(pipeline, _namespace("crowd", {"team": team}))


def _seconds(pipeline: Pipeline, found: Any) -> float:
    started = process_time()
    pipeline.put(type(found), found.key, found)
    pipeline.run()
    plan = pipeline.plan()
    seconds = process_time() - started
    assert plan.operations
    stored(pipeline, plan)
    return seconds


def _objects(namespaces: int, crowd: int) -> Iterator[Any]:
    yield Vpc.decode({"metadata": {"name": "ovn-cluster"}})
    for name, cidr in (("join", "100.64.0.0/16"), ("ovn-default", "10.0.0.0/10")):
        yield subnet(name, {"cidrBlock": cidr, "default": name == "ovn-default"})
    for at in range(NODES):
        status = {"addresses": [{"type": "InternalIP", "address": f"172.30.{at // 250}.{at % 250 + 1}"}]}
        yield Node.decode({"metadata": {"name": f"node-{at}"}, "status": status})
    number = 10  # the first ones are the gateway and its like
    for at in range(namespaces):
        yield _namespace(f"ns-{at}", {"team": f"team-{at % 50}"})
        yield from _policies(at)
        for pod in range(PODS):
            number += 1
            yield from _with_address(_pod(at, pod), number)
    yield _namespace("crowd", {"team": "a"})
    for team in ("a", "b"):
        selector = {"matchLabels": {"team": team}}
        yield _policy("crowd", team, {}, ingress=[{"from": [{"namespaceSelector": selector}]}])
    for at in range(crowd):
        number += 1
        meta = {"name": f"pod-{at}", "namespace": "crowd", "uid": f"crowd-{at}", "labels": {"app": "crowd"}}
        yield from _with_address(_decoded(meta, at), number)


def _policies(at: int) -> Iterator[NetworkPolicy]:
    """The usual three: nothing comes in, the front reaches the back, and the back one database elsewhere."""
    name = f"ns-{at}"
    yield _policy(name, "deny", {})
    front, back = {"matchLabels": {"app": "app-1"}}, {"matchLabels": {"app": "app-2"}}
    yield _policy(name, "back", back, ingress=[{"from": [{"podSelector": front}], "ports": [{"port": 8080}]}])
    elsewhere = {
        "namespaceSelector": {"matchLabels": {"team": f"team-{at % 50}"}},
        "podSelector": {"matchLabels": {"app": "app-3"}},
    }
    yield _policy(name, "database", back, egress=[{"to": [elsewhere], "ports": [{"port": 5432}]}])


def _policy(namespace: str, name: str, selector: dict[str, Any], **rules: Any) -> NetworkPolicy:
    kinds = [kind.capitalize() for kind in rules] or ["Ingress"]
    spec = {"podSelector": selector, "policyTypes": kinds, **rules}
    return NetworkPolicy.decode({"metadata": {"name": name, "namespace": namespace}, "spec": spec})


def _namespace(name: str, found: dict[str, str]) -> Namespace:
    return Namespace.decode({"metadata": {"name": name, "labels": {"kubernetes.io/metadata.name": name, **found}}})


def _pod(namespace: int, at: int) -> Pod:
    name = f"pod-{at}"
    meta = {"name": name, "namespace": f"ns-{namespace}", "uid": f"{namespace}-{at}", "labels": {"app": f"app-{at}"}}
    return _decoded(meta, namespace)


def _decoded(meta: dict[str, Any], node: int) -> Pod:
    return Pod.decode({"metadata": meta, "spec": {"nodeName": f"node-{node % NODES}"}, "status": {"phase": "Running"}})


def _with_address(pod: Pod, number: int) -> Iterator[Any]:
    name, address = f"{pod.name}.{pod.namespace}", f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}"
    yield IP.decode(
        {
            "metadata": {"name": name, "labels": labels("ovn-default", pod.node), "finalizers": [FINALIZER]},
            "spec": {
                "podName": pod.name,
                "namespace": pod.namespace,
                "subnet": "ovn-default",
                "nodeName": pod.node,
                "ipAddress": address,
                "v4IpAddress": address,
                "macAddress": ":".join(f"{byte:02x}" for byte in (10, 0, *number.to_bytes(4, "big"))),
            },
        }
    )
    yield pod
