"""What runs on every node, at a real API server with its real controllers; the kubelet's part is played by the test."""

import base64
import json
import shutil
import ssl
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import yaml

from sandbox import Sandbox, client, until
from sandbox.errors import CommandError
from tests.chart.conftest import CHART, NAMESPACE, RELEASE, Render, text
from tests.chart.rights import READ, Rights
from tests.chart.test_cluster import rights

EVERYWHERE = ["worker-1", "worker-2"]
EXPECTED: Rights = {
    ("", "nodes"): {*READ, "patch"},
    ("", "nodes/status"): {"patch"},
    ("", "events"): {"list", "watch", "create", "patch"},
    ("", "pods"): {*READ, "patch"},
    ("", "services"): set(READ),
    ("discovery.k8s.io", "endpointslices"): set(READ),
    **{("kubeovn.io", kind): set(READ) for kind in ("vpcs", "subnets", "provider-networks", "vlans")},
}
"""All that an agent may in its own namespace: every node has its token, so an intruder on any node has these rights."""
AGENT, SWITCH, CLEAN = "kube-ovn-cni", "ovs-ovn", "ovnloom-clean"


def account(name: str) -> str:
    return f"system:serviceaccount:{NAMESPACE}:{name}"


def pods(cluster: Sandbox, component: str) -> dict[str, str]:
    """The Pods of a component by their node, those that end included."""
    chosen = ("-l", f"app.kubernetes.io/component={component}", "-o", "json")
    found = json.loads(cluster.kubectl("get", "pods", "-n", NAMESPACE, *chosen))["items"]
    return {each["spec"]["nodeName"]: each["metadata"]["name"] for each in found if "nodeName" in each["spec"]}


def test_an_agent_may_do_exactly_what_it_has_to(release: Sandbox) -> None:
    """It reads what networks follow from, and writes only what it tells of its node and of Pods."""
    assert rights(release, account("ovnloom-agent")) == EXPECTED


@pytest.mark.parametrize(
    ("verb", "what"),
    [
        ("get", "secrets"),
        ("list", "configmaps"),
        ("delete", "pods"),
        ("create", "pods/exec"),
        ("delete", "nodes"),
        ("patch", "subnets.kubeovn.io"),
        ("delete", "daemonsets.apps"),
        ("create", "serviceaccounts/token"),
    ],
    ids=str,
)
def test_an_agent_may_not(release: Sandbox, verb: str, what: str) -> None:
    """These are what somebody would look for who took a node over."""
    with pytest.raises(CommandError) as refused:
        release.kubectl("auth", "can-i", verb, what, f"--as={account('ovnloom-agent')}", "-n", NAMESPACE)

    assert "no" in str(refused.value)


def test_an_agent_may_not_touch_pods_of_users(release: Sandbox) -> None:
    """What it says of them are Events."""
    with pytest.raises(CommandError) as refused:
        release.kubectl("auth", "can-i", "patch", "pods", f"--as={account('ovnloom-agent')}", "-n", "default")

    assert "no" in str(refused.value)


@pytest.fixture
def as_agent(release: Sandbox, tmp_path: Path) -> Callable[..., str]:
    """kubectl with the token that the Pod of the agent on worker-1 has."""
    pod = until(lambda: pods(release, "agent").get("worker-1"), "the agent of worker-1")
    bound = ("--bound-object-kind=Pod", f"--bound-object-name={pod}")
    token = release.kubectl("create", "token", "ovnloom-agent", "-n", NAMESPACE, *bound).strip()
    own = yaml.safe_load(release.kubeconfig.read_text())
    own["users"][0]["user"] = {"token": token}
    path = tmp_path / "kubeconfig"
    path.write_text(yaml.safe_dump(own))

    def kubectl(*words: str) -> str:
        return release.kubectl(f"--kubeconfig={path}", *words)

    return kubectl


def test_an_agent_tells_of_its_own_node_and_of_no_other(release: Sandbox, as_agent: Callable[..., str]) -> None:
    """Whoever takes one node over must not be able to lead the traffic of others there, or to run on them."""
    mine, other = (pods(release, "agent")[node] for node in EVERYWHERE)
    own = ("-n", NAMESPACE)

    as_agent("annotate", "node", "worker-1", "--overwrite", "ovn.kubernetes.io/chassis=one")
    as_agent("label", "node", "worker-1", "--overwrite", "blue.provider-network.kubernetes.io/ready=true")
    as_agent("annotate", "pod", mine, *own, "--overwrite", "blue.provider-network.kubernetes.io/err_mesg=none")

    image = json.dumps({"spec": {"containers": [{"name": "agent", "image": "stranger"}]}})
    for words, reason in (
        (
            ("annotate", "node", "worker-2", "ovn.kubernetes.io/chassis=one"),
            "is on worker-1, and this is about worker-2",
        ),
        (("taint", "node", "worker-1", "a=b:NoExecute"), "changes annotations, labels and status, and nothing else"),
        (("annotate", "pod", other, *own, "a=b"), "is on worker-1, and this is about worker-2"),
        (("label", "pod", mine, *own, "a=b"), "changes annotations of its Pod, and nothing else"),
        (("patch", "pod", mine, *own, f"--patch={image}"), "and nothing else"),
    ):
        with pytest.raises(CommandError) as refused:
            as_agent(*words)
        assert reason in str(refused.value)


def test_an_agent_says_whether_its_node_has_a_network_and_of_no_other(release: Sandbox) -> None:
    """A node that is said to have one gets Pods."""
    pod = until(lambda: pods(release, "agent").get("worker-1"), "the agent of worker-1")
    bound = ("--bound-object-kind=Pod", f"--bound-object-name={pod}")
    token = release.kubectl("create", "token", "ovnloom-agent", "-n", NAMESPACE, *bound).strip()

    assert say_available(release, token, "worker-1") == 200
    assert say_available(release, token, "worker-2") == 422


def say_available(cluster: Sandbox, token: str, node: str) -> int:
    """The code of the answer. kubectl asks for the status before it patches it, which the agent doesn't."""
    where = yaml.safe_load(cluster.kubeconfig.read_text())["clusters"][0]["cluster"]
    trust = ssl.create_default_context(cadata=base64.b64decode(where["certificate-authority-data"]).decode())
    condition = {"type": "NetworkUnavailable", "status": "False", "reason": "JoinSubnetGatewayReachable"}
    request = urllib.request.Request(
        f"{where['server']}/api/v1/nodes/{node}/status",
        json.dumps({"status": {"conditions": [condition]}}).encode(),
        {"Authorization": f"Bearer {token}", "Content-Type": "application/strategic-merge-patch+json"},
        method="PATCH",
    )
    try:
        with urllib.request.urlopen(request, timeout=20, context=trust) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as refused:
        refused.close()
        return refused.code


def test_a_token_that_belongs_to_no_node_tells_of_none(release: Sandbox, as_agent: Callable[..., str]) -> None:
    """It is not that of an agent."""
    token = release.kubectl("create", "token", "ovnloom-agent", "-n", NAMESPACE).strip()

    with pytest.raises(CommandError) as refused:
        as_agent(f"--token={token}", "annotate", "node", "worker-1", "--overwrite", "ovn.kubernetes.io/chassis=two")

    assert "an agent tells of its own node alone" in str(refused.value)


def test_a_switch_may_do_nothing(release: Sandbox) -> None:
    """Open vSwitch doesn't talk to the API server."""
    assert rights(release, account(SWITCH)) == {}


def test_a_node_that_repels_everything_gets_its_network_all_the_same(release: Sandbox) -> None:
    """Without it no Pod could start there once the taint is gone, and those that run would lose theirs."""
    release.kubectl("taint", "node", "worker-1", "example.com/broken=yes:NoExecute")
    try:
        for component in ("agent", "ovs"):
            until(lambda component=component: sorted(pods(release, component)) == EVERYWHERE, f"{component} everywhere")
    finally:
        release.kubectl("taint", "node", "worker-1", "example.com/broken-")


def test_the_daemonset_of_another_network_is_not_taken_over(cluster: Sandbox, render: Render) -> None:
    """`--take-ownership` is needed for the CRDs; with this it would replace another network's agents at once."""
    (theirs,) = [each for each in render() if each["kind"] == "DaemonSet" and each["metadata"]["name"] == SWITCH]
    theirs["metadata"] = {"name": SWITCH, "namespace": "theirs"}
    cluster.kubectl("create", "namespace", "theirs")
    try:
        cluster.kubectl("create", "-f", "-", stdin=text([theirs]))
        with pytest.raises(CommandError) as refused:
            cluster.helm("install", "third", str(CHART), "--namespace", "theirs", "--take-ownership")
    finally:
        cluster.kubectl("delete", "namespace", "theirs", "--wait=false")

    assert "a DaemonSet ovs-ovn of somebody else" in str(refused.value)


def test_the_crds_follow_an_upgrade(release: Sandbox, tmp_path: Path) -> None:
    """helm leaves those in a chart's `crds/` as they were at the first install; ours have to learn new fields."""
    before = shutil.copytree(CHART, tmp_path / "before")
    file = before / "files" / "crds" / "subnets.kubeovn.io.yaml"
    crd = yaml.safe_load(file.read_text())
    shown = crd["spec"]["versions"][0]["additionalPrinterColumns"]
    crd["spec"]["versions"][0]["additionalPrinterColumns"] = [each for each in shown if each["name"] != "CIDR"]
    file.write_text(yaml.safe_dump(crd))
    upgrade = ("--namespace", NAMESPACE, "--reuse-values")

    def columns() -> list[str]:
        names = "jsonpath={.spec.versions[0].additionalPrinterColumns[*].name}"
        return release.kubectl("get", "crd", "subnets.kubeovn.io", "-o", names).split()

    release.helm("upgrade", RELEASE, str(before), *upgrade)
    assert "CIDR" not in columns()
    release.helm("upgrade", RELEASE, str(CHART), *upgrade)

    assert "CIDR" in columns()


@pytest.fixture
def hooks(release: Sandbox, render: Render, tmp_path: Path) -> Iterator[dict[str, str]]:
    """All that `helm uninstall` makes first, but for its Jobs; the answer is the environment of their Pods."""
    found = render("--show-only", "templates/clean.yaml", namespace=NAMESPACE)
    release.kubectl("apply", "--dry-run=server", "--validate=strict", "-f", "-", stdin=text(found))
    made = text([each for each in found if each["kind"] != "Job"])
    release.kubectl("apply", "-f", "-", stdin=made)
    where = yaml.safe_load(release.kubeconfig.read_text())["clusters"][0]["cluster"]
    (tmp_path / "token").write_text(release.kubectl("create", "token", CLEAN, "-n", NAMESPACE))
    (tmp_path / "ca.crt").write_bytes(base64.b64decode(where["certificate-authority-data"]))
    server = urlsplit(where["server"])
    yield {
        "SERVICE_ACCOUNT": str(tmp_path),
        "KUBERNETES_SERVICE_HOST": str(server.hostname),
        "KUBERNETES_SERVICE_PORT": str(server.port),
        "NAMESPACE": NAMESPACE,
        "PATIENCE": "60",
    }
    release.kubectl("delete", "-f", "-", "--wait=false", stdin=made)
    forget(release, "clean")


def forget(cluster: Sandbox, component: str) -> None:
    """The Pods of a component are gone, as when a kubelet has ended them."""
    chosen = ("-l", f"app.kubernetes.io/component={component}")
    cluster.kubectl("delete", "pods", "-n", NAMESPACE, *chosen, "--grace-period=0", "--force")


def begin(environment: dict[str, str], *words: str) -> subprocess.Popen[str]:
    """A step of the uninstall has begun, with the rights that it has in the cluster."""
    command = (sys.executable, str(CHART / "files" / "clean.py"), *words)
    return subprocess.Popen(
        command, env=client.surroundings(environment), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


def is_ending(cluster: Sandbox, name: str) -> Callable[[], str]:
    said = ("-n", NAMESPACE, "--ignore-not-found", "-o", "jsonpath={.metadata.deletionTimestamp}")
    return lambda: cluster.kubectl("get", "daemonset", name, *said)


def test_an_uninstall_waits_until_the_agents_have_ended(release: Sandbox, hooks: dict[str, str]) -> None:
    """What is removed while one still runs comes back."""
    until(lambda: sorted(pods(release, "agent")) == EVERYWHERE, "agents everywhere")

    step = begin(hooks, "retire", AGENT)
    until(is_ending(release, AGENT), "the end of the DaemonSet to begin")
    assert step.poll() is None
    forget(release, "agent")
    said, _ = step.communicate(timeout=60)

    assert (step.returncode, said) == (0, "agents still run\n")
    assert pods(release, "agent") == {}
    release.helm("upgrade", RELEASE, str(CHART), "--namespace", NAMESPACE, "--reuse-values")


def test_an_uninstall_waits_until_each_node_is_clean_and_says_which_one_is_not(
    release: Sandbox, hooks: dict[str, str]
) -> None:
    """A node that is left as it is would keep the next network from working there."""
    until(lambda: sorted(pods(release, "clean")) == EVERYWHERE, "a Pod everywhere")

    become_ready(release, pods(release, "clean")["worker-1"])
    ready = ("-n", NAMESPACE, "-o", "jsonpath={.status.numberReady}")
    until(lambda: release.kubectl("get", "daemonset", CLEAN, *ready) == "1", "one clean node")
    step = begin({**hooks, "PATIENCE": "0"}, "wait", CLEAN)
    said, _ = step.communicate(timeout=60)
    assert step.returncode == 1
    assert "1 of 2 nodes are not clean yet: worker-2; uninstall again" in said

    become_ready(release, pods(release, "clean")["worker-2"])
    step = begin(hooks, "wait", CLEAN)
    said, _ = step.communicate(timeout=60)
    assert step.returncode == 0, said


def become_ready(cluster: Sandbox, pod: str) -> None:
    """As a kubelet says it."""
    ready = {"status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}}
    cluster.kubectl("patch", "pod", pod, "-n", NAMESPACE, "--subresource=status", f"--patch={json.dumps(ready)}")
