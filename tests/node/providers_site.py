"""A host with Open vSwitch whose second interface leads to a machine of the physical network, and its agent's part."""

from __future__ import annotations

import asyncio
import json
import os
import socket
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

import pytest

from ovnloom.api.meta import Key
from ovnloom.api.node import Node
from ovnloom.api.pod import Pod
from ovnloom.api.providernetwork import ProviderNetwork
from ovnloom.api.vlan import Vlan
from ovnloom.host import netns as host_netns
from ovnloom.host.ovs import OpenVSwitch
from ovnloom.kube.client import Client
from ovnloom.kube.events import Events
from ovnloom.node.part import Means
from ovnloom.node.providers import Providers
from ovnloom.node.view import View
from ovnloom.settings import NodeSettings
from ovnloom.world.tables import BY_KIND, BY_TYPE
from sandbox import Host, OpenVswitch, Sandbox, client
from sandbox.errors import CommandError
from sandbox.openvswitch import SOCKET
from tests.netns import address, inside, namespace

NODE = "worker-1"
HOST, HOST6, PEER, PEER6 = "198.18.7.2", "2001:db8::2", "198.18.7.1", "2001:db8::1"
FAR = "198.51.100.0/24"
Answer = TypeVar("Answer")


@dataclass
class Site:
    """`act` runs coroutines with the real API server; what they do to the host's network they do to `host`."""

    host: Host
    cluster: Sandbox
    executor: ThreadPoolExecutor
    peer: str
    """The network namespace of a machine of the physical network."""
    made: list[tuple[str, str]] = field(default_factory=list)

    @property
    def ovs(self) -> OpenVswitch:
        return OpenVswitch(self.host)

    def act(self, use: Callable[[Providers, Means], Awaitable[Answer]]) -> Answer:
        """What `use` answers, given a part of an agent that has just been started."""

        async def run() -> Answer:
            ovs = OpenVSwitch(f"unix:{self.host.path(SOCKET)}")
            ovs.start()
            api = await Client.open(str(self.cluster.kubeconfig))
            events = Events(api, repeat=0)
            task = asyncio.create_task(events.run())
            try:
                means = Means(NODE, NodeSettings(), api, events, ovs)
                return await use(Providers(means), means)
            finally:
                while len(events):  # noqa: ASYNC110  # nobody tells that all are written
                    await asyncio.sleep(0.01)
                task.cancel()
                await api.close()
                await asyncio.to_thread(ovs.stop)

        return asyncio.run(run())

    def converge(self) -> None:
        """The part has done what the cluster says now."""

        async def use(part: Providers, means: Means) -> None:
            await part.converge(await view(means.client))

        self.act(use)

    def network(self, name: str = "phys", **spec: Any) -> None:
        body = {"defaultInterface": "eth1", **spec}
        self.apply("ProviderNetwork", name, body)

    def apply(self, kind: str, name: str, spec: dict[str, Any]) -> None:
        body = {"apiVersion": "kubeovn.io/v1", "kind": kind, "metadata": {"name": name}, "spec": spec}
        self.cluster.kubectl("apply", "-f", "-", stdin=json.dumps(body))
        self.made.append((kind, name))

    def delete(self, kind: str, name: str) -> None:
        plural = BY_KIND["kubeovn.io/v1", kind].plural
        self.cluster.kubectl("delete", f"{plural}.kubeovn.io", name, "--ignore-not-found")

    def labels(self) -> dict[str, str]:
        """What the Node says about ProviderNetworks."""
        found = json.loads(self.cluster.kubectl("get", "node", NODE, "-o", "json"))["metadata"]["labels"]
        return {key: value for key, value in found.items() if ".provider-network." in key}

    def addresses(self, interface: str) -> set[str]:
        """The addresses of an interface of the host, link-local ones left out."""
        try:
            said = json.loads(self.host.run("ip", "-json", "address", "show", "dev", interface))
        except CommandError:
            return set()
        found = (each for link in said for each in link.get("addr_info", ()))
        return {f"{each['local']}/{each['prefixlen']}" for each in found if each["scope"] != "link"}

    def routes(self) -> list[str]:
        """All routes of the host but the kernel's own, without the order in which they were made."""
        said = [self.host.run("ip", family, "route", "show", "table", "all") for family in ("-4", "-6")]
        lines = " ".join(said).replace("\n ", "\n").splitlines()
        own = (line for line in lines if "dev eth1" in line or "dev br-phys" in line)
        return sorted(" ".join(line.split()) for line in own if "table local" not in line and "fe80::" not in line)

    def is_reached(self, address: str, count: int = 1) -> bool:
        """Whether the machine of the physical network gets an answer to each ping, and no second one."""
        words = ("nsenter", f"--net=/run/netns/{self.peer}", "ping", f"-c{count}", "-i0.1", "-W3", address)
        try:
            said = client.output(*words)
        except CommandError:
            return False
        return f"{count} received" in said and "DUP" not in said

    @contextmanager
    def connection(self, address: str) -> Iterator[tuple[socket.socket, socket.socket]]:
        """Both ends of a TCP connection: of the physical network's machine, and of the host."""
        with inside(f"/proc/{self.host.pid}/ns/net"):
            server = socket.create_server((address, 0))
        server.settimeout(10)
        with inside(self.peer):
            far = socket.create_connection(server.getsockname(), timeout=10)
        near, _ = server.accept()
        near.settimeout(10)
        with server, far, near:
            yield far, near


async def view(api: Client) -> View:
    """What the API server says now."""
    named: dict[type, dict[str, Any]] = {}
    for kind in (Node, ProviderNetwork, Vlan):
        table = BY_TYPE[kind]
        page = await api.list(table)
        named[kind] = {body["metadata"]["name"]: table.decode(body) for body in page.items}
    pods = await api.list(BY_TYPE[Pod], fields=f"spec.nodeName={NODE}")
    own = {Key(body["metadata"]["name"], body["metadata"]["namespace"]): Pod.decode(body) for body in pods.items}
    return View(
        NODE,
        nodes=named[Node],
        provider_networks=named[ProviderNetwork],
        vlans=named[Vlan],
        pods=own,
        complete=True,
    )


@contextmanager
def in_host(host: Host, patch: pytest.MonkeyPatch) -> Iterator[ThreadPoolExecutor]:
    """What the agent does in threads, which is all that it does to the kernel, it does to this host."""
    descriptor = os.open(f"/proc/{host.pid}/ns/net", os.O_RDONLY)

    def enter() -> None:
        host_netns._setns(descriptor)

    executor = ThreadPoolExecutor(2, initializer=enter)
    patch.setattr(host_netns, "_pool", executor)
    try:
        yield executor
    finally:
        executor.shutdown()
        os.close(descriptor)


@pytest.fixture
def site(host: Host, cluster: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """The host has addresses and routes on eth1, by which a machine of the physical network reaches it."""
    with namespace() as peer, in_host(host, monkeypatch) as executor:
        own = f"{host.fabric.bridge}-peer"
        with inside(peer):
            client.output("ip", "link", "add", "eth0", "up", "type", "veth", "peer", "name", own, "netns", "1")
        client.output("ip", "link", "set", own, "master", host.fabric.underlay, "up")
        address(peer, "eth0", f"{PEER}/24", f"{PEER6}/64")
        for each in (f"{HOST}/24", f"{HOST6}/64"):
            host.run("ip", "address", "add", each, "dev", "eth1", *(("nodad",) if ":" in each else ()))
        host.run("ip", "route", "add", FAR, "via", PEER, "dev", "eth1", "metric", "50", "src", HOST, "mtu", "1400")
        host.run("ip", "route", "add", "203.0.113.0/24", "via", PEER, "dev", "eth1", "table", "77")
        host.run("ip", "-6", "route", "add", "2001:db8:f::/48", "via", PEER6, "dev", "eth1")
        found = Site(host, cluster, executor, peer)
        yield found
        for kind, name in reversed(found.made):
            found.delete(kind, name)
        for key in found.labels():
            cluster.kubectl("label", "node", NODE, f"{key}-")
