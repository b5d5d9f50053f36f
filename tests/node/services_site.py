"""A node between its Pods and the world, with servers on each Pod that say who asked; and Views to make for it.

pods: 10.16.0.2-9 ── ovn0, 100.64.0.2 ── node ── eth0, 192.0.2.1 ── world: 192.0.2.9, other nodes 192.0.2.2, .3
"""

from __future__ import annotations

import selectors
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from ovnloom.api.endpointslice import EndpointSlice
from ovnloom.api.meta import Key
from ovnloom.api.pod import Pod
from ovnloom.api.service import Service
from ovnloom.node.view import View
from tests.netns import address, forward, inside, namespace, route, wire
from tests.node.views import node, seen, subnet

KINDS = {"TCP": socket.SOCK_STREAM, "UDP": socket.SOCK_DGRAM}
FREEBIND = 15
"""ip(7): IP_FREEBIND, for both families."""
PATIENCE = 0.7
"""Seconds after which nobody answers any more; answers come within milliseconds."""


class Answer(NamedTuple):
    """Who answered, and whom it saw."""

    backend: str
    client: str


Said = Answer | str
"""An answer, `refused` or `silence`."""


@dataclass
class Site:
    """The three namespaces; the test itself is in the node's."""

    node: str
    pods: str
    world: str
    opened: list[socket.socket] = field(default_factory=list)
    waiting: selectors.BaseSelector = field(default_factory=selectors.DefaultSelector)

    def serve(self, at: str, *addresses: str, port: int = 8080) -> None:
        """At each address TCP and UDP are answered."""
        with inside(at):
            for text in addresses:
                family = socket.AF_INET6 if ":" in text else socket.AF_INET
                for kind in KINDS.values():
                    self.opened.append(opened := socket.socket(family, kind))
                    opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                    opened.setsockopt(socket.IPPROTO_IP, FREEBIND, 1)  # an IPv6 address isn't ready before its link is
                    opened.bind((text, port))
                    if kind == socket.SOCK_STREAM:
                        opened.listen(64)
                    self.waiting.register(opened, selectors.EVENT_READ, kind)

    def ask(self, at: str, to: str, port: int, protocol: str = "TCP", own: str = "") -> Said:
        """What comes of one question from a namespace to an address."""
        with inside(at), opened(to, protocol, own) as client:
            return question(client, to, port)


@contextmanager
def opened(to: str, protocol: str = "TCP", own: str = "") -> Iterator[socket.socket]:
    """A client's socket; it stays in the namespace in which it was made."""
    with socket.socket(socket.AF_INET6 if ":" in to else socket.AF_INET, KINDS[protocol]) as client:
        client.settimeout(PATIENCE)
        if own:
            client.bind((own, 0))
        yield client


def question(client: socket.socket, to: str = "", port: int = 0) -> Said:
    """What is answered; without an address, on the connection that is there."""
    try:
        if to:
            client.connect((to, port))
        client.send(b"who")
        said = client.recv(200).decode()
    except (ConnectionRefusedError, PermissionError):  # the kernel tells senders of this host by EPERM
        return "refused"
    except TimeoutError:
        return "silence"
    return Answer(*said.split())


def _answer(site: Site, until: threading.Event) -> None:
    """One thread for all servers, until the event is set."""
    streams: set[socket.socket] = set()
    while not until.is_set():
        for key, _ in site.waiting.select(0.05):
            found = key.fileobj
            assert isinstance(found, socket.socket)
            if key.data == socket.SOCK_STREAM:
                streams.add(stream := found.accept()[0])
                site.waiting.register(stream, selectors.EVENT_READ)
            elif key.data == socket.SOCK_DGRAM:
                _, peer = found.recvfrom(200)
                found.sendto(f"{found.getsockname()[0]} {peer[0]}".encode(), peer)
            elif found.recv(200):
                found.send(f"{found.getsockname()[0]} {found.getpeername()[0]}".encode())
            else:
                streams.discard(found)
                site.waiting.unregister(found)
                found.close()
    for each in (*streams, *site.opened):
        each.close()
    site.waiting.close()


@contextmanager
def site() -> Iterator[Site]:
    """A node with four Pods of its own behind ovn0 and four of other nodes; all answer at 8080."""
    until = threading.Event()
    with namespace() as host, namespace() as pods, namespace() as world, inside(host):
        wire(host, "ovn0", pods)
        wire(host, "eth0", world)
        address(host, "ovn0", "100.64.0.2/16", "fd00:100:64::2/112")
        address(host, "eth0", "192.0.2.1/24", "2001:db8::1/64")
        backends = [f"10.16.0.{at}" for at in range(2, 10)] + [f"fd00:16::{at}" for at in range(2, 10)]
        plain = [f"{each}/{64 if ':' in each else 16}" for each in backends]
        address(pods, "eth0", "100.64.0.1/16", "fd00:100:64::1/112", *plain)
        address(world, "eth0", "192.0.2.9/24", "192.0.2.2/24", "2001:db8::9/64", "2001:db8::2/64")
        for name, via in ((pods, "100.64.0.2"), (world, "192.0.2.1"), (host, "192.0.2.9")):
            route(name, "default", via)
        for name, via in ((pods, "fd00:100:64::2"), (world, "2001:db8::1"), (host, "2001:db8::9")):
            route(name, "default", via)
        route(host, "10.16.0.0/16", "100.64.0.1")
        route(host, "fd00:16::/64", "fd00:100:64::1")
        forward(host)
        found = Site(host, pods, world)
        server = threading.Thread(target=_answer, args=(found, until))
        server.start()
        try:
            found.serve(pods, *backends)
            yield found
        finally:
            until.set()
            server.join()


OWN = "worker-1"
SUBNET = subnet("ovn-default", "10.16.0.0/16,fd00:16::/64", gatewayType="distributed")
NODES = (
    node(OWN, "192.0.2.1", "2001:db8::1", annotations={"ip_address": "100.64.0.2,fd00:100:64::2"}),
    node("worker-2", "192.0.2.2", "2001:db8::2"),
    node("worker-3", "192.0.2.3"),
)


def service(name: str, *, ports: list[dict[str, Any]] | None = None, created: str = "", **spec: Any) -> Service:
    """A Service with ClusterIP 10.96.0.10 and port 80 unless it is said otherwise; `ingress` are its balancer's."""
    ingress = [{"ip": ip} for ip in spec.pop("ingress", ())]
    found = {"clusterIPs": ["10.96.0.10"], "ports": ports or [{"name": "http", "port": 80, "protocol": "TCP"}], **spec}
    meta = {"name": name, "namespace": "shop", "creationTimestamp": created}
    return Service.decode({"metadata": meta, "spec": found, "status": {"loadBalancer": {"ingress": ingress}}})


def backend(at: str, on: str = OWN, **conditions: bool) -> dict[str, Any]:
    """An endpoint, ready unless it is said otherwise."""
    return {"addresses": [at], "nodeName": on, "conditions": conditions or {"ready": True}}


def backends(of: str, *endpoints: dict[str, Any], ports: list[dict[str, Any]] | None = None) -> EndpointSlice:
    """A slice with these endpoints at port 8080; IPv6 when they are."""
    is_new = any(":" in text for each in endpoints for text in each["addresses"])
    kind = "IPv6" if is_new else "IPv4"
    body = {
        "metadata": {
            "name": f"{of}-{kind.lower()}",
            "namespace": "shop",
            "labels": {"kubernetes.io/service-name": of},
        },
        "addressType": kind,
        "ports": ports or [{"name": "http", "port": 8080, "protocol": "TCP"}],
        "endpoints": list(endpoints),
    }
    return EndpointSlice.decode(body)


PODS = tuple(
    Pod.decode(
        {
            "metadata": {
                "name": f"pod-{at}",
                "namespace": "shop",
                "annotations": {
                    "ovn.kubernetes.io/allocated": "true",
                    "ovn.kubernetes.io/ip_address": f"10.16.0.{at},fd00:16::{at}",
                },
            },
            "spec": {"nodeName": OWN},
        }
    )
    for at in range(2, 6)
)
"""Those of worker-1."""


def told(*objects: Service | EndpointSlice, around: tuple[Any, ...] = (SUBNET, *NODES, *PODS)) -> View:
    """The View of worker-1 to which these are all Services and slices."""
    services = {each.key: each for each in objects if isinstance(each, Service)}
    slices: dict[Key, EndpointSlice] = {each.key: each for each in objects if isinstance(each, EndpointSlice)}
    return replace(seen(*around), services=services, slices=slices)
