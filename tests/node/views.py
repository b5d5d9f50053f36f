"""What a node has been told, from YAML as `kubectl get -o yaml` shows it."""

from __future__ import annotations

from typing import Any

import yaml

from ovnloom.api.meta import Key
from ovnloom.api.node import Node
from ovnloom.api.pod import Pod
from ovnloom.api.subnet import Subnet
from ovnloom.api.vpc import Vpc
from ovnloom.node.view import View

VALID = ({"type": "Validated", "status": "True"},)


def view(text: str, name: str = "worker-1") -> View:
    """The View of a node to which these objects are all there is."""
    found = [body for body in yaml.safe_load_all(text) if body]

    def named(kind: type[Any]) -> dict[str, Any]:
        return {body["metadata"]["name"]: kind.decode(body) for body in found if body["kind"] == kind.__name__}

    pods = {Key(each.key.name, each.key.namespace): each for each in named(Pod).values()}
    return View(name, named(Node), named(Subnet), named(Vpc), pods=pods, complete=True)


def subnet(name: str, cidr: str, *, conditions: tuple[dict[str, str], ...] = VALID, **spec: Any) -> Subnet:
    """A Subnet of the default Vpc that the controller has found valid."""
    body = {
        "metadata": {"name": name},
        "spec": {"cidrBlock": cidr, "vpc": "ovn-cluster", "provider": "ovn", **spec},
        "status": {"conditions": list(conditions), "activateGateway": spec.get("gatewayNode", "").partition(":")[0]},
    }
    return Subnet.decode(body)


def node(name: str, *addresses: str, annotations: dict[str, str] | None = None) -> Node:
    """A Node with these InternalIPs."""
    said = [{"type": "InternalIP", "address": each} for each in addresses]
    ours = {f"ovn.kubernetes.io/{word}": text for word, text in (annotations or {}).items()}
    return Node.decode({"metadata": {"name": name, "annotations": ours}, "status": {"addresses": said}})


def seen(*objects: Any, name: str = "worker-1") -> View:
    """The View of a node to which these objects are all there is."""

    def of(kind: type[Any]) -> dict[str, Any]:
        return {each.key.name: each for each in objects if isinstance(each, kind)}

    pods = {each.key: each for each in objects if isinstance(each, Pod)}
    return View(name, of(Node), of(Subnet), of(Vpc), pods=pods, complete=True)
