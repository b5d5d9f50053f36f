"""The chart at a real API server: what it makes is taken, and the controller may do what it has to and nothing else."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from sandbox import Sandbox, until
from sandbox.errors import CommandError
from tests.chart.conftest import CHART, NAMESPACE, RELEASE, Render, text
from tests.chart.rights import ACCOUNT, EXPECTED, Rights, difference
from tests.chart.test_values import CASES


@pytest.mark.parametrize("values", CASES, ids=lambda path: path.stem)
def test_the_api_server_takes_what_the_chart_makes(release: Sandbox, render: Render, values: Path) -> None:
    """Unknown fields, wrong types and broken rules of any object are refused by it, and by nothing else as surely."""
    manifests = render("--values", values, "--skip-tests")

    # Forced: the release in the other namespace owns the CRDs and roles.
    taken = release.kubectl(
        "apply",
        "--server-side",
        "--dry-run=server",
        "--force-conflicts",
        "--validate=strict",
        "-f",
        "-",
        stdin=text(manifests),
    )

    assert len(taken.splitlines()) == len(manifests)


def test_two_replicas_get_two_nodes(release: Sandbox) -> None:
    """The real scheduler finds a place for them: the standby is of use only where the leader is not."""

    def nodes() -> list[str]:
        chosen = ("-l", "app.kubernetes.io/component=controller", "-o", "jsonpath={.items[*].spec.nodeName}")
        return sorted(release.kubectl("get", "pods", "-n", NAMESPACE, *chosen).split())

    assert until(lambda: len(nodes()) == 2 and nodes(), "two Pods with a node") == ["worker-1", "worker-2"]


def test_ovn_central_gets_a_node(release: Sandbox) -> None:
    """Its Pod is taken with all its volumes and its init container, and there is room for it."""
    chosen = ("-l", "app.kubernetes.io/component=ovn-central", "-o", "jsonpath={.items[*].spec.nodeName}")

    until(lambda: release.kubectl("get", "pods", "-n", NAMESPACE, *chosen), "a Pod with a node")


def test_an_upgrade_changes_what_was_asked_for(release: Sandbox) -> None:
    """Selectors and other fields that can't change have to be the same in every version."""
    upgrade = ("upgrade", RELEASE, str(CHART), "--namespace", NAMESPACE, "--reuse-values")
    release.helm(*upgrade, "--set", "controller.settings.logLevel=DEBUG")

    environment = release.kubectl("get", "deployment", "ovnloom-controller", "-n", NAMESPACE, "-o", "json")
    assert {"name": "OVNLOOM_LOG_LEVEL", "value": "DEBUG"} in json.loads(environment)["spec"]["template"]["spec"][
        "containers"
    ][0]["env"]


def test_the_service_of_kube_ovn_is_not_taken_over(cluster: Sandbox) -> None:
    """`--take-ownership` is needed for the CRDs; with this Service it would cut every node off its database."""
    cluster.kubectl("create", "namespace", "kubeovn")
    cluster.kubectl("create", "service", "clusterip", "ovn-nb", "--tcp=6641", "-n", "kubeovn")
    try:
        with pytest.raises(CommandError) as refused:
            cluster.helm("install", "second", str(CHART), "--namespace", "kubeovn", "--take-ownership")
    finally:
        cluster.kubectl("delete", "namespace", "kubeovn", "--wait=false")

    assert "set ovnCentral.enabled to false to use those databases" in str(refused.value)


def test_the_controller_may_do_exactly_what_it_has_to(release: Sandbox) -> None:
    """One right too few stops it some day, one too many is an intruder's. What everybody may do isn't counted."""
    assert rights(release, ACCOUNT) == EXPECTED


def rights(cluster: Sandbox, user: str) -> Rights:
    """What a user may do in the release's namespace, as the API server says, beyond what every account may."""
    return difference(rules(cluster, user), rules(cluster, f"system:serviceaccount:{NAMESPACE}:default"))


def rules(cluster: Sandbox, user: str) -> Rights:
    review = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectRulesReview",
        "spec": {"namespace": NAMESPACE},
    }
    identity = (f"--as={user}", "--as-group=system:authenticated", "--as-group=system:serviceaccounts")
    answer = cluster.kubectl(*identity, "create", "--validate=false", "-f", "-", "-o", "json", stdin=json.dumps(review))
    found: Rights = {}
    for rule in json.loads(answer)["status"]["resourceRules"]:
        for group in rule["apiGroups"]:
            for resource in rule["resources"]:
                for name in rule.get("resourceNames") or [""]:
                    key = (group, resource, name) if name else (group, resource)
                    found.setdefault(key, set()).update(rule["verbs"])
    return found


@pytest.mark.parametrize(
    ("verb", "what", "more"),
    [
        ("get", "secrets", ()),
        ("list", "configmaps", ()),
        ("delete", "pods", ()),
        ("create", "pods", ()),
        ("create", "pods/exec", ()),
        ("delete", "nodes", ()),
        ("delete", "namespaces", ()),
        ("delete", "subnets.kubeovn.io", ()),
        ("delete", "vpcs.kubeovn.io", ()),
        ("patch", "customresourcedefinitions.apiextensions.k8s.io", ()),
        ("patch", "statefulsets.apps", ()),
        ("get", "leases/other", ()),
        ("update", "leases/kube-ovn-controller", ("-n", "default")),
        ("create", "leases", ("-n", "default")),
        ("create", "clusterrolebindings", ()),
        ("create", "serviceaccounts/token", ()),
        ("impersonate", "users", ()),
    ],
    ids=str,
)
def test_the_controller_may_not(release: Sandbox, verb: str, what: str, more: tuple[str, ...]) -> None:
    """These are what somebody would look for who took the controller over."""
    place = more or ("-n", NAMESPACE)

    with pytest.raises(CommandError) as refused:
        release.kubectl("auth", "can-i", verb, what, f"--as={ACCOUNT}", *place)

    assert "no" in str(refused.value)


def test_ovn_central_may_do_nothing(release: Sandbox) -> None:
    """OVN doesn't talk to the API server."""
    assert rights(release, f"system:serviceaccount:{NAMESPACE}:ovnloom-ovn-central") == {}


def test_uninstall_leaves_the_crds_and_what_is_in_them(release: Sandbox, install: Callable[[], None]) -> None:
    """Otherwise every Subnet and Vpc of the cluster would go with a release that is moved or reinstalled."""
    vpc = {"apiVersion": "kubeovn.io/v1", "kind": "Vpc", "metadata": {"name": "outlives"}, "spec": {}}
    release.kubectl("apply", "-f", "-", stdin=json.dumps(vpc))

    release.helm("uninstall", RELEASE, "--namespace", NAMESPACE, "--no-hooks")

    assert release.kubectl("get", "vpcs", "outlives", "-o", "name") == "vpc.kubeovn.io/outlives\n"
    assert release.kubectl("get", "deployments,clusterroles", "-A", "-l", f"app.kubernetes.io/instance={RELEASE}") == ""
    release.kubectl("delete", "vpc", "outlives")
    install()
