"""What cluster-wide policies let pass without a rule, asked of OVN itself."""

from collections.abc import Callable
from typing import Any

import pytest

from ovnloom.api.ip import IP
from ovnloom.api.meta import Key
from ovnloom.pipeline import Pipeline
from ovnloom.settings import Settings
from sandbox import Ovn
from tests.compile.manifests import decode
from tests.northbound.conftest import Controller
from tests.verdict.tracing import OUTPUT, write

Body = dict[str, Any]
NEW, REPLY = "new", "est,rpl"
"""What connection tracking knows of a packet."""


def world(**subnet: Any) -> list[Body]:
    """Two Pods on one switch, and a policy that denies everything that they begin themselves."""
    vpc = {"apiVersion": "kubeovn.io/v1", "kind": "Vpc", "metadata": {"name": "ovn-cluster"}}
    nets: dict[str, Body] = {
        "join": {"cidrBlock": "100.64.0.0/24"},
        "ovn-default": {"cidrBlock": "10.16.0.0/24", "default": True},
    }
    nets["ovn-default"] |= subnet
    subnets = [
        {"apiVersion": "kubeovn.io/v1", "kind": "Subnet", "metadata": {"name": name}, "spec": {"vpc": "", **spec}}
        for name, spec in nets.items()
    ]
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "default"}}
    pods = [
        {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": "default", "uid": name}, "spec": {}}
        for name in "ab"
    ]
    policy = {
        "apiVersion": "policy.networking.k8s.io/v1alpha1",
        "kind": "AdminNetworkPolicy",
        "metadata": {"name": "silent"},
        "spec": {
            "priority": 0,
            "subject": {"namespaces": {}},
            "egress": [{"action": "Deny", "to": [{"networks": ["0.0.0.0/0"]}]}],
        },
    }
    return [vpc, *subnets, namespace, *pods, policy]


def arrives(ovn: Ovn, pipeline: Pipeline, state: str) -> bool:
    """Whether a packet of Pod a comes out at Pod b."""
    one, other = (pipeline.world.tables[IP][Key(f"{name}.default")] for name in "ab")
    flow = (
        f'inport == "a.default" && eth.src == {one.mac} && eth.dst == {other.mac} && ip4.src == {one.v4}'
        f" && ip4.dst == {other.v4} && ip.ttl == 64 && tcp.src == 80 && tcp.dst == 5555"
    )
    said = ovn.trace("ovn-default", flow, *(f"--ct={state}",) * 6)
    return ("b.default", "") in OUTPUT.findall(said)


@pytest.mark.parametrize("has_services", [True, False])
def test_pods_that_may_begin_nothing_answer_all_the_same(
    own_ovn: Ovn, controllers: Callable[..., Controller], has_services: bool
) -> None:
    """A policy is about connections. Without a load balancer on the switch OVN wouldn't follow any by itself."""
    pipeline = Pipeline(Settings())
    pipeline.become(decode(*world(enableLb=has_services)))
    write(own_ovn, controllers(own_ovn.nb).lock(), pipeline.wanted)

    assert not arrives(own_ovn, pipeline, NEW)
    assert arrives(own_ovn, pipeline, REPLY)
