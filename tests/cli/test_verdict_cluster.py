"""Verdicts against a real cluster: what is there, and what a patch that isn't applied yet would change."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from sandbox import Sandbox
from tests.cli.conftest import Call

SPACE = "asked"
POLICY = {
    "apiVersion": "networking.k8s.io/v1",
    "kind": "NetworkPolicy",
    "metadata": {"name": "closed", "namespace": SPACE},
    "spec": {"podSelector": {"matchLabels": {"app": "db"}}, "policyTypes": ["Ingress"]},
}


def pod(name: str) -> dict[str, Any]:
    """A Pod that nobody runs: nothing but its place in the network is asked about."""
    container = {"name": "main", "image": "registry.example/none"}
    meta = {"name": name, "namespace": SPACE, "labels": {"app": name}}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": {"containers": [container]}}


@pytest.fixture(scope="module")
def two_pods(cluster: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A namespace with two Pods, and a file with a policy that isolates one of them."""
    space = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": SPACE}}
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default", "namespace": SPACE}}
    bodies = [space, account, pod("web"), pod("db")]
    directory = tmp_path_factory.mktemp("asked")
    there, policy = directory / "there.yaml", directory / "policy.yaml"
    there.write_text(yaml.safe_dump_all(bodies))
    policy.write_text(yaml.safe_dump(POLICY))
    # The cluster makes the account as well, at any moment: this way both may.
    cluster.kubectl("apply", "--server-side", "--force-conflicts", "-f", str(there))
    yield policy
    cluster.kubectl("delete", "namespace", SPACE, "--wait=false")
    cluster.kubectl("delete", "pods", "--all", "-n", SPACE, "--force", "--grace-period=0")


def test_a_patch_that_closes_a_path_is_told_before_it_is_applied(
    two_pods: Path, cluster: Sandbox, ovnloom: Call
) -> None:
    """Would it still be allowed? Both ways are shown, and the exit code is the answer with the files."""
    question = ("verdict", f"{SPACE}/web", f"{SPACE}/db", "--port", "5432", "--kubeconfig", cluster.kubeconfig)

    now, then = ovnloom(*question), ovnloom(*question, "-f", two_pods)
    answer = json.loads(ovnloom(*question, "-f", two_pods, "-o", "json").out)

    assert (now.code, now.err) == (0, "")
    assert "allowed" in now.out
    assert (then.code, then.err) == (1, "")
    assert f"{SPACE}/web -> {SPACE}/db, 5432/tcp: allowed now, denied with the files" in then.out
    assert then.out.index("\nNow\n") < then.out.index("\nWith the files\n")
    assert f"drop by NetworkPolicy/{SPACE}/closed" in then.out
    assert (answer["allowed"], answer["changed"]) == (False, True)
    assert [found["allowed"] for found in answer["before"]] == [True]


def test_a_matrix_marks_the_cells_that_files_change(two_pods: Path, cluster: Sandbox, ovnloom: Call) -> None:
    """Who reviews a policy wants to see what it cuts, not all that stays."""
    said = ovnloom(
        "reach", "--from", f"{SPACE}/", "--to", f"{SPACE}/", "--kubeconfig", cluster.kubeconfig, "-f", two_pods
    )

    assert (said.code, said.err) == (1, "")
    rows = [line.split() for line in said.out.splitlines() if line.startswith(f"{SPACE}/")]
    assert rows == [[f"{SPACE}/db", "-", "yes"], [f"{SPACE}/web", "no", "(was", "yes)", "-"]]
    assert "1 of 2 pairs are allowed, 1 changed by the files." in said.out
