"""With an API server: Docker's networks are Subnets of the cluster, and its addresses IPs that the controller books."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from sandbox import Host, OpenVswitch, Sandbox
from sandbox.wait import until
from tests.conftest import ROOT, know_crds, remove_leftovers
from tests.controller.api import Api
from tests.controller.replica import Replica
from tests.docker.dialogue import Network, Plugin, Said, new_mac
from tests.leftover import sandbox_name

RIGHTS = ROOT / "packaging" / "docker" / "rights.yaml"

pytestmark = pytest.mark.xdist_group("cluster")


@dataclass
class Field:
    """A control plane with a controller, and a Docker host of its OVN."""

    sandbox: Sandbox
    api: Api
    plugin: Plugin


@pytest.fixture(scope="module")
def field() -> Iterator[Field]:
    """Shared by the tests of this module: it takes some seconds to be there."""
    remove_leftovers()
    sandbox = Sandbox(sandbox_name("docker"), kubelets=True)
    controller = Replica(sandbox)
    try:
        sandbox.up(nodes=0)
        know_crds(sandbox)
        controller.begin()
        host = Host(sandbox.fabric, 1)
        host.up()
        OpenVswitch(host).up()
        OpenVswitch(host).join(sandbox.sb)
        plugin = Plugin(host, sandbox.nb, {"OVNLOOM_KUBECONFIG": str(entitled(sandbox))})
        plugin.start()
        api = Api(sandbox.kubeconfig)
        yield Field(sandbox, api, plugin)
        api.close()
        plugin.stop()
        controller.stop()
    finally:
        sandbox.down()


def entitled(sandbox: Sandbox) -> Path:
    """A kubeconfig with the rights that packaging/docker gives to a Docker host, and no others."""
    sandbox.kubectl("apply", "-f", str(RIGHTS))
    token = sandbox.kubectl("create", "token", "ovnloom-docker", "-n", "kube-system").strip()
    found = yaml.safe_load(sandbox.kubeconfig.read_text(encoding="utf-8"))
    found["users"][0]["user"] = {"token": token}
    where = sandbox.directory / "docker.kubeconfig"
    where.write_text(yaml.safe_dump(found), encoding="utf-8")
    return where


def subnet(name: str, cidr: str) -> dict[str, object]:
    """A Subnet of the cluster's default Vpc."""
    return {
        "apiVersion": "kubeovn.io/v1",
        "kind": "Subnet",
        "metadata": {"name": name},
        "spec": {"cidrBlock": cidr, "vpc": "ovn-cluster"},
    }


def test_a_container_joins_a_subnet_of_the_cluster(field: Field) -> None:
    """No address is given twice, because Pods and containers have theirs from the same controller."""
    field.api.create(subnet("web", "10.81.0.0/24"))
    options = {"ovnloom.subnet": "web"}
    network = Network.create(field.plugin, options=options)
    one, other = network.endpoint(), network.endpoint()

    one.start("web-one")
    other.start("web-other")

    assert one.ip.startswith("10.81.0.")
    until(lambda: one.reaches("web-one", other.ip), "a ping between both")
    booked = {ip["spec"]["v4IpAddress"]: ip for ip in field.api.every("IP") if ip["spec"]["subnet"] == "web"}
    assert set(booked) == {one.ip, other.ip}
    assert "kubeovn.io/kube-ovn-controller" in booked[one.ip]["metadata"]["finalizers"]
    one.stop("web-one")
    other.stop("web-other")
    network.remove()
    assert field.api.get("Subnet", "web") is not None
    until(lambda: [ip for ip in field.api.every("IP") if ip["spec"]["subnet"] == "web"] == [], "the addresses to go")
    field.api.delete("Subnet", "web")


def test_a_new_network_is_a_subnet_and_goes_with_its_last_container(field: Field) -> None:
    """What Docker makes is visible to everybody who looks at the cluster, and nothing of it stays."""
    network = Network.create(field.plugin, "10.82.0.0/24")
    found = field.api.the("Subnet", "docker-10-82-0-0-24")
    assert found["spec"]["vpc"] == "docker"
    endpoint = network.endpoint("10.82.0.9")
    assert endpoint.ip == "10.82.0.9"
    with pytest.raises(Said, match=r"10\.82\.0\.9 is in use"):
        network.address(new_mac(), "10.82.0.9")

    endpoint.stop()
    network.remove()

    until(lambda: field.api.get("Subnet", "docker-10-82-0-0-24") is None, "the Subnet to go")


def test_a_network_without_a_subnet_of_its_own_can_be_named(field: Field) -> None:
    """Docker asks for a pool before it says the name: what was made for that pool must not be in the way."""
    network = Network.create(field.plugin, options={"ovnloom.subnet": "named"})

    found = field.api.the("Subnet", "named")

    assert found["spec"]["cidrBlock"] == network.pools[0]["Pool"]
    assert {each["metadata"]["name"] for each in field.api.every("Subnet")} >= {"named", "join", "ovn-default"}
    assert not any(each["metadata"]["name"].startswith("docker-") for each in field.api.every("Subnet"))
    network.remove()
    until(lambda: field.api.get("Subnet", "named") is None, "the Subnet to go")


def test_an_address_that_a_pod_has_is_none_for_a_container(field: Field) -> None:
    """The other way round the controller sees to it."""
    field.api.create(subnet("shared", "10.83.0.0/24"))
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": "web",
            "namespace": "default",
            "annotations": {"ovn.kubernetes.io/logical_switch": "shared", "ovn.kubernetes.io/ip_address": "10.83.0.5"},
        },
        "spec": {"containers": [{"name": "web", "image": "none"}], "automountServiceAccountToken": False},
    }
    field.api.create(pod)
    until(lambda: field.api.get("IP", "web.default") is not None, "the Pod's address")
    network = Network.create(field.plugin, "10.83.0.0/24", options={"ovnloom.subnet": "shared"})

    def refused() -> bool:
        try:
            network.address(new_mac(), "10.83.0.5")
        except Said as said:
            return "web.default" in str(said)
        return False

    assert refused()
    network.remove()
    field.api.delete("Pod", "web", "default")
    until(lambda: field.api.get("IP", "web.default") is None, "the address to go")
    field.api.delete("Subnet", "shared")


def test_a_networkpolicy_selects_a_container_by_its_labels(field: Field) -> None:
    """Labels are known before the port is there, so there is no moment in which the policy doesn't hold."""
    field.api.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "docker"}})
    policy = {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": "closed", "namespace": "docker"},
        "spec": {"podSelector": {"matchLabels": {"app": "vault"}}, "policyTypes": ["Ingress"]},
    }
    field.api.create(policy)
    until(
        lambda: "closed" in field.sandbox.ovn.nbctl("--bare", "--columns=name", "list", "Port_Group"),
        "the policy's rows",
    )
    network = Network.create(field.plugin, "10.84.0.0/24")
    vault, other = network.endpoint(options={"ovnloom.labels": "app=vault"}), network.endpoint()
    vault.start("vault")
    other.start("other")

    until(lambda: vault.reaches("vault", other.ip), "a ping out of the vault")
    assert not other.reaches("other", vault.ip)

    field.api.delete("NetworkPolicy", "closed", "docker")
    until(lambda: other.reaches("other", vault.ip), "a ping into what is open now")
    vault.stop("vault")
    other.stop("other")
    network.remove()
