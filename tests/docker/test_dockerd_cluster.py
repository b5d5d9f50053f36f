"""Containers of Docker in a Subnet of a cluster: Pods are their neighbours, and what holds for Pods holds for them."""

from collections.abc import Iterator

import pytest

from demo.docker_site import DRIVER, DockerHost
from demo.tour.install import Installed
from demo.tour.place import Pod
from sandbox import Host, Sandbox
from sandbox.docker_engine import ENGINE
from sandbox.errors import CommandError
from sandbox.images import others
from sandbox.report import Quiet
from sandbox.wait import until
from tests.conftest import remove_leftovers, sandbox_name
from tests.docker.lab import clear, pings, refused

pytestmark = [pytest.mark.xdist_group("dockers-cluster"), pytest.mark.long, pytest.mark.timeout(300)]

NUMBER = 101
"""Of the host with Docker, far from those of nodes: it is none."""
SUBNET = """
apiVersion: v1
kind: Namespace
metadata: {name: docker}
---
apiVersion: v1
kind: Namespace
metadata: {name: shop}
---
apiVersion: kubeovn.io/v1
kind: Subnet
metadata: {name: shared}
spec: {vpc: ovn-cluster, cidrBlock: 10.90.0.0/24, gateway: 10.90.0.1, namespaces: [shop], protocol: IPv4}
"""
WEB = """
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop, labels: {app: web}}
spec:
  terminationGracePeriodSeconds: 0
  containers: [{name: main, image: "registry.k8s.io/e2e-test-images/agnhost:2.56", args: [netexec]}]
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec: {selector: {app: web}, ports: [{port: 80, targetPort: 8080}]}
"""
POLICY = """
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: only-clients, namespace: shop}
spec:
  podSelector: {matchLabels: {app: web}}
  ingress:
    - from:
        - namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: docker}}
          podSelector: {matchLabels: {app: client}}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: closed, namespace: docker}
spec: {podSelector: {matchLabels: {app: closed}}, policyTypes: [Ingress]}
"""
GROUP = """
apiVersion: kubeovn.io/v1
kind: SecurityGroup
metadata: {name: guarded}
spec:
  egressRules:
    - {ipVersion: ipv4, protocol: all, priority: 10, remoteType: address, remoteAddress: 0.0.0.0/0, policy: allow}
"""


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    """Two nodes with ovnloom, the Subnet `shared`, and in it the Pod `web` with its Service."""
    remove_leftovers()
    found = Sandbox(sandbox_name("docker"), kubelets=True)
    try:
        Installed(found, Quiet()).up(2)
        found.kubectl("apply", "-f", "-", stdin=SUBNET)
        found.kubectl("wait", "subnet/shared", "--for=condition=Ready", "--timeout=60s", seconds=90)
        found.kubectl("apply", "-f", "-", stdin=WEB)
        found.kubectl("wait", "pod/web", "-n", "shop", "--for=condition=Ready", "--timeout=90s", seconds=120)
        yield found
    finally:
        found.down()


@pytest.fixture(scope="module")
def machine(sandbox: Sandbox) -> DockerHost:
    """A host that is no node of the cluster, with Docker and the plugin; its Docker network `shared` is the Subnet."""
    settings = {"OVNLOOM_KUBECONFIG": str(sandbox.kubeconfig), "OVNLOOM_LOG_FORM": "text"}
    found = DockerHost(Host(sandbox.fabric, NUMBER, "docker-1"), ENGINE, settings)
    found.up(sandbox.ovn.sb_tcp(sandbox.fabric.addresses[0]))
    found.docker.load(others.busybox(lambda _: None))
    return found


@pytest.fixture
def docker(sandbox: Sandbox, machine: DockerHost) -> Iterator[DockerHost]:
    """The machine; of its containers nothing is left afterwards, in the cluster neither."""
    name = "ovnloom.subnet=shared"
    # Docker takes --ip only where it was told the --subnet.
    machine.run("network", "create", *DRIVER, "--subnet=10.90.0.0/24", "--ipam-opt", name, "--opt", name, "shared")
    yield machine
    sandbox.kubectl("delete", "networkpolicies", "--all", "--all-namespaces")
    clear(machine)
    ips = sandbox.kubectl("get", "ips", "-o", "jsonpath={.items[?(@.spec.nodeName=='docker-1')].metadata.name}")
    assert ips == ""
    assert sandbox.kubectl("get", "subnet", "shared", "-o", "name").strip() == "subnet.kubeovn.io/shared"


@pytest.fixture
def web(sandbox: Sandbox) -> Pod:
    """The Pod."""
    words = ("get", "pod", "web", "-n", "shop", "-o")
    address = sandbox.kubectl(*words, "jsonpath={.status.podIP}")
    return Pod("shop", "web", sandbox.kubectl(*words, "jsonpath={.spec.nodeName}"), (address,))


def start(docker: DockerHost, name: str, *options: str) -> str:
    """A container on `shared` with these options of its endpoint; its address."""
    network = ",".join(("name=shared", *(f"driver-opt={option}" for option in options)))
    docker.run(
        "run", "--detach", "--init", "--name", name, "--network", network, "busybox:sandbox", "sleep", "infinity"
    )
    return docker.address(name, "shared")


def reached(sandbox: Sandbox, address: str) -> bool:
    """Whether the Pod's ping of a container is answered."""
    try:
        sandbox.kubectl("exec", "-n", "shop", "web", "--", "ping", "-c1", "-W1", address)
    except CommandError:
        return False
    return True


def test_a_container_and_a_pod_are_neighbours(sandbox: Sandbox, docker: DockerHost, web: Pod) -> None:
    """The Subnet is one network, whoever made its ports; its gateway and Services are the container's, too."""
    address = start(docker, "first")

    until(lambda: pings(docker, "first", web.address), "the container to reach the Pod")
    until(lambda: reached(sandbox, address), "the Pod to reach the container")
    assert "default via 10.90.0.1 dev eth0" in docker.run("exec", "first", "ip", "route")
    service = sandbox.kubectl("get", "service", "web", "-n", "shop", "-o", "jsonpath={.spec.clusterIP}")
    assert docker.run("exec", "first", "timeout", "5", "wget", "-qO-", f"http://{service}/hostname") == "web"


def test_no_address_is_given_to_a_pod_and_a_container(sandbox: Sandbox, docker: DockerHost, web: Pod) -> None:
    """Both are IP objects of one Subnet, so that each side sees the other's."""
    address = start(docker, "first")
    assert address != web.address

    said = refused(docker, "run", "--rm", "--network=shared", f"--ip={web.address}", "busybox:sandbox", "true")
    assert f"{web.address} is in use by" in said
    columns = "custom-columns=NODE:.spec.nodeName,ADDRESS:.spec.v4IpAddress"
    held = [line.split() for line in sandbox.kubectl("get", "ips", "--no-headers", "-o", columns).splitlines()]
    assert ["docker-1", address] in held


def test_a_policy_knows_containers_by_the_labels_of_their_endpoint(
    sandbox: Sandbox, docker: DockerHost, web: Pod
) -> None:
    """A container counts as a Pod of the namespace docker, both as what is let in and as what is guarded."""
    start(docker, "client", "ovnloom.labels=app=client")
    start(docker, "other", "ovnloom.labels=app=other")
    closed = start(docker, "closed", "ovnloom.labels=app=closed")
    for each in ("client", "other"):
        until(lambda each=each: pings(docker, each, web.address), f"{each} to reach the Pod")  # type: ignore[misc]
    until(lambda: reached(sandbox, closed), "the Pod to reach what isn't closed yet")

    sandbox.kubectl("apply", "-f", "-", stdin=POLICY)

    until(lambda: not pings(docker, "other", web.address), "the policy to hold")
    assert pings(docker, "client", web.address)
    until(lambda: not reached(sandbox, closed), "the container to be closed")
    assert pings(docker, "closed", "10.90.0.1")


def test_a_policy_knows_containers_by_their_own_labels(sandbox: Sandbox, docker: DockerHost, web: Pod) -> None:
    """What compose files have are labels of containers; a network driver isn't told them, Docker's API has them."""
    sandbox.kubectl("apply", "-f", "-", stdin=POLICY)
    words = ("--detach", "--init", "--name=labelled", "--label=app=client", "--network=shared")

    docker.run("run", *words, "busybox:sandbox", "sleep", "infinity")

    until(lambda: pings(docker, "labelled", web.address), "the container to be let in")
    start(docker, "other")
    assert not any(pings(docker, "other", web.address) for _ in range(3))


def test_a_container_is_in_the_security_groups_that_it_names(sandbox: Sandbox, docker: DockerHost) -> None:
    """What no group of a port allows is denied from the first packet on, not only once somebody has looked."""
    sandbox.kubectl("apply", "-f", "-", stdin=GROUP)
    guarded = start(docker, "guarded", "ovnloom.security_groups=guarded")
    open_ = start(docker, "open")

    until(lambda: pings(docker, "guarded", open_), "what goes out to be let out")
    assert not any(pings(docker, "open", guarded) for _ in range(3))
    assert not reached(sandbox, guarded)
