"""The chart on a node that runs containers and has no network: installed, upgraded, uninstalled, by helm alone."""

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import pytest

from sandbox import Sandbox, images
from sandbox.host import Host
from sandbox.report import Quiet
from tests.chart.conftest import CHART, RELEASE
from tests.conftest import remove_leftovers, sandbox_name

pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0, reason="nodes are network namespaces, which need root"),
    pytest.mark.xdist_group("chart-nodes"),
    pytest.mark.timeout(300),
]
IN = ("--namespace", "kube-system")
IMAGE = "registry.k8s.io/e2e-test-images/agnhost:2.56"


@dataclass(frozen=True)
class State:
    """What of a node a network could have changed."""

    links: frozenset[str]
    routes: frozenset[str]
    tables: str
    configurations: str
    programs: str
    bridges: frozenset[str]


def state(node: Host) -> State:
    links = json.loads(node.run("ip", "-json", "link"))
    return State(
        frozenset(each["ifname"] for each in links),
        frozenset(line.strip() for line in node.run("ip", "route").splitlines()),
        node.run("nft", "list", "tables"),
        node.run("ls", "/etc/cni/net.d"),
        node.run("ls", "/opt/cni/bin"),
        frozenset(node.run("ovs-vsctl", "list-br").split()),
    )


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    """One node, not ready, with our images and an Open vSwitch of its own."""
    remove_leftovers()
    found = Sandbox(sandbox_name("chart-nodes"), kubelets=True)
    try:
        found.up(1, more=images.ours(Quiet()))
        yield found
    finally:
        found.down()


@pytest.fixture(scope="module")
def node(sandbox: Sandbox) -> Host:
    return sandbox.hosts[0]


@pytest.fixture(scope="module")
def before(node: Host) -> State:
    """The node as it was before ovnloom came."""
    return state(node)


Helm = Callable[..., str]


@pytest.fixture(scope="module")
def helm(sandbox: Sandbox, node: Host) -> Helm:
    """Installs and upgrades with the values that such a cluster needs."""
    api = urlsplit(sandbox.controlplane.url)
    values: dict[str, Any] = {
        "apiServer": {"host": api.hostname, "port": api.port},
        "controller": {"replicas": 1},
        "ovnCentral": {"addresses": [node.address], "nodeSelector": {"kubernetes.io/hostname": node.name}},
        "ovs": {"mode": "host"},
    }

    def run(verb: str, *options: str) -> str:
        given = json.dumps(values)
        return sandbox.helm(verb, RELEASE, str(CHART), *IN, "--values", "-", *options, stdin=given, seconds=240)

    return run


@pytest.fixture(scope="module")
def installed(sandbox: Sandbox, before: State, helm: Helm) -> Sandbox:
    """helm has returned, and everything that it made is ready."""
    helm("install", "--wait", "--timeout=200s")
    sandbox.kubectl("wait", "nodes", "--all", "--for=condition=Ready", "--timeout=60s", seconds=90)
    return sandbox


def pod(sandbox: Sandbox, name: str) -> str:
    """The address of a Pod that answers, made if it isn't there."""
    container = {"name": "web", "image": IMAGE, "args": ["netexec"]}
    spec = {"containers": [container], "terminationGracePeriodSeconds": 0}
    made = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": spec}
    sandbox.kubectl("apply", "-f", "-", stdin=json.dumps(made))
    sandbox.kubectl("wait", "pod", name, "--for=condition=Ready", "--timeout=60s", seconds=90)
    return sandbox.kubectl("get", "pod", name, "-o", "jsonpath={.status.podIP}")


def reaches(sandbox: Sandbox, name: str, address: str) -> None:
    """Raises CommandError where a Pod can't connect."""
    sandbox.kubectl("exec", name, "--", "/agnhost", "connect", f"{address}:8080", "--timeout=5s")


def test_pods_of_an_installed_chart_reach_each_other(installed: Sandbox) -> None:
    """None of the containers has more rights than the chart gives: what one lacks shows here."""
    pod(installed, "one")

    reaches(installed, "one", pod(installed, "two"))


def test_helm_test_passes(installed: Sandbox) -> None:
    """Its Pod, its account and its script, run by a kubelet."""
    assert "Phase:          Succeeded" in installed.helm("test", RELEASE, *IN)


def test_an_upgrade_replaces_the_agent_and_leaves_pods_as_they_are(installed: Sandbox, node: Host, helm: Helm) -> None:
    """A Pod whose interface was made anew would have lost its connections."""
    pod(installed, "one")
    address = pod(installed, "two")
    chosen = ("get", "pods", *IN, "-l", "app.kubernetes.io/component=agent", "-o", "name")
    agent, links = installed.kubectl(*chosen), node.run("ip", "-json", "link", "show", "type", "veth")

    helm("upgrade", "--wait", "--set", "agent.settings.logLevel=DEBUG", "--timeout=200s")

    assert installed.kubectl(*chosen) != agent
    after = {each["ifindex"] for each in json.loads(node.run("ip", "-json", "link", "show", "type", "veth"))}
    assert {each["ifindex"] for each in json.loads(links)} == after
    reaches(installed, "one", address)


def test_an_uninstall_leaves_the_node_as_it_was(installed: Sandbox, node: Host, before: State) -> None:
    """Another network can be installed at once. It comes last: nobody has a network after it."""
    pod(installed, "one")
    assert state(node) != before

    installed.helm("uninstall", RELEASE, *IN, seconds=300)

    assert state(node) == before
    kinds = "daemonsets,jobs,roles,clusterroles,serviceaccounts,validatingadmissionpolicies"
    assert installed.kubectl("get", kinds, "-A", "-l", f"app.kubernetes.io/instance={RELEASE}", "-o", "name") == ""
