"""A Subnet with a namespace that is bound to it, and a Pod there on each node."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from demo.tour.place import Place, Pod

IMAGE = "registry.k8s.io/e2e-test-images/agnhost:2.56"
WEB = 8080
"""The port at which the Pods answer; /hostname says the Pod's name, /clientip who asked."""


@contextmanager
def bound(place: Place, name: str, only: str = "", **spec: Any) -> Iterator[tuple[Pod, ...]]:
    """Subnet and namespace NAME and the Pods, by node, are there inside of the block; `only` on one node if given."""
    pod = {
        "nodeSelector": {"kubernetes.io/hostname": only} if only else {},
        "terminationGracePeriodSeconds": 0,
        "tolerations": [{"operator": "Exists"}],
        "containers": [{"name": "end", "image": IMAGE, "args": ["netexec", f"--http-port={WEB}"]}],
    }
    template = {"metadata": {"labels": {"app": "end"}}, "spec": pod}
    ends = {"selector": {"matchLabels": {"app": "end"}}, "template": template}
    items = [
        {"apiVersion": "kubeovn.io/v1", **_object("Subnet", name), "spec": {**spec, "namespaces": [name]}},
        {"apiVersion": "v1", **_object("Namespace", name)},
        {"apiVersion": "apps/v1", **_object("DaemonSet", "end", name), "spec": ends},
    ]
    try:
        apply(place, *items)
        yield place.on_each_node(name, "end")
    finally:
        for words in (("daemonset", "end", "-n", name), ("subnet", name)):
            place.kubectl("delete", *words, "--ignore-not-found", "--cascade=foreground", "--timeout=60s")
        place.kubectl("delete", "namespace", name, "--ignore-not-found", "--wait=false")


def apply(place: Place, *objects: dict[str, Any]) -> None:
    """The cluster holds these."""
    content = json.dumps({"apiVersion": "v1", "kind": "List", "items": objects})
    place.sandbox.kubectl("apply", "-f", "-", stdin=content)


def change(place: Place, name: str, **spec: Any) -> None:
    """The Subnet says this; fields of None are left out."""
    place.kubectl("patch", "subnet", name, "--type=merge", "-p", json.dumps({"spec": spec}))


def _object(kind: str, name: str, namespace: str = "") -> dict[str, Any]:
    return {"kind": kind, "metadata": {"name": name, **({"namespace": namespace} if namespace else {})}}
