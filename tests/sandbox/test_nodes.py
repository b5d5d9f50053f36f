"""Nodes of a sandbox are real: kubelets run containers on them, and they can be lost and come back."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from sandbox import Host, Sandbox, until
from sandbox.errors import CommandError, SandboxError
from sandbox.host import TASKS
from sandbox.report import Quiet
from tests.conftest import control_plane

# One control plane at a time: see tests/conftest.py.
pytestmark = [pytest.mark.xdist_group("cluster"), pytest.mark.timeout(240)]

ROOT = Path(__file__).parent.parent.parent
AGNHOST = "registry.k8s.io/e2e-test-images/agnhost:2.56"


@pytest.fixture(scope="module")
def nodes() -> Iterator[Sandbox]:
    """Two nodes with the reference network for Pods and kube-proxy, and a web server on each."""
    with control_plane("nodes", kubelets=True, family="dual", cni="bridge", kube_proxy=True) as sandbox:
        sandbox.kubectl("apply", "-f", "-", stdin=web())
        sandbox.kubectl("rollout", "status", "daemonset/web", "--timeout=60s", seconds=90)
        yield sandbox


def web() -> str:
    container = {
        "name": "web",
        "image": AGNHOST,
        "args": ["netexec"],
        "readinessProbe": {"httpGet": {"path": "/hostname", "port": 8080}, "periodSeconds": 1},
    }
    labels = {"app": "web"}
    pod = {"metadata": {"labels": labels}, "spec": {"terminationGracePeriodSeconds": 0, "containers": [container]}}
    daemons = {"selector": {"matchLabels": labels}, "template": pod}
    service = {"selector": labels, "ports": [{"port": 80, "targetPort": 8080}], "ipFamilyPolicy": "RequireDualStack"}
    return yaml.safe_dump_all(
        [
            {"apiVersion": "apps/v1", "kind": "DaemonSet", "metadata": {"name": "web"}, "spec": daemons},
            {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"}, "spec": service},
        ]
    )


def pod_on(sandbox: Sandbox, node: str, path: str) -> str:
    """What the web server's Pod on this node says at a path of its object."""
    chosen = f"--field-selector=spec.nodeName={node}"
    return sandbox.kubectl("get", "pods", "-l=app=web", chosen, f"-o=jsonpath={{.items[*]{path}}}")


def containers(host: Host) -> list[str]:
    """The ids of those that run, the sandboxes of Pods among them."""
    folder = host.file(TASKS)
    return [path.name for path in folder.iterdir()] if folder.is_dir() else []


def test_a_pod_answers_on_the_other_node_and_to_this_machine(nodes: Sandbox) -> None:
    """Packets between nodes are what a sandbox is for; those from here are how the API server calls webhooks."""
    one = pod_on(nodes, "worker-1", ".metadata.name")
    for address in pod_on(nodes, "worker-2", ".status.podIPs[*].ip").split():
        url = f"http://[{address}]:8080/hostname" if ":" in address else f"http://{address}:8080/hostname"
        expected = pod_on(nodes, "worker-2", ".metadata.name")

        assert nodes.kubectl("exec", one, "--", "curl", "-s", "-m5", url) == expected
        assert subprocess.check_output(["curl", "-s", "-m5", url], text=True) == expected


def test_a_service_is_found_by_name(nodes: Sandbox) -> None:
    """CoreDNS, kube-proxy and the Service kubernetes are what Pods of the end-to-end tests take for granted."""
    nodes.kubectl("rollout", "status", "-n=kube-system", "deployment/coredns", "--timeout=60s", seconds=90)
    one = pod_on(nodes, "worker-1", ".metadata.name")

    def asked(url: str) -> str:
        try:
            return nodes.kubectl("exec", one, "--", "curl", "-sk", "-m5", url)
        except CommandError:  # kube-proxy follows what is Ready by a second
            return ""

    assert until(lambda: asked("http://web.default.svc.cluster.local/hostname"), "a web server").startswith("web-")
    assert '"minor": "34"' in until(lambda: asked("https://kubernetes.default/version"), "the API server")
    assert "Started HTTP server" in nodes.kubectl("logs", one)


def test_a_node_is_added_and_removed_without_a_trace(nodes: Sandbox) -> None:
    """OVN would tunnel to a chassis that is left behind, and Kubernetes wait for its Pods."""
    new = nodes.workers.add(Quiet())
    until(lambda: new.name in nodes.sbctl("--bare", "--columns=hostname", "list", "chassis"), "the new chassis")
    assert "Ready" in nodes.kubectl("get", "node", new.name)

    nodes.workers.remove(new)

    assert new.name not in nodes.sbctl("--bare", "--columns=hostname", "list", "chassis")
    assert new.name not in nodes.kubectl("get", "nodes", "-o", "name")
    assert not new.directory.exists()


def test_a_killed_node_comes_back_with_its_pods(nodes: Sandbox) -> None:
    """Like a machine that was switched off: `up` boots it, and its containers are started again."""
    before = nodes.host("worker-2")
    tasks = containers(before)
    assert tasks

    before.kill()

    assert not nodes.alive
    assert [name for name in tasks for _ in Path("/sys/fs/cgroup").glob(f"*/k8s.io/{name}")] == []
    assert nodes.up(nodes=2)
    assert nodes.alive
    until(lambda: "1" in pod_on(nodes, "worker-2", ".status.containerStatuses[0].restartCount"), "the Pod's restart")
    nodes.kubectl("rollout", "status", "daemonset/web", "--timeout=60s", seconds=90)


def test_the_command_line_shows_nodes_and_reaches_them(nodes: Sandbox) -> None:
    """By hand one asks a node with the tools that are on it, and takes its power away without knowing its pids."""

    def cli(*words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "sandbox", *words]
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    status = cli("status", "--name", nodes.name)
    assert status.returncode == 0, status.stdout
    assert "worker-1 kubelet" in status.stdout
    assert "Open vSwitch forwards in" in status.stdout
    ran = cli("node", "run", "--name", nodes.name, "worker-2", "--", "sh", "-c", "hostname; ovs-vsctl list-br; exit 3")
    assert (ran.returncode, ran.stdout.split()[:2]) == (3, ["worker-2", "br-int"])
    absent = cli("node", "kill", "--name", nodes.name, "worker-9")
    assert absent.returncode == 1
    assert "has no host 'worker-9' (there are: worker-1, worker-2)" in absent.stderr.replace("\n", " ")


def test_another_layout_is_refused(nodes: Sandbox) -> None:
    """Certificates, cluster IPs and the network of Pods are decided once; a second wish must not be ignored."""
    with pytest.raises(SandboxError, match=r"is up --kubelets --family dual.*take it down first"):
        Sandbox(nodes.name, kubelets=True, family="ipv6").up(nodes=2)


def test_down_leaves_nothing_even_when_all_was_killed(own_home: Path) -> None:
    """Whoever's machine ran out of memory still wants it clean: no process, mount, interface, cgroup or file."""
    sandbox = Sandbox("lost", kubelets=True, cni="bridge")
    sandbox.up(nodes=1)
    (host,) = sandbox.hosts
    bridge = sandbox.fabric.bridge
    tasks = until(lambda: containers(host), "a container")
    for pids in (sandbox.directory / "pids", host.directory / "pids"):
        for file in pids.iterdir():
            subprocess.run(["kill", "-9", file.read_text().split()[0]], capture_output=True, check=False)

    sandbox.down()

    assert list(own_home.iterdir()) == []
    assert [name for name in tasks for _ in Path("/sys/fs/cgroup").glob(f"*/k8s.io/{name}")] == []
    assert not Path(f"/sys/class/net/{bridge}").exists()
    assert str(own_home) not in subprocess.check_output(["ps", "-e", "-o", "args"], text=True)
    assert str(own_home) not in Path("/proc/mounts").read_text()
