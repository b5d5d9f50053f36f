"""Sandboxes come up whole and leave nothing behind."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from sandbox import Sandbox, places, until
from sandbox.identity import Identity

# One control plane at a time: see tests/conftest.py.
pytestmark = pytest.mark.xdist_group("cluster")

ROOT = Path(__file__).parent.parent.parent


def cli(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "sandbox", *words], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
    )


def running(directory: Path) -> list[str]:
    """The command lines that name the sandbox's files: what of it still runs, by another way than its pid files."""
    paths = (str(directory), str(places.sockets(directory)))
    lines = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            lines.append(path.read_bytes().replace(b"\0", b" ").decode(errors="replace"))
        except (FileNotFoundError, ProcessLookupError):
            continue
    return [line for line in lines if any(path in line for path in paths)]


def test_down_leaves_no_server_and_no_file(own_home: Path) -> None:
    """A developer's machine stays as clean as it was, down to sockets and locks."""
    up = cli("up", "--name", "brief", "--nodes", "2")
    assert up.returncode == 0, up.stderr
    directory = own_home / "brief"
    assert len(running(directory)) == 7
    sockets = places.sockets(directory)

    down = cli("down", "--name", "brief")

    assert down.returncode == 0, down.stderr
    assert running(directory) == []
    assert list(own_home.iterdir()) == []
    assert not sockets.exists()
    assert "was not up" in cli("down", "--name", "brief").stderr


def test_two_sandboxes_live_side_by_side(own_home: Path) -> None:
    """Tests and a demo on one machine must not meet in a port, a socket or a file."""
    one, two = Sandbox("one"), Sandbox("two")
    one.up(nodes=1)
    two.up()

    one.kubectl("create", "namespace", "only-in-one")
    one.nbctl("ls-add", "only-in-one")

    assert [node.name for node in one.nodes] == ["worker-1"]
    assert two.nodes == ()
    assert "only-in-one" not in two.kubectl("get", "namespaces")
    assert two.nbctl("ls-list") == ""
    one.down()
    assert two.alive


def test_status_tells_a_server_that_was_killed_and_up_brings_it_back(own_home: Path) -> None:
    """A control plane that lost a server looks alive from far; what it stored must not be lost with it."""
    sandbox = Sandbox("wounded")
    assert sandbox.up()
    sandbox.kubectl("create", "namespace", "kept")
    assert cli("status", "--name", "wounded").returncode == 0
    apiserver = sandbox.controlplane.apiserver.identity
    assert apiserver is not None

    os.kill(apiserver.pid, signal.SIGKILL)
    until(lambda: not sandbox.alive, "the API server to be gone")

    status = cli("status", "--name", "wounded")
    assert status.returncode == 1
    assert [line.split()[-1] for line in status.stdout.splitlines() if "kube-apiserver" in line] == ["died"]
    assert sandbox.up()
    assert "kept" in sandbox.kubectl("get", "namespaces")
    assert not sandbox.up()


def test_nodes_are_ready_and_pods_are_bound_to_them(cluster: Sandbox) -> None:
    """A Pod gets its address on its node, so the scheduler has to find the nodes fit."""
    assert {node.name: node.address for node in cluster.nodes} == {"worker-1": "172.30.0.11", "worker-2": "172.30.0.12"}
    assert cluster.kubectl("get", "nodes", "-o", "jsonpath={.items[*].spec.taints}") == ""
    for node in cluster.nodes:
        assert node.address in cluster.sbctl("--columns=ip", "find", "Encap", f"chassis_name={node.name}")

    cluster.kubectl("run", "bound", "--image=none")
    try:
        cluster.kubectl("wait", "pod/bound", "--for=condition=PodScheduled", "--timeout=30s")
    finally:
        cluster.kubectl("delete", "pod", "bound", "--grace-period=0", "--force")


def test_the_api_server_comes_back_at_the_same_address(cluster: Sandbox) -> None:
    """A controller under test knows the address from its kubeconfig, and has to find the server there again."""
    before = cluster.kubeconfig.read_text()

    cluster.stop_apiserver()
    cluster.start_apiserver()

    assert cluster.kubeconfig.read_text() == before
    assert "default" in cluster.kubectl("get", "namespaces")


def test_run_and_env_point_at_the_sandbox(cluster: Sandbox) -> None:
    """What a person types by hand goes to the same servers as the tests."""
    cluster.nbctl("--may-exist", "ls-add", "by-hand")

    ran = cli("run", "--name", cluster.name, "--", "sh", "-c", "kubectl get nodes -o name && ovn-nbctl ls-list; exit 3")

    assert ran.returncode == 3
    assert "node/worker-1" in ran.stdout
    assert "(by-hand)" in ran.stdout
    shell = f'eval "$({sys.executable} -m sandbox env --name {cluster.name})" && kubectl get nodes -o name'
    assert "node/worker-2" in subprocess.check_output(["sh", "-c", shell], cwd=ROOT, text=True)
    cluster.nbctl("ls-del", "by-hand")


def test_a_recycled_pid_is_not_killed() -> None:
    """After a crash of the machine, or long enough, a recorded pid belongs to a stranger."""
    with subprocess.Popen(["sleep", "60"]) as stranger:
        now = Identity.of(stranger.pid)
        assert now is not None
        recorded = Identity(now.pid, now.started - 1, now.boot)

        assert recorded.end(signal.SIGKILL, patience=1)

        assert not recorded.alive
        assert stranger.poll() is None
        stranger.kill()


@pytest.mark.parametrize("words", [("status",), ("env",), ("run", "--", "true")])
def test_a_sandbox_that_is_not_up_is_said_in_one_sentence(own_home: Path, words: tuple[str, ...]) -> None:
    """Most people meet this message first; it has to say what to type."""
    verb, *rest = words

    answer = cli(verb, "--name", "absent", *rest)

    assert answer.returncode == 1
    assert "python -m sandbox up --name absent" in answer.stderr
    assert "Traceback" not in answer.stderr


def test_a_name_that_cannot_be_a_folder_is_refused(own_home: Path) -> None:
    """`--name ../..` must never reach the code that removes a folder."""
    answer = cli("down", "--name", "../..")

    assert answer.returncode == 1
    assert "--name '../..' can't be used" in answer.stderr
