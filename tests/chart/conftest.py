"""helm, and the chart installed in the cluster that the tests share."""

import json
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import yaml

from sandbox import Sandbox, build, client, until
from sandbox.report import Quiet

CHART = Path(__file__).resolve().parents[2] / "charts" / "ovnloom"
NAMESPACE = "chart"
RELEASE = "ovnloom"
# What helm takes a cluster for that it isn't asked about; the oldest that the chart supports.
OLDEST = "1.31.0"

Manifest = dict[str, Any]
Render = Callable[..., list[Manifest]]


@pytest.fixture(scope="session")
def helm() -> Callable[..., str]:
    """What `helm` prints, away from any cluster. Raises CommandError."""
    build.build(build.HELM, Quiet())

    def run(*arguments: str | Path) -> str:
        return client.output(build.HELM.bin / "helm", *arguments, environment={"KUBECONFIG": "/dev/null"})

    return run


@pytest.fixture(scope="session")
def render(helm: Callable[..., str]) -> Render:
    """The manifests that the chart makes of some options of helm; those of the namespace `kube-system` by default."""

    def run(*options: str | Path, namespace: str = "kube-system") -> list[Manifest]:
        text = helm("template", RELEASE, CHART, "--namespace", namespace, "--kube-version", OLDEST, *options)
        return [manifest for manifest in yaml.safe_load_all(text) if manifest]

    return run


@pytest.fixture(scope="module")
def install(cluster: Sandbox) -> Callable[[], None]:
    """Installs the chart. The CRDs are there already, as where they came with kube-ovn: helm takes them over."""
    options = ("--namespace", NAMESPACE, "--create-namespace", "--take-ownership")

    def run() -> None:
        cluster.helm("install", RELEASE, str(CHART), *options)

    return run


@pytest.fixture(scope="module")
def release(cluster: Sandbox, install: Callable[[], None]) -> Iterator[Sandbox]:
    """The cluster with the chart in it. Its Pods are made and get a node; nobody runs them."""
    install()
    yield cluster
    # Without the hooks: their Pods need somebody who runs them.
    cluster.helm("uninstall", RELEASE, "--namespace", NAMESPACE, "--no-hooks")
    cluster.kubectl("delete", "namespace", NAMESPACE, "--wait=false")
    until(partial(is_gone, cluster), f"the namespace {NAMESPACE} to go")


def is_gone(cluster: Sandbox) -> bool:
    """Whether the namespace is. Its Pods are ended as often as needed: their controllers may still make new ones."""
    cluster.kubectl("delete", "pods", "--all", "--namespace", NAMESPACE, "--grace-period=0", "--force")
    return not cluster.kubectl("get", "namespace", NAMESPACE, "--ignore-not-found", "-o", "name")


def one(manifests: list[Manifest], kind: str, name: str) -> Manifest:
    """The only manifest of this kind and name."""
    found = [each for each in manifests if (each["kind"], each["metadata"]["name"]) == (kind, name)]
    assert len(found) == 1, sorted((each["kind"], each["metadata"]["name"]) for each in manifests)
    return found[0]


def text(manifests: list[Manifest]) -> str:
    """As kubectl reads them."""
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": manifests})
