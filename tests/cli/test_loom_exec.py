"""`kubectl loom` from where there is nothing but an API server: OVN's programs run in a real Pod of ovn-central."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from sandbox import Sandbox, images, release
from sandbox.report import Quiet
from tests.cli.conftest import Call
from tests.conftest import know_crds, remove_leftovers
from tests.leftover import sandbox_name

# One control plane at a time: see tests/conftest.py.
pytestmark = [
    pytest.mark.xdist_group("cluster"),
    pytest.mark.timeout(240),
    pytest.mark.skipif(release.chosen() == release.SYSTEM, reason="the image has its own OVN, which is the newer one"),
]


@pytest.fixture(scope="module")
def central() -> Iterator[Sandbox]:
    """A node with a Pod that has the databases' sockets, as those of the chart have; two ports and a rule in OVN."""
    remove_leftovers()
    sandbox = Sandbox(sandbox_name("loom"), kubelets=True, cni="bridge")
    try:
        sandbox.up(nodes=1)
        know_crds(sandbox)
        found = next(image for image in images.ours(Quiet()) if "/ovn-central:" in image.name)
        sandbox.load([found])
        sandbox.kubectl("apply", "-f", "-", stdin=yaml.safe_dump(pod(sandbox, found.name)))
        sandbox.kubectl(
            "wait", "--for=condition=Ready", "--timeout=60s", "pod/central", "-n", "kube-system", seconds=90
        )
        rows(sandbox)
        yield sandbox
    finally:
        sandbox.down()


def pod(sandbox: Sandbox, image: str) -> dict[str, object]:
    """It only keeps the sockets at hand."""
    sockets = {
        f"ovn{name}_db": remote.removeprefix("unix:") for name, remote in (("nb", sandbox.nb), ("sb", sandbox.sb))
    }
    container = {
        "name": "nb",
        "image": image,
        "imagePullPolicy": "Never",
        "command": ["sleep", "infinity"],
        "volumeMounts": [{"name": name.replace("_", "-"), "mountPath": f"/run/ovn/{name}.sock"} for name in sockets],
    }
    volumes = [
        {"name": name.replace("_", "-"), "hostPath": {"path": path, "type": "Socket"}} for name, path in sockets.items()
    ]
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": "central",
            "namespace": "kube-system",
            "labels": {"app.kubernetes.io/component": "ovn-central"},
        },
        "spec": {
            "hostNetwork": True,
            "terminationGracePeriodSeconds": 0,
            "securityContext": {"runAsUser": 0},
            "containers": [container],
            "volumes": volumes,
        },
    }


def rows(sandbox: Sandbox) -> None:
    """A switch with the ports of two Pods, one of which nobody may ping."""
    words = ["ls-add", "shop"]
    for number, name in enumerate(("web", "db"), start=2):
        port, mac = f"{name}.shop", f"00:00:00:00:00:0{number}"
        words += ["--", "lsp-add", "shop", port, "--", "lsp-set-addresses", port, f"{mac} 10.78.0.{number}"]
        words += ["--", "set", "Logical_Switch_Port", port, f"external_ids:pod=shop/{name}"]
    words += ["--", "acl-add", "shop", "to-lport", "1000", "icmp4", "drop"]
    sandbox.nbctl("--wait=sb", *words)


def test_a_packet_is_traced_in_a_pod(
    central: Sandbox, ovnloom: Call, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Who asks has a kubeconfig and no OVN: neither its sockets nor its programs."""
    kubectl = shutil.which("kubectl", path=central.environment()["PATH"])
    assert kubectl is not None
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "kubectl").symlink_to(kubectl)
    monkeypatch.setenv("PATH", str(programs))
    asked = ("trace", "shop/web", "shop/db", "--brief", "--kubeconfig", central.kubeconfig)

    opened, closed = ovnloom(*asked, "--port", "80/tcp"), ovnloom(*asked)

    assert (opened.code, opened.err) == (0, "")
    assert opened.out.splitlines()[-1].startswith("delivered to Pod shop/db ")
    assert (closed.code, closed.err) == (1, "")
    assert closed.out.splitlines()[-1].startswith("dropped by ACL of nobody that ovnloom knows ")


def test_without_any_databases_it_says_how_to_name_them(central: Sandbox, ovnloom: Call, tmp_path: Path) -> None:
    """No kubectl, no socket: the sentence names the flag."""
    said = ovnloom("trace", "shop/web", "shop/db", "--ovn-sb", f"unix:{tmp_path}/none.sock")

    assert said.code == 2
    assert "name it by --ovn-sb" in said.err
