"""A real kubelet, a real containerd and the real plugin, with the agent of this checkout behind them."""

from collections.abc import Iterator

import pytest

from sandbox import Sandbox, build, until
from sandbox.cni import plugin, put
from sandbox.report import Quiet
from tests.conftest import know_crds, remove_leftovers
from tests.controller.api import Api
from tests.controller.replica import Replica
from tests.leftover import sandbox_name
from tests.node.field import Agent

pytestmark = pytest.mark.xdist_group("node-agent")

COUNT = 5
IMAGE = "registry.k8s.io/pause:3.10.1"


@pytest.fixture
def kubelets() -> Iterator[Sandbox]:
    """A cluster with one node that runs containers and has no network yet, and a controller."""
    remove_leftovers()
    sandbox = Sandbox(sandbox_name("kubelet"), kubelets=True)
    try:
        sandbox.up(nodes=1)
        know_crds(sandbox)
        program = plugin()
        build.build(program, Quiet())
        put(program.bin / "kube-ovn", sandbox.hosts[0].file("/opt/cni/bin"))
        controller = Replica(sandbox).begin()
        yield sandbox
        controller.stop()
    finally:
        sandbox.down()


def pod(number: int) -> dict[str, object]:
    container = {"name": "main", "image": IMAGE, "imagePullPolicy": "Never"}
    meta = {"name": f"pod{number}", "namespace": "default"}
    spec = {"containers": [container], "terminationGracePeriodSeconds": 0}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": spec}


def test_a_node_becomes_ready_and_its_pods_start_and_end(kubelets: Sandbox) -> None:
    """All that lies between a kubelet and the kernel, in the order in which a new node meets it."""
    host, api = kubelets.hosts[0], Api(kubelets.kubeconfig)
    agent = Agent(host, kubelets.kubeconfig, {"OVNLOOM_POD_MTU": "0"})

    def running() -> list[str]:
        found = [each["status"] for each in api.every("Pod", "default") if each["status"]["phase"] == "Running"]
        return [each["podIP"] for each in found if all(item["ready"] for item in each["containerStatuses"])]

    def names() -> str:
        return host.run(
            "ovs-vsctl", "--columns=external_ids", "find", "interface", "external_ids:pod_namespace=default"
        )

    try:
        assert " NotReady " in kubelets.kubectl("get", "nodes")
        agent.begin()
        until(lambda: " Ready " in kubelets.kubectl("get", "nodes"), "the node to be Ready", 90)
        until(lambda: api.get("ServiceAccount", "default", "default"), "the account of Pods")

        api.create_all(pod(number) for number in range(COUNT))
        until(lambda: len(running()) == COUNT, "the Pods to run", 90)
        addresses = running()
        for address in addresses:
            until(lambda address=address: " 0% packet loss" in host.run("ping", "-c1", "-W2", address), "a Pod", 30)

        agent.kill()
        agent.begin()
        assert running() == addresses

        api.delete_all("Pod", (f"pod{number}" for number in range(COUNT)), "default")
        until(lambda: names() == "", "the ports of the Pods to be gone", 60)
    finally:
        api.close()
        agent.stop()
