"""The controller at work with the rights that the chart gives it, and `helm test` beside it."""

import base64
import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml

from sandbox import Sandbox, client, until
from sandbox.errors import CommandError, NotReadyError
from tests.chart.conftest import CHART, NAMESPACE, RELEASE, Render, text
from tests.chart.rights import ACCOUNT, EXPECTED, LEASE, RARE, Audit, difference
from tests.conftest import ROOT
from tests.controller.field import Field, Place
from tests.controller.replica import PATIENCE, Replica

NAD = "network-attachment-definitions.k8s.cni.cncf.io"
VM = "virtualmachines.kubevirt.io"
CLUSTER_POLICIES = ROOT / "tests" / "cluster_policy"


@pytest.fixture(scope="module")
def audit(own_cluster: Sandbox) -> Audit:
    """The API server records what the controller asks for."""
    found = Audit(own_cluster.directory / "audit.log", own_cluster.directory / "audit.json", ACCOUNT)
    found.prepare()
    server = own_cluster.controlplane.apiserver
    own_cluster.stop_apiserver()
    replace(server, command=(*server.command, *found.flags)).start()
    own_cluster.start_apiserver()
    return found


@pytest.fixture(scope="module")
def installed(own_cluster: Sandbox, audit: Audit) -> Sandbox:
    """A fresh cluster with the chart in it. Nobody runs its Pods."""
    own_cluster.helm("install", RELEASE, str(CHART), "--namespace", NAMESPACE, "--create-namespace")
    return own_cluster


def replica(cluster: Sandbox, identity: str) -> Replica:
    """A controller with the environment and the account of the chart's, as the kubelet would start it."""
    deployment = cluster.kubectl("get", "deployment", "ovnloom-controller", "-n", NAMESPACE, "-o", "json")
    container = json.loads(deployment)["spec"]["template"]["spec"]["containers"][0]
    given = {each["name"]: each["value"] for each in container["env"] if "value" in each}
    own = yaml.safe_load(cluster.kubeconfig.read_text())
    token = cluster.kubectl("create", "token", "ovnloom-controller", "-n", NAMESPACE).strip()
    own["users"][0]["user"] = {"token": token}
    kubeconfig = cluster.directory / f"{identity}.kubeconfig"
    kubeconfig.write_text(yaml.safe_dump(own))
    there = {"OVNLOOM_KUBECONFIG": str(kubeconfig), "OVNLOOM_OVN_NB": cluster.nb, "OVNLOOM_VPC_DNS_VIP": "10.250.0.10"}
    return Replica(cluster, identity, {**given, **there})


@pytest.fixture(scope="module")
def controller(installed: Sandbox) -> Iterator[Replica]:
    """One that leads, with the rights that the chart gives."""
    found = replica(installed, "controller-a").start()
    try:
        yield found.leading()
    except NotReadyError as late:
        raise NotReadyError(f"{late}\nthe end of its log:\n{found.server.tail()}") from None
    finally:
        found.stop()


@pytest.fixture
def place(installed: Sandbox, controller: Replica) -> Iterator[Place]:
    """What a test makes is gone after it."""
    field = Field(installed, controller)
    found = Place(field)
    try:
        yield found
    finally:
        found.clear()
        field.api.close()


@pytest.mark.timeout(300)
def test_the_controller_does_all_its_work_with_the_rights_of_the_chart(place: Place, audit: Audit) -> None:
    """One right too few stops it some day, and one that it never uses is an intruder's."""
    repeat = told_twice(place)
    first_start(place)
    later_kinds(place)
    physical_networks(place)
    policies_of_administrators(place)
    pods_come_and_go(place)
    networks_go(place)
    load_balancers_come_and_go(place)
    until(repeat, "an Event with a count", PATIENCE)
    another_replica_leads(place)

    assert audit.denied() == []
    assert "status 403" not in place.field.controller.log
    unused = difference(EXPECTED, audit.used())
    assert difference(unused, RARE) == {}
    assert difference(audit.used(), EXPECTED) == {}


def first_start(place: Place) -> None:
    """What every cluster has is there, and the nodes have their addresses."""
    place.ready("Vpc", "ovn-cluster")
    for subnet in ("ovn-default", "join"):
        place.ready("Subnet", subnet)
    for node in ("worker-1", "worker-2"):
        until(lambda node=node: annotation(place, "Node", node, "allocated"), f"the address of {node}", PATIENCE)


def annotation(place: Place, kind: str, name: str, word: str) -> str:
    said = place.api.the(kind, name)["metadata"].get("annotations", {})
    return str(said.get(f"ovn.kubernetes.io/{word}", ""))


def told_twice(place: Place) -> Callable[[], bool]:
    """A Subnet is wrong in the same way for the second time; the answer is whether its Event has a count of that."""
    free, taken = ({"spec": {"cidrBlock": place.cidr(part), "gateway": "", "excludeIps": []}} for part in (2, 3))
    place.ready("Subnet", place.subnet("right", **taken["spec"]))
    name = place.subnet("wrong", **taken["spec"])
    place.fails("Subnet", name)
    place.api.patch("Subnet", name, free)
    place.ready("Subnet", name)
    place.api.patch("Subnet", name, taken)
    place.fails("Subnet", name)
    return lambda: any(event["count"] > 1 for event in place.api.events(name))


def policies_of_administrators(place: Place) -> None:
    """Kinds of a third project are served, and their objects say what came of them."""
    kubectl = place.field.sandbox.kubectl
    kubectl("apply", "--server-side", "-f", str(CLUSTER_POLICIES / "crds"))
    kubectl("wait", "--for=condition=Established", "--timeout=60s", "-f", str(CLUSTER_POLICIES / "crds"))
    objects = str(CLUSTER_POLICIES / "one-of-each.yaml")
    kubectl("create", "-f", objects)
    kubectl("wait", "--for=condition=Ready", "--timeout=60s", "-f", objects, seconds=90)
    kubectl("delete", "-f", objects)
    place.ready("SecurityGroup", place.custom("SecurityGroup", "group"))


def later_kinds(place: Place) -> None:
    """Kinds of other projects are served from now on, and followed: a Pod gets its second NIC."""
    nad: dict[str, Any] = {"group": "k8s.cni.cncf.io", "kind": "NetworkAttachmentDefinition"}
    machine: dict[str, Any] = {"group": "kubevirt.io", "kind": "VirtualMachine"}
    for name, about in ((NAD, nad), (VM, machine)):
        place.field.sandbox.kubectl("apply", "-f", "-", stdin=json.dumps(crd(name, **about)))
        place.field.sandbox.kubectl("wait", "--for=condition=Established", "--timeout=60s", f"crd/{name}")
    space = place.namespace()
    second = place.subnet("second", cidrBlock=place.cidr(1), provider=f"more.{space}.ovn")
    place.ready("Subnet", second)
    config = json.dumps({"cniVersion": "0.3.1", "type": "kube-ovn", "provider": f"more.{space}.ovn"})
    about = {"name": "more", "namespace": space}
    place.create(
        {"apiVersion": "k8s.cni.cncf.io/v1", "metadata": about, "spec": {"config": config}, "kind": nad["kind"]}
    )
    place.pod("two", space, {"k8s.v1.cni.cncf.io/networks": f"{space}/more"})

    assert place.allocated("two", space, f"more.{space}.ovn")["logical_switch"] == second


def physical_networks(place: Place) -> None:
    """A Vlan that names no ProviderNetwork is told which one is meant; both say what came of them."""
    network, vlan = place.custom("ProviderNetwork", "pn", defaultInterface="eth1"), place.name("vlan")
    place.ready("ProviderNetwork", network)
    place.custom("Vlan", "vlan", id=7, provider="")

    assert "'provider' does not exist" in place.fails("Vlan", vlan, "ProviderNetworkUnusable")
    until(lambda: place.api.the("Vlan", vlan)["spec"]["provider"] == "provider", "the usual provider", PATIENCE)


def crd(name: str, group: str, kind: str) -> dict[str, Any]:
    """The definition of a kind that takes anything."""
    plural = name.partition(".")[0]
    anything = {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}
    version = {"name": "v1", "served": True, "storage": True, "schema": anything}
    names = {"plural": plural, "singular": kind.lower(), "kind": kind}
    spec = {"group": group, "scope": "Namespaced", "names": names, "versions": [version]}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": name},
        "spec": spec,
    }


def pods_come_and_go(place: Place) -> None:
    """Each gets an address, remembered in an IP object that goes with it, however it goes."""
    space = place.namespace("pods")
    for pod in ("slow", "quick"):
        place.pod(pod, space)
        place.allocated(pod, space)

    place.api.delete("Pod", "quick", space)
    place.field.sandbox.kubectl("delete", "pod", "slow", "-n", space, "--grace-period=0", "--force")

    for pod in ("slow", "quick"):
        place.gone("IP", f"{pod}.{space}")
        place.no_port(f"{pod}.{space}")


def load_balancers_come_and_go(place: Place) -> None:
    """Each object that one needs is made, follows it and goes with it: a rule, a Service, its slices, a Vip."""
    space = place.namespace("balanced")
    vpc = place.vpc("balancing", namespaces=[space])
    subnet = place.subnet("balanced", vpc=vpc, namespaces=[space])
    place.pod("one", space)
    backend = place.allocated("one", space)["ip_address"]
    dns = place.custom("VpcDns", "dns", vpc=vpc, subnet=subnet)
    made = f"vpc-dns-{dns}"
    until(lambda: place.api.get("Service", f"slr-{made}", NAMESPACE), "the Service of the name servers", PATIENCE)
    ports = [{"port": 80}]
    web = place.custom("SwitchLBRule", "web", vip="10.99.0.1", namespace=space, endpoints=[backend], ports=ports)
    place.ready("SwitchLBRule", web)
    until(lambda: place.api.get("EndpointSlice", f"slr-{web}-ipv4", space), "the slice", PATIENCE)
    place.create(
        {
            "apiVersion": "discovery.k8s.io/v1",
            "kind": "EndpointSlice",
            "metadata": {"name": "by-hand", "namespace": space, "labels": {"kubernetes.io/service-name": f"slr-{web}"}},
            "addressType": "IPv4",
            "ports": [{"name": "", "port": 80, "protocol": "TCP"}],
            "endpoints": [{"addresses": [backend], "targetRef": {"kind": "Pod", "name": "one", "namespace": space}}],
        }
    )
    until(lambda: (place.api.get("Vip", subnet) or {}).get("status"), "the address of its probes", PATIENCE)

    place.api.delete("SwitchLBRule", web)
    place.api.delete("VpcDns", dns)

    place.gone("SwitchLBRule", made)
    place.gone("Vip", subnet)
    for name, where in ((f"slr-{made}", NAMESPACE), (f"slr-{web}", space)):
        until(lambda name=name, where=where: place.api.get("Service", name, where) is None, f"{name} to go", PATIENCE)


def networks_go(place: Place) -> None:
    """A Subnet waits for its Pod, and says so; then it, its pool and its Vpc go."""
    space = place.namespace("tenant")
    vpc = place.vpc(namespaces=[space])
    subnet = place.subnet(vpc=vpc, namespaces=[space])
    pool = place.custom("IPPool", "pool", subnet=subnet, ips=[f"{place.address(10)}..{place.address(20)}"])
    place.ready("IPPool", pool)
    place.pod("last", space)
    place.allocated("last", space)

    for kind, name in (("IPPool", pool), ("Subnet", subnet), ("Vpc", vpc)):
        place.api.delete(kind, name)
    place.tells(subnet, "DeletionWaits")
    place.api.delete("Pod", "last", space)

    for kind, name in (("IPPool", pool), ("Subnet", subnet), ("Vpc", vpc)):
        place.gone(kind, name)


def another_replica_leads(place: Place) -> None:
    """The Lease goes to the standby when the leader ends, and what it writes is taken."""
    standby = replica(place.field.sandbox, "controller-b").begin()
    try:
        place.field.controller.stop()
        standby.leading()
        place.ready("Subnet", place.subnet("after"))
        assert place.api.the("Lease", LEASE, NAMESPACE)["spec"]["holderIdentity"] == "controller-b"
    finally:
        standby.stop()
        place.field.controller.start().leading()
    assert "status 403" not in standby.log


@pytest.fixture
def account(installed: Sandbox, controller: Replica, render: Render, tmp_path: Path) -> Iterator[dict[str, str]]:
    """The environment of the Pod of `helm test`, with the rights that its hooks give it."""
    hooks = render("--show-only", "templates/tests/answers.yaml", namespace=NAMESPACE)
    rest = text([each for each in hooks if each["kind"] != "Pod"])
    installed.kubectl("apply", "-f", "-", stdin=rest)
    installed.kubectl("apply", "--dry-run=server", "--validate=strict", "-f", "-", stdin=text(hooks))
    found = yaml.safe_load(installed.kubeconfig.read_text())["clusters"][0]["cluster"]
    (tmp_path / "token").write_text(installed.kubectl("create", "token", "ovnloom-test", "-n", NAMESPACE))
    (tmp_path / "ca.crt").write_bytes(base64.b64decode(found["certificate-authority-data"]))
    server = urlsplit(found["server"])
    yield {
        "SERVICE_ACCOUNT": str(tmp_path),
        "KUBERNETES_SERVICE_HOST": str(server.hostname),
        "KUBERNETES_SERVICE_PORT": str(server.port),
        "READY_HOST": "127.0.0.1",
        "READY_PORT": str(controller.port),
    }
    installed.kubectl("delete", "-f", "-", stdin=rest)


def helm_test(environment: dict[str, str]) -> str:
    """What the Pod of `helm test` prints. Raises CommandError when it fails."""
    return client.output(sys.executable, CHART / "files" / "answers.py", environment=environment)


def test_helm_test_passes_where_all_is_well(controller: Replica, account: dict[str, str]) -> None:
    """With the rights that it has in the cluster, and what the first start of the controller leaves."""
    controller.ready()

    assert "the controller is ready" in helm_test(account)


def test_helm_test_says_what_fails(installed: Sandbox, controller: Replica, account: dict[str, str]) -> None:
    """Who installs reads this instead of logs."""
    installed.stop_nb()
    try:
        until(lambda: not controller.is_ready(), "the controller to miss the database", PATIENCE)
        with pytest.raises(CommandError) as failed:
            helm_test(account)
    finally:
        installed.start_nb()

    assert f"no replica of the controller is ready (http://127.0.0.1:{controller.port}/readyz): 503" in str(
        failed.value
    )
    assert "northbound failed" in str(failed.value)
    assert "doesn't serve" not in str(failed.value)
