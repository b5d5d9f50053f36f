"""Vips and SwitchLBRules on a real OVN: northd translates the rows, and ovn-trace follows packets."""

from collections.abc import Callable
from typing import Any

import pytest

from sandbox import Ovn
from tests.northbound.conftest import Controller
from tests.service.test_ovn import OUTPUT, Cluster, address, slices
from tests.verdict.tracing import ANSWERED

PREFIX = "ovn.kubernetes.io/"
Body = dict[str, Any]


@pytest.fixture
def real(own_ovn: Ovn, controllers: Callable[..., Controller]) -> Cluster:
    return Cluster(own_ovn, controllers(own_ovn.nb).lock())


def custom(kind: str, name: str, **spec: Any) -> Body:
    return {"apiVersion": "kubeovn.io/v1", "kind": kind, "metadata": {"name": name, "uid": name}, "spec": spec}


def rule(vip: str, **spec: Any) -> Body:
    ports = [{"name": name, "port": 80, "targetPort": 8080, "protocol": name.upper()} for name in ("tcp", "udp")]
    said = {"vip": vip, "namespace": "default", "selector": ["app:web"], "ports": ports, **spec}
    return custom("SwitchLBRule", "web", **said)


def behind(*pods: str) -> list[Body]:
    """The EndpointSlices that Kubernetes makes of the rule's Service."""
    found = slices(*pods, service="slr-web")
    for body in found:
        for name, endpoint in zip(pods, body["endpoints"], strict=True):
            endpoint["targetRef"] = {"kind": "Pod", "name": name, "namespace": "default"}
    return found


def sharing(*pods: str, vip: str) -> list[Body]:
    """Pods that share a Vip; they replace those of the cluster."""
    found = []
    for name in pods:
        both = f"{address(name)},{address(name, 6)}"
        said = {PREFIX + "ip_address": both, PREFIX + "aaps": vip, PREFIX + "port_security": "true"}
        meta = {"name": name, "namespace": "default", "uid": name, "annotations": said}
        found.append({"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": {"nodeName": "n1"}})
    return found


def mac(ovn: Ovn, port: str) -> str:
    found = ovn.nbctl("--bare", "--columns=addresses", "find", "logical_switch_port", f"name={port}")
    return found.split()[0]


def router_mac(ovn: Ovn) -> str:
    return ovn.nbctl("get", "logical_router_port", "ovn-cluster-ovn-default", "mac").strip().strip('"')


@pytest.mark.parametrize("protocol", ["tcp", "udp"])
def test_a_packet_to_the_address_of_a_rule_reaches_every_backend(real: Cluster, protocol: str) -> None:
    """Of both families, at an address of nobody's and at one of the Subnet itself."""
    for vips in ("10.99.0.1,fd99::1", "10.16.0.240,fd00:16::240"):
        real.become(rule(vips), *behind("one", "two"))

        for vip, family in zip(vips.split(","), (4, 6), strict=True):
            for name in ("one", "two"):
                backend = address(name, family) if family == 4 else f"[{address(name, family)}]"
                said = real.trace(vip, protocol, f"--lb-dst={backend}:8080")
                assert OUTPUT.findall(said) == [f"{name}.default"], said


def test_a_rule_without_backends_rejects(real: Cluster) -> None:
    """A client that is told so at once tries again."""
    real.become(rule("10.99.0.1"))

    assert ANSWERED.search(real.trace("10.99.0.1"))


def test_ovn_probes_the_backends_of_a_rule(real: Cluster, own_ovn: Ovn) -> None:
    """northd makes monitors only of mappings that it understood, of both families."""
    real.become(rule("10.99.0.1,fd99::1"), *behind("one", "two"))

    said = own_ovn.sbctl(
        "--format=csv", "--no-headings", "--columns=ip,logical_port,src_ip,protocol", "list", "service_monitor"
    )
    found = {tuple(cell.strip('"') for cell in line.split(",")) for line in said.splitlines() if line}

    held = real.pipeline.world
    source = next(ip for table in held.tables.values() for ip in table.values() if getattr(ip, "pod_type", "") == "Vip")
    expected = {
        (address(name, family), f"{name}.default", source.v4 if family == 4 else source.v6, protocol)
        for name in ("one", "two")
        for family in (4, 6)
        for protocol in ("tcp", "udp")
    }
    assert found == expected


def test_the_gateway_answers_for_the_address_of_a_load_balancer(real: Cluster, own_ovn: Ovn) -> None:
    """Nobody has the address, so without an answer no Pod of the Subnet would ever send a packet to it."""
    vip = custom("Vip", "lb", subnet="ovn-default", type="switch_lb_vip", v4ip="10.16.0.240", v6ip="fd00:16::240")
    real.become(vip, rule("10.16.0.240,fd00:16::240"), *behind("one"))
    sender = mac(own_ovn, "client.default")

    asks = (
        f'inport == "client.default" && eth.src == {sender} && eth.dst == ff:ff:ff:ff:ff:ff && arp.op == 1 '
        f"&& arp.sha == {sender} && arp.spa == {address('client')} && arp.tpa == 10.16.0.240"
    )
    said = own_ovn.trace("ovn-default", asks)

    assert f"eth.src = {router_mac(own_ovn)}" in said, said
    assert 'output to "client.default"' in said, said


def test_the_macs_of_a_switch_are_one_ports_each(real: Cluster, own_ovn: Ovn) -> None:
    """Two ports with the gateway's MAC would make it a matter of chance where packets to the outside go."""
    vip = custom("Vip", "lb", subnet="ovn-default", type="switch_lb_vip", v4ip="10.16.0.240")
    real.become(vip, rule("10.16.0.240"), *behind("one"))

    flows = own_ovn.sbctl("lflow-list", "ovn-default").splitlines()
    found = [flow for flow in flows if "ls_in_l2_lkup" in flow and f"eth.dst == {router_mac(own_ovn)})" in flow]

    assert len(found) == 1, found


@pytest.mark.parametrize("family", [4, 6])
def test_a_virtual_port_moves_to_the_pod_that_announces_the_address(real: Cluster, own_ovn: Ovn, family: int) -> None:
    """And only to one of those that may have it; all others say in vain that it is theirs."""
    vip = custom("Vip", "shared", subnet="ovn-default", namespace="default", v4ip="10.16.0.250", v6ip="fd00:16::250")
    real.become(vip, *sharing("one", "two", vip="shared"))
    port = "shared" if family == 4 else "shared-v6"

    def announced(pod: str) -> str:
        sender = mac(own_ovn, f"{pod}.default")
        start = f'inport == "{pod}.default" && eth.src == {sender}'
        if family == 4:
            flow = (
                f"{start} && eth.dst == ff:ff:ff:ff:ff:ff && arp.op == 1 && arp.sha == {sender} "
                "&& arp.spa == 10.16.0.250 && arp.tpa == 10.16.0.250"
            )
        else:
            flow = (
                f"{start} && eth.dst == 33:33:00:00:00:01 && ip6.src == fd00:16::250 && ip6.dst == ff02::1 "
                f"&& ip.ttl == 255 && icmp6.type == 136 && icmp6.code == 0 && nd.target == fd00:16::250 "
                f"&& nd.tll == {sender}"
            )
        return own_ovn.trace("ovn-default", flow)

    for name in ("one", "two"):
        assert f'bind_vport("{port}", inport)' in announced(name)
    assert "bind_vport" not in announced("three")


def test_a_pod_sends_from_the_addresses_that_it_shares_and_from_no_other(real: Cluster, own_ovn: Ovn) -> None:
    """port_security would else drop what the Pod answers under the shared address."""
    vip = custom("Vip", "shared", subnet="ovn-default", namespace="default", v4ip="10.16.0.250")
    real.become(vip, *sharing("one", vip="shared"))
    sender, target = mac(own_ovn, "one.default"), mac(own_ovn, "client.default")

    def sent(source: str) -> str:
        flow = (
            f'inport == "one.default" && eth.src == {sender} && eth.dst == {target} && ip4.src == {source} '
            f"&& ip4.dst == {address('client')} && ip.ttl == 64 && tcp.src == 40000 && tcp.dst == 80"
        )
        return own_ovn.trace("ovn-default", flow, "--ct=new", "--ct=new")

    assert OUTPUT.findall(sent("10.16.0.250")) == ["client.default"]
    assert OUTPUT.findall(sent("10.16.0.251")) == []
