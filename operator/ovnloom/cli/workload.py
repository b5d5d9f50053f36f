"""The Pods that a workload of the files will have: its controllers make them, so a plan has to make them up."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ovnloom.api.meta import Key, part
from ovnloom.api.node import Node
from ovnloom.api.pod import Pod
from ovnloom.api.statefulset import StatefulSet
from ovnloom.cli.judge import WORKLOADS, Given
from ovnloom.world.world import World

MOST = 10_000
"""Pods that one workload may mean; more is a slip of the finger and would take minutes."""


@dataclass(frozen=True, slots=True)
class Expansion:
    """The Pods that come because of one workload, and those that go because it wants fewer."""

    given: Given
    coming: tuple[Mapping[str, Any], ...] = ()
    going: tuple[Key, ...] = ()
    there: int = 0
    """Pods of it that exist and stay."""
    note: str = ""
    """What the plan doesn't know of it."""


def expand(given: Given, world: World) -> Expansion:
    """A StatefulSet's Pods have their real names, those of other workloads made-up ones.

    Pods that exist already count, and stay as they are.
    """
    kind, spec = given.kind, part(given.body, "spec")
    there = sorted(pods_of(given, world))
    if kind == "StatefulSet":
        return _stateful(given, spec, world, there)
    if kind == "DaemonSet":
        return _daemon(given, spec, world, there)
    asked = spec.get(WORKLOADS[given.api_version, kind])
    wanted = 1 if asked is None else asked
    if kind == "Job" and type(spec.get("completions")) is int:
        wanted = min(wanted, spec["completions"])
    wanted, note = _limited(given, wanted)
    names = (f"{given.key.name}-{number}" for number in range(1, wanted + 1))
    free = [name for name in names if Key(name, given.key.namespace) not in there]
    coming = tuple(_pod(given, spec, name) for name in free[: max(wanted - len(there), 0)])
    if len(there) > wanted:
        note = f"{given} has {len(there)} Pods and wants {wanted}: which of them go is Kubernetes' choice"
    return Expansion(given, coming, (), len(there), note)


def pods_of(given: Given, world: World) -> Iterator[Key]:
    """The Pods that exist of a workload."""
    spec = part(given.body, "spec")
    selector = part(part(spec, "selector"), "matchLabels") or part(part(part(spec, "template"), "metadata"), "labels")
    for key, pod in world.tables[Pod].items():
        if key.namespace != given.key.namespace or pod.finished or pod.owner is None:
            continue
        if given.kind == "Deployment":
            is_its = pod.owner.kind == "ReplicaSet" and bool(selector) and selector.items() <= pod.labels.items()
        else:
            is_its = (pod.owner.kind, pod.owner.name) == (given.kind, given.key.name)
        if is_its:
            yield key


def _stateful(given: Given, spec: Mapping[str, Any], world: World, there: Iterable[Key]) -> Expansion:
    found: StatefulSet | None = world.tables[StatefulSet].get(given.key)
    start, replicas = (found.start, found.replicas) if found else (0, 1)
    wanted, note = _limited(given, replicas)
    keys = [Key(f"{given.key.name}-{ordinal}", given.key.namespace) for ordinal in range(start, start + wanted)]
    exist = set(there)
    coming = tuple(_pod(given, spec, key.name, found.uid if found else "") for key in keys if key not in exist)
    return Expansion(given, coming, tuple(sorted(exist - set(keys))), len(exist & set(keys)), note)


def _daemon(given: Given, spec: Mapping[str, Any], world: World, there: Iterable[Key]) -> Expansion:
    selector = part(part(part(spec, "template"), "spec"), "nodeSelector")
    nodes = [node for node in world.tables[Node].values() if selector.items() <= node.labels.items()]
    served = {world.tables[Pod][key].node for key in there}
    coming = tuple(
        _pod(given, spec, f"{given.key.name}-{node.name}", node=node.name)
        for node in sorted(nodes, key=lambda node: node.name)
        if node.name not in served
    )
    note = "" if nodes else f"{given} has a Pod on each Node, and no Node is known"
    return Expansion(given, coming, (), len(served), note)


def _limited(given: Given, wanted: int) -> tuple[int, str]:
    if wanted <= MOST:
        return max(wanted, 0), ""
    return MOST, f"{given} wants {wanted} Pods, of which the plan looks at the first {MOST}"


def _pod(given: Given, spec: Mapping[str, Any], name: str, uid: str = "", node: str = "") -> Mapping[str, Any]:
    template = part(spec, "template")
    meta, inside = part(template, "metadata"), dict(part(template, "spec"))
    if node:
        inside["nodeName"] = node
    # A Deployment owns its Pods through a ReplicaSet.
    kind = "ReplicaSet" if given.kind == "Deployment" else given.kind
    owner = {"apiVersion": given.api_version, "kind": kind, "name": given.key.name, "uid": uid, "controller": True}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": name,
            "namespace": given.key.namespace,
            "labels": meta.get("labels") or {},
            "annotations": meta.get("annotations") or {},
            "ownerReferences": [owner],
        },
        "spec": inside,
    }
