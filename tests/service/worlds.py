"""Small worlds full of Services: few addresses, nodes and names, so that they meet."""

from dataclasses import dataclass
from random import Random
from typing import Any

from hypothesis import strategies as st

Body = dict[str, Any]
NODES = ("n1", "n2", "n3")
ZONES = ("a", "b")
EXTERNALS = ("192.0.2.1", "192.0.2.2", "2001:db8::1", "10.96.0.1")
"""One of them is somebody's ClusterIP."""


@dataclass(frozen=True)
class World:
    """Nodes, Services and their slices, as the API server has them."""

    nodes: list[Body]
    services: list[Body]
    slices: list[Body]

    @property
    def bodies(self) -> list[Body]:
        return [*self.nodes, *self.services, *self.slices]


def world(seed: int) -> World:
    """Three nodes, at most two Services, at most three slices each. A seed says all: drawing each part is slow."""
    chance = Random(seed)
    nodes = [_node(name, chance.choice((*ZONES, ""))) for name in NODES]
    services = [_service(chance, at) for at in range(1, chance.randint(1, 2) + 1)]
    slices = [
        _slice(chance, f"{service['metadata']['name']}-{at}", service)
        for service in services
        for at in range(chance.randint(0, 3))
    ]
    return World(nodes, services, slices)


def worlds() -> st.SearchStrategy[World]:
    return st.integers(0, 2**32 - 1).map(world)


def _node(name: str, zone: str) -> Body:
    labels = {"topology.kubernetes.io/zone": zone} if zone else {}
    meta = {"name": name, "labels": labels, "annotations": {"ovn.kubernetes.io/chassis": f"chassis-{name}"}}
    return {"apiVersion": "v1", "kind": "Node", "metadata": meta}


def _service(chance: Random, at: int) -> Body:
    v4, v6 = f"10.96.0.{at}", f"fd00:96::{at}"
    places = chance.sample([(port, protocol) for port in (80, 81) for protocol in ("TCP", "UDP", "SCTP")], 2)
    spec: Body = {
        "type": "ExternalName" if chance.random() < 0.05 else chance.choice(("ClusterIP", "LoadBalancer")),
        "clusterIPs": ["None"] if chance.random() < 0.05 else chance.choice(([v4], [v6], [v4, v6], [v6, v4])),
        "ports": [
            {"port": port, "protocol": protocol, **({"name": "http"} if at else {})}
            for at, (port, protocol) in enumerate(places[: chance.randint(1, 2)])
        ],
        "internalTrafficPolicy": chance.choice(("Cluster", "Local")),
        "externalTrafficPolicy": chance.choice(("Cluster", "Local")),
        "externalIPs": chance.sample(EXTERNALS, chance.randint(0, 2)),
    }
    if chance.random() < 0.2:
        spec["loadBalancerSourceRanges"] = ["203.0.113.0/24"]
    ingress = [
        {"ip": ip, **_maybe(chance, ipMode=chance.choice(("VIP", "Proxy")))}
        for ip in chance.sample(EXTERNALS, chance.randint(0, 2))
    ]
    born = f"2026-01-0{chance.randint(1, 2)}T00:00:00Z"
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": f"s{at}", "namespace": "default", "creationTimestamp": born},
        "spec": spec,
        "status": {"loadBalancer": {"ingress": ingress}},
    }


def _slice(chance: Random, name: str, service: Body) -> Body:
    family = chance.choice((4, 6))
    ports = [
        {**{key: port[key] for key in port if key != "port"}, "port": chance.choice((8080, 8081))}
        for port in service["spec"]["ports"]
        if chance.random() < 0.9
    ]
    if chance.random() < 0.2:
        ports.append({"name": "other", "port": 9})
    wants_hints = chance.choice((0, 0, 0.9, 1))
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {
            "name": name,
            "namespace": "default",
            "labels": {"kubernetes.io/service-name": service["metadata"]["name"]},
        },
        "addressType": f"IPv{family}",
        "ports": ports,
        "endpoints": [_endpoint(chance, family, wants_hints) for _ in range(chance.randint(0, 3))],
    }


def _endpoint(chance: Random, family: int, wants_hints: float) -> Body:
    address = f"10.16.0.{chance.randint(1, 4)}" if family == 4 else f"fd00:16::{chance.randint(1, 4)}"
    conditions: Body = {"ready": True}
    if chance.random() < 0.4:
        conditions = {name: chance.choice((True, False, None)) for name in ("ready", "serving", "terminating")}
        conditions = {name: value for name, value in conditions.items() if chance.random() < 0.8}
    hints: Body = {}
    if chance.random() < wants_hints:
        hints = _maybe(chance, forZones=_names(chance, ZONES), forNodes=_names(chance, NODES))
        hints = hints or {"forZones": _names(chance, ZONES)}
    return {
        "addresses": [address],
        "conditions": conditions,
        **_maybe(chance, nodeName=chance.choice((*NODES, "gone")), hints=hints),
        **({"hints": hints} if wants_hints == 1 else {}),
    }


def _names(chance: Random, words: tuple[str, ...]) -> list[Body]:
    return [{"name": word} for word in chance.sample(words, chance.randint(1, 2))]


def _maybe(chance: Random, **parts: Any) -> Body:
    """Some of these, mostly all."""
    return {name: part for name, part in parts.items() if chance.random() < 0.8}
