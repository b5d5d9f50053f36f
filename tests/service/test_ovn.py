"""Services on a real OVN: northd translates the rows, ovn-trace follows packets, ovn-controller makes flows."""

import re
from collections.abc import Callable
from typing import Any

import pytest

from ovnloom.pipeline import Pipeline
from ovnloom.settings import Settings
from sandbox import Ovn
from tests.compile.manifests import decode, load
from tests.northbound.conftest import Controller
from tests.service.chassis import Chassis
from tests.verdict.tracing import ANSWERED, write

CLUSTER = """
apiVersion: kubeovn.io/v1
kind: Vpc
metadata: {name: ovn-cluster}
---
apiVersion: kubeovn.io/v1
kind: Subnet
metadata: {name: join}
spec: {vpc: ovn-cluster, cidrBlock: "100.64.0.0/16,fd00:64::/64"}
---
apiVersion: kubeovn.io/v1
kind: Subnet
metadata: {name: ovn-default}
spec: {vpc: ovn-cluster, cidrBlock: "10.16.0.0/16,fd00:16::/64", default: true}
---
apiVersion: v1
kind: Namespace
metadata: {name: default}
---
apiVersion: v1
kind: Node
metadata: {name: n1, annotations: {ovn.kubernetes.io/chassis: chassis-n1}}
"""
OUTPUT = re.compile(r'output to "([^"]+)", type ""')
NEW = ("--ct=new",) * 6
PODS = ("client", "one", "two", "three")
VIPS = {4: "10.96.0.10", 6: "fd00:96::10"}
Body = dict[str, Any]


def address(pod: str, family: int = 4) -> str:
    number = PODS.index(pod) + 16
    return f"10.16.0.{number}" if family == 4 else f"fd00:16::{number:x}"


def pod(name: str) -> Body:
    both = f"{address(name)},{address(name, 6)}"
    meta = {"name": name, "namespace": "default", "uid": name, "annotations": {"ovn.kubernetes.io/ip_address": both}}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": {"nodeName": "n1"}}


def service(name: str = "web", **spec: Any) -> Body:
    ports = [{"name": name, "port": 80, "protocol": name.upper()} for name in ("tcp", "udp", "sctp")]
    meta = {"name": name, "namespace": "default"}
    said = {"clusterIPs": list(VIPS.values()), "ports": ports, **spec}
    return {"apiVersion": "v1", "kind": "Service", "metadata": meta, "spec": said}


def slices(*pods: str, service: str = "web", node: str = "n1") -> list[Body]:
    ports = [{"name": name, "port": 8080, "protocol": name.upper()} for name in ("tcp", "udp", "sctp")]
    return [
        {
            "apiVersion": "discovery.k8s.io/v1",
            "kind": "EndpointSlice",
            "metadata": {
                "name": f"{service}-{node}-{family}",
                "namespace": "default",
                "labels": {"kubernetes.io/service-name": service},
            },
            "addressType": f"IPv{family}",
            "ports": ports,
            "endpoints": [
                {"addresses": [address(name, family)], "conditions": {"ready": True}, "nodeName": node} for name in pods
            ],
        }
        for family in (4, 6)
    ]


class Cluster:
    """A cluster whose rows are in a real database."""

    def __init__(self, ovn: Ovn, controller: Controller) -> None:
        self._ovn, self._controller = ovn, controller
        self.pipeline = Pipeline(Settings(service_cidr="10.96.0.0/12,fd00:96::/112"))

    def become(self, *bodies: Body) -> None:
        """The cluster is that, with its four Pods, and northd has translated it."""
        self.pipeline.become([*load(CLUSTER), *decode(*map(pod, PODS), *bodies)])
        write(self._ovn, self._controller, self.pipeline.wanted)

    def trace(self, to: str, protocol: str = "tcp", *options: str, port: int = 80) -> str:
        """The way of the first packet that the client sends there, in ovn-trace's words."""
        family = 6 if ":" in to else 4
        found = self._ovn.nbctl("--bare", "--columns=addresses", "find", "logical_switch_port", "name=client.default")
        router = self._ovn.nbctl("get", "logical_router_port", "ovn-cluster-ovn-default", "mac").strip().strip('"')
        flow = (
            f'inport == "client.default" && eth.src == {found.split()[0]} && eth.dst == {router}'
            f" && ip{family}.src == {address('client', family)} && ip{family}.dst == {to} && ip.ttl == 64"
            f" && {protocol}.src == 40000 && {protocol}.dst == {port}"
        )
        return self._ovn.trace("ovn-default", flow, *NEW, *options)


@pytest.fixture
def real(own_ovn: Ovn, controllers: Callable[..., Controller]) -> Cluster:
    return Cluster(own_ovn, controllers(own_ovn.nb).lock())


@pytest.mark.parametrize("protocol", ["tcp", "udp", "sctp"])
def test_a_packet_reaches_every_backend(real: Cluster, protocol: str) -> None:
    """Addresses of both families and all protocols, of Pods on the client's own switch."""
    real.become(service(), *slices("one", "two", "three"))

    for family, vip in VIPS.items():
        for name in ("one", "two", "three"):
            backend = address(name, family) if family == 4 else f"[{address(name, family)}]"
            said = real.trace(vip, protocol, f"--lb-dst={backend}:8080")
            assert OUTPUT.findall(said) == [f"{name}.default"], said


def test_a_service_without_endpoints_rejects(real: Cluster) -> None:
    """A client that is told so at once tries again; one that hangs is an outage."""
    real.become(service())

    for vip in VIPS.values():
        assert ANSWERED.search(real.trace(vip))
        assert ANSWERED.search(real.trace(vip, "udp"))
    assert not ANSWERED.search(real.trace(VIPS[4], port=81))


def test_a_pod_that_is_no_longer_ready_gets_no_new_connection(real: Cluster) -> None:
    """The same row, changed in place, while another backend is left."""
    real.become(service(), *slices("one", "two"))
    real.become(service(), *slices("two"))

    assert OUTPUT.findall(real.trace(VIPS[4])) == ["two.default"]


def test_a_subnet_without_load_balancers_has_none(real: Cluster, own_ovn: Ovn) -> None:
    """Who turns enableLb off has a proxy of his own, which must see the packet."""
    real.become(service(), *slices("one"))
    assert "10.96.0.10" in own_ovn.sbctl("lflow-list", "ovn-default")

    plain: Body = {"vpc": "ovn-cluster", "cidrBlock": "10.16.0.0/16,fd00:16::/64", "default": True, "enableLb": False}
    subnet = {"apiVersion": "kubeovn.io/v1", "kind": "Subnet", "metadata": {"name": "ovn-default"}, "spec": plain}
    real.become(service(), *slices("one"), subnet)

    assert "10.96.0.10" not in own_ovn.sbctl("lflow-list", "ovn-default")


def test_affinity_makes_flows_that_remember_the_client(real: Cluster, own_ovn: Ovn) -> None:
    """northd makes these stages only when it understood the options."""
    client_ip: Body = {"sessionAffinity": "ClientIP", "sessionAffinityConfig": {"clientIP": {"timeoutSeconds": 600}}}
    real.become(service(**client_ip), *slices("one", "two"))

    flows = own_ovn.sbctl("lflow-list", "ovn-default").splitlines()
    learn = [flow for flow in flows if "ls_in_lb_aff_learn" in flow and "10.96.0.10" in flow]
    check = [flow for flow in flows if "ls_in_lb_aff_check" in flow and "10.96.0.10" in flow]

    assert len(learn) == 2 * 3  # two backends, three protocols
    assert all("timeout = 600" in flow for flow in learn)
    assert len(check) == 3
    assert any('hash_fields="ip_src,ipv6_src"' in flow for flow in flows)


def test_a_node_has_the_backends_that_are_its_own(real: Cluster, chassis: Chassis) -> None:
    """Templates are only tried by who expands them: a real ovn-controller, which must not complain either."""
    local = {"internalTrafficPolicy": "Local"}
    other = service("other", clusterIPs=["10.96.0.11", "fd00:96::11"], **local)
    elsewhere = slices("three", service="other", node="n2")
    real.become(service(**local), *slices("one", "two"), *slices("three", node="n2"), other, *elsewhere)
    chassis.plug("client.default")

    mine = {
        frozenset({"10.16.0.17:8080", "10.16.0.18:8080"}),
        frozenset({"[fd00:16::11]:8080", "[fd00:16::12]:8080"}),
    }
    assert chassis.backends() == mine | {frozenset({"127.0.0.1:9"}), frozenset({"[ff00::]:9"})}
    assert chassis.complaints() == []

    real.become(service(**local), *slices("one"))
    chassis.settle()

    assert chassis.backends() == {frozenset({"10.16.0.17:8080"}), frozenset({"[fd00:16::11]:8080"})}
    assert chassis.complaints() == []


def test_a_router_drops_what_a_node_without_backends_sends(real: Cluster) -> None:
    """That is what stands in the variable of such a node; an empty one would let the packet go on to nowhere known."""
    real.become()

    for nowhere in ("127.0.0.1", "ff00::"):
        said = real.trace(nowhere)
        assert OUTPUT.findall(said) == []
        assert re.search(r"lr_in_ip_input .*\n +drop;", said), said
