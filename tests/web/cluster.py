"""A cluster in a file, of any size."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

Body = dict[str, Any]
SPACES = tuple(f"team-{number:02}" for number in range(20))
NODES = 50
EVIL = "<img src=x onerror=\"document.title='owned'\">"
"""Markup where the API server takes any text."""


def body(
    api: str, kind: str, name: str, namespace: str = "", *, labels: Mapping[str, str] | None = None, **more: Any
) -> Body:
    meta = {"name": name, "labels": dict(labels or {}), **({"namespace": namespace} if namespace else {})}
    return {"apiVersion": api, "kind": kind, "metadata": meta, **more}


def pod(name: str, namespace: str, node: str, **labels: str) -> Body:
    containers = [{"name": "main", "image": "registry.example/none"}]
    return body("v1", "Pod", name, namespace, labels=labels, spec={"nodeName": node, "containers": containers})


def policy(name: str, namespace: str, app: str, peer: str) -> Body:
    """The Pods of one app are reached by another app only."""
    spec = {
        "podSelector": {"matchLabels": {"app": app}},
        "policyTypes": ["Ingress"],
        "ingress": [{"from": [{"podSelector": {"matchLabels": {"app": peer}}}]}],
    }
    return body("networking.k8s.io/v1", "NetworkPolicy", name, namespace, spec=spec)


def node(number: int) -> Body:
    status = {
        "addresses": [{"type": "InternalIP", "address": f"172.31.{number}.2"}],
        "conditions": [{"type": "Ready", "status": "True"}],
    }
    return body("v1", "Node", f"worker-{number:02}", status=status)


def bodies(pods: int) -> Iterator[Body]:
    """Twenty namespaces in ten Subnets of two Vpcs, with a policy in each, and their Pods on fifty nodes."""
    yield body("kubeovn.io/v1", "Vpc", "acme", spec={"namespaces": SPACES[:6]})
    for number in range(10):
        spec = {
            "cidrBlock": f"10.{200 + number}.0.0/16",
            "vpc": "acme" if number < 3 else "ovn-cluster",
            "namespaces": SPACES[2 * number : 2 * number + 2],
        }
        yield body("kubeovn.io/v1", "Subnet", f"net-{number}", spec=spec)
    yield body("kubeovn.io/v1", "Subnet", "broken", spec={"cidrBlock": EVIL})
    yield from (body("v1", "Namespace", name) for name in SPACES)
    yield from (node(number) for number in range(NODES))
    yield from (policy("front", name, "db", "web") for name in SPACES)
    for number in range(pods):
        app = ("web", "db", "job")[number // len(SPACES) % 3]
        yield pod(f"{app}-{number:05}", SPACES[number % len(SPACES)], f"worker-{number % NODES:02}", app=app)


def write(path: Path, pods: int) -> Path:
    path.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": list(bodies(pods))}))
    return path
