"""A world through the pipeline: the rows that it means, the addresses that its Pods got, and what may be asked."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

from ovnloom.api.ip import IP
from ovnloom.api.meta import Key
from ovnloom.pipeline import Pipeline
from ovnloom.settings import Settings
from tests.compile.manifests import decode
from tests.policy.worlds import NODE_LABELS, NODES, NUMBERS, OUTSIDE, PROTOCOLS, SUBNETS, Manifest, World

JOIN = ("100.64.0.0/24", "fd00:100:64::/112")


class Compiled:
    """What a world means. Each Pod has an address of each family that its Subnet has, by the pipeline's own choice."""

    def __init__(self, world: World, pipeline: Pipeline | None = None) -> None:
        """The pipeline may know another world, which becomes this one."""
        self.world = world
        self.pipeline = pipeline or Pipeline(Settings())
        self.pipeline.become([*_around(world), *decode(*world.bodies)])
        ips = self.pipeline.world.tables[IP]
        self.bodies = [
            *(_node(name, world.families) for name in NODES),
            *(_with_addresses(body, ips) if body["kind"] == "Pod" else body for body in world.bodies),
        ]
        """The manifests as the API server has them once the Pods run."""
        self.names = {
            item["ip"]: f"{pod['metadata']['name']}.{pod['metadata']['namespace']}"
            for pod in self.pods
            for item in pod["status"]["podIPs"]
        }
        """The ports of Pods by address."""
        self.nodes = {address: name for name, found in NODES.items() for address in found}
        """Nodes by address."""

    @property
    def pods(self) -> Iterator[Manifest]:
        """The Pods with a port of their own."""
        return (body for body in self.bodies if body["kind"] == "Pod" and not body["spec"].get("hostNetwork"))

    def pairs(self) -> Iterator[tuple[str, str]]:
        """All ordered pairs of addresses of which one is a Pod's. What a Pod sends to itself doesn't leave it."""
        for family in self.world.families:
            pods = [address for address in self.names if (":" in address) == bool(family)]
            others = [found[family] for found in (*NODES.values(), *OUTSIDE)]
            for pod in pods:
                for other in (*pods, *others):
                    if other != pod:
                        yield pod, other
                for other in others:
                    yield other, pod


QUESTIONS = [(protocol, port) for protocol in PROTOCOLS for port in NUMBERS]
"""What is asked about each pair."""


def joined(cidrs: tuple[str, str], families: tuple[int, ...]) -> str:
    return ",".join(cidrs[family] for family in families)


def _subnet(name: str, cidr: str, **spec: Any) -> Manifest:
    body = {"apiVersion": "kubeovn.io/v1", "kind": "Subnet", "metadata": {"name": name}}
    return {**body, "spec": {"vpc": "ovn-cluster", "cidrBlock": cidr, **spec}}


def _node(name: str, families: tuple[int, ...]) -> Manifest:
    addresses = [{"type": "InternalIP", "address": NODES[name][family]} for family in families]
    status = {"addresses": addresses, "conditions": [{"type": "Ready", "status": "True"}]}
    meta = {"name": name, "uid": name, "labels": NODE_LABELS[name]}
    return {"apiVersion": "v1", "kind": "Node", "metadata": meta, "status": status}


def _around(world: World) -> list[Any]:
    """The Vpc, Subnets and Nodes: the same few for all worlds."""
    return _decoded(world.families, tuple(world.subnets.items()))


@cache
def _decoded(families: tuple[int, ...], subnets: tuple[tuple[str, tuple[int, ...]], ...]) -> list[Any]:
    bodies = [
        {"apiVersion": "kubeovn.io/v1", "kind": "Vpc", "metadata": {"name": "ovn-cluster"}},
        _subnet("join", joined(JOIN, families)),
        *(_node(name, families) for name in NODES),
    ]
    for name, theirs in subnets:
        use = {"default": True} if name == "ovn-default" else {"namespaces": ["two"]}
        bodies.append(_subnet(name, joined(SUBNETS[name], theirs), **use))
    return decode(*bodies)


def _with_addresses(pod: Manifest, ips: dict[Key, IP]) -> Manifest:
    if pod["spec"].get("hostNetwork"):
        return pod
    meta = pod["metadata"]
    ip = ips[Key(f"{meta['name']}.{meta['namespace']}")]
    return {**pod, "status": {"podIPs": [{"ip": address} for address in (ip.v4, ip.v6) if address]}}
