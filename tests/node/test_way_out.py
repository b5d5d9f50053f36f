"""The way of a Pod's packet out of the cluster and back: through OVN, ovn0, and what its node rewrites."""

from __future__ import annotations

import socket
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from sandbox import until
from tests.node.field import Container, NodeField
from tests.node.pods import Pods

pytestmark = pytest.mark.xdist_group("node-agent")

ASK = "import socket,sys; socket.create_connection((sys.argv[1], int(sys.argv[2])), 2, (sys.argv[3], 0)).recv(1)"


class World:
    """A server outside of the cluster, on each address of the fabric, that says where connections come from."""

    def __init__(self, at: NodeField) -> None:
        self.addresses = {4 if "." in each else 6: each for each in at.host.fabric.addresses}
        self._servers = {
            family: socket.create_server((each, 0), family=socket.AF_INET if family == 4 else socket.AF_INET6)
            for family, each in self.addresses.items()
        }
        for server in self._servers.values():
            server.settimeout(10)

    def sees(self, container: Container, source: str) -> str | None:
        """The address that a connection from the container's address has out here; None when it doesn't arrive."""
        family = 4 if "." in source else 6
        port = self._servers[family].getsockname()[1]
        asking = container.at.host.popen(
            "nsenter", f"--net={container.netns}", "python3", "-c", ASK, self.addresses[family], str(port), source
        )
        try:
            came, (peer, *_) = self._servers[family].accept()
        except TimeoutError:
            return None
        else:
            came.sendall(b"x")
            came.close()
            return str(peer) if asking.wait(10) == 0 else None
        finally:
            asking.kill()
            asking.wait()

    def close(self) -> None:
        for server in self._servers.values():
            server.close()


@pytest.fixture
def world(node_field: NodeField) -> Iterator[World]:
    """Somebody out there who knows no way back to Pods but by the node."""
    found = World(node_field)
    yield found
    found.close()


def addresses(pods: Pods, container: Container) -> list[str]:
    """Of the Pod, IPv4 first."""
    return pods.note(container.pod, "ip_address").split(",")


def test_a_pod_is_seen_as_its_node_in_both_families(pods: Pods, world: World) -> None:
    """natOutgoing of the default Subnet, distributed: the first thing that any Pod needs of the world."""
    container = pods.connected()

    seen = [world.sees(container, each) for each in addresses(pods, container)]

    assert seen == list(pods.field.host.addresses)


def test_hosts_reach_pods_by_their_internal_ip(pods: Pods) -> None:
    """Probes of kubelets have to look as NetworkPolicies expect them."""
    container = pods.connected()
    for family, (to, own) in enumerate(zip(addresses(pods, container), pods.field.host.addresses, strict=True)):
        code = (
            "import socket;"
            f"s=socket.create_server(('{to}',8080),family=socket.{('AF_INET', 'AF_INET6')[family]});"
            "print('ready',flush=True);print(s.accept()[1][0],flush=True)"
        )
        with container.at.host.popen("nsenter", f"--net={container.netns}", "python3", "-c", code, stdout=-1) as server:
            assert server.stdout is not None
            assert server.stdout.readline() == "ready\n"
            pods.field.host.run("python3", "-c", f"import socket; socket.create_connection(('{to}', 8080), 5)")

            assert server.stdout.readline().strip() == own


@pytest.fixture
def subnet(node_field: NodeField) -> Iterator[Any]:
    """Makes a Subnet of the default Vpc, which is gone after the test."""
    made: list[str] = []

    def make(name: str, cidr: str, **spec: Any) -> str:
        body = {"apiVersion": "kubeovn.io/v1", "kind": "Subnet", "metadata": {"name": name}}
        node_field.api.create({**body, "spec": {"cidrBlock": cidr, "vpc": "ovn-cluster", **spec}})
        made.append(name)
        until(lambda: _is_reached(node_field, cidr), f"a route to Subnet {name}")
        return name

    yield make
    for name in made:
        node_field.api.delete("Subnet", name)


def _is_reached(at: NodeField, cidr: str) -> bool:
    return "ovn0" in at.host.run("ip", "route", "show", cidr.partition(",")[0])


def connected(pods: Pods, subnet: str) -> Container:
    """A container of a new Pod in that Subnet."""
    container = pods.container(pods.create(logical_switch=subnet))
    status, answer = container.add()
    assert status == 200, answer
    return container


def test_without_nat_outgoing_the_world_sees_the_pod(pods: Pods, world: World, subnet: Any) -> None:
    """Networks that have a route to Pods want to know who asks."""
    blue = subnet("plainblue", "10.77.0.0/24", natOutgoing=False)
    container = connected(pods, blue)
    (address,) = addresses(pods, container)
    host = pods.field.host.address
    world_route("add", "10.77.0.0/24", host)
    try:
        assert world.sees(container, address) == address
    finally:
        world_route("delete", "10.77.0.0/24", host)


def test_a_centralised_subnet_leaves_by_its_gateway(pods: Pods, world: World, subnet: Any) -> None:
    """The controller leads its packets there, the node rewrites what comes, with the address that it has for that."""
    name = pods.field.host.name
    beat(pods.field)
    red = subnet(
        "centralred", "10.78.0.0/24", natOutgoing=True, gatewayType="centralized", gatewayNode=f"{name}:198.18.7.7"
    )
    container = connected(pods, red)
    (address,) = addresses(pods, container)
    world_route("add", "198.18.7.7/32", pods.field.host.address)
    try:
        until(lambda: "198.18.7.7" in pods.field.host.run("nft", "list", "map", "inet", "ovnloom", "fixed4"), "the map")
        assert world.sees(container, address) == "198.18.7.7"
    finally:
        world_route("delete", "198.18.7.7/32", pods.field.host.address)


def beat(at: NodeField) -> None:
    """The node is ready: there is no kubelet, and after 40 seconds without one only ready nodes become gateways."""
    found = at.api.the("Node", at.host.name)["status"]["conditions"]
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    ready = {"type": "Ready", "status": "True", "reason": "Test", "lastHeartbeatTime": now, "lastTransitionTime": now}
    others = [each for each in found if each["type"] != "Ready"]
    at.api.patch("Node", at.host.name, {"status": {"conditions": [ready, *others]}}, part="status")


def world_route(verb: str, to: str, via: str) -> None:
    """This machine, which is the world here, has or loses a route."""
    subprocess.run(["ip", "route", verb, to, "via", via], check=True)
