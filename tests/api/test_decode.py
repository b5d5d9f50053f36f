"""What the typed views keep of an object, and what makes two of them equal."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from ovnloom.api.condition import Condition
from ovnloom.api.ip import IP
from ovnloom.api.ippool import IPPool
from ovnloom.api.meta import Key, Meta, OwnerRef
from ovnloom.api.nad import NetworkAttachmentDefinition
from ovnloom.api.namespace import Namespace
from ovnloom.api.node import Node
from ovnloom.api.pod import Pod
from ovnloom.api.providernetwork import ProviderNetwork
from ovnloom.api.securitygroup import SecurityGroup
from ovnloom.api.selector import Expression, LabelSelector
from ovnloom.api.statefulset import StatefulSet
from ovnloom.api.subnet import Acl, NatRule, Subnet
from ovnloom.api.switchlbrule import SwitchLBRule
from ovnloom.api.vip import Vip
from ovnloom.api.virtualmachine import VirtualMachine
from ovnloom.api.vlan import Vlan
from ovnloom.api.vpc import BfdPort, Peering, PolicyRoute, StaticRoute, Vpc
from ovnloom.api.vpcdns import VpcDns

VIEWS = (
    IP,
    IPPool,
    NetworkAttachmentDefinition,
    Namespace,
    Node,
    Pod,
    ProviderNetwork,
    SecurityGroup,
    StatefulSet,
    Subnet,
    SwitchLBRule,
    Vip,
    VirtualMachine,
    Vlan,
    Vpc,
    VpcDns,
)
OVN = "ovn.kubernetes.io/"


def pod(annotations: dict[str, Any] | None = None, version: str = "1", **more: Any) -> Pod:
    meta = {"name": "web-0", "namespace": "shop", "uid": "u", "resourceVersion": version, "annotations": annotations}
    return Pod.decode({"metadata": meta | more.pop("metadata", {}), **more})


NAMES = """
metadata spec status name namespace labels annotations ownerReferences controller deletionTimestamp finalizers phase
restartPolicy conditions addresses type config plugins ipam acls match natOutgoingPolicyRules namespaceSelectors
matchLabels matchExpressions key operator values staticRoutes policyRoutes vpcPeerings bfdPort nodeSelector u2oFeatures
mtu excludeIps cidrBlock ips ipAddress template ordinals start replicas ovn.kubernetes.io/allocated
vip ports port selector endpoints v4ip id provider defaultInterface customInterfaces interface nodes excludeNodes
ovn.kubernetes.io/ip_address generation ingressRules egressRules priority protocol policy portRangeMin tier
"""
"""Junk goes to every place where a decoder looks, not only to the top."""
WORDS = some.sampled_from(NAMES.split())
JUNK = some.recursive(
    some.none() | some.booleans() | some.integers() | some.floats() | some.text(max_size=8),
    lambda inner: some.lists(inner, max_size=3) | some.dictionaries(WORDS | some.text(max_size=5), inner, max_size=5),
    max_leaves=30,
)


@given(body=some.dictionaries(WORDS, JUNK, max_size=5))
@pytest.mark.parametrize("view", VIEWS, ids=lambda view: view.__name__)
def test_no_rubbish_makes_decoding_fail(view: Any, body: dict[str, Any]) -> None:
    """One object that raises here would stop the watch of all objects of its kind."""
    decoded = view.decode(body)

    assert decoded == view.decode(json.loads(json.dumps(body)))


@given(spec=some.dictionaries(WORDS, JUNK, max_size=5))
@pytest.mark.parametrize(
    "view",
    [Subnet, Vpc, ProviderNetwork, Vlan, IPPool, IP, SecurityGroup, Vip, SwitchLBRule, VpcDns],
    ids=lambda view: view.__name__,
)
def test_each_complaint_is_a_short_sentence_about_a_field(view: Any, spec: dict[str, Any]) -> None:
    """They become conditions, which people read and etcd stores."""
    for sentence in view.decode({"spec": spec}).malformed:
        assert sentence.startswith("spec")
        assert "; " in sentence
        assert len(sentence) < 300


def test_a_pods_own_answer_coming_back_makes_no_difference() -> None:
    """Otherwise each Pod would be compiled twice: once for itself, once for our patch."""
    before = pod()
    answer = {
        "allocated": "true",
        "ip_address": "10.16.0.7",
        "mac_address": "00:00:00:53:6b:b6",
        "cidr": "10.16.0.0/16",
    }
    after = pod({OVN + name: value for name, value in answer.items()}, version="2")

    assert after == before
    assert after.written == {OVN + name: value for name, value in answer.items()}
    assert before.written == {}


def test_an_address_is_a_wish_until_it_is_the_answer() -> None:
    """The same annotation is used by users to ask and by the controller to answer."""
    wish = {OVN + "ip_address": "10.16.0.7"}

    assert pod(wish).annotations == wish
    assert pod(wish | {OVN + "allocated": "true"}).annotations == {}
    assert pod(wish | {OVN + "allocated": "true"}) != pod(wish)


def test_each_provider_answers_for_itself() -> None:
    """A second interface that is plugged in later is still to be allocated."""
    later = {"net1.shop.ovn.kubernetes.io/ip_address": "10.9.0.9"}
    found = pod({OVN + "allocated": "true", OVN + "ip_address": "10.16.0.7", **later})

    assert found.annotations == later


def test_annotations_that_are_not_about_the_network_are_dropped() -> None:
    """They change often and can be large: kubectl alone stores a copy of the whole Pod in one."""
    found = pod(
        {
            "kubectl.kubernetes.io/last-applied-configuration": "{}",
            "checksum/config": "abc",
            "k8s.v1.cni.cncf.io/networks": "net1",
            OVN + "ingress_rate": "5",
        }
    )

    assert found.annotations == {"k8s.v1.cni.cncf.io/networks": "net1", OVN + "ingress_rate": "5"}


@pytest.mark.parametrize(
    ("restart", "status", "finished"),
    [
        ("Always", {"phase": "Running"}, False),
        ("Always", {"phase": "Succeeded"}, False),
        ("OnFailure", {"phase": "Succeeded"}, True),
        ("Never", {"phase": "Succeeded"}, True),
        ("Never", {"phase": "Failed"}, True),
        ("OnFailure", {"phase": "Failed"}, False),
        ("Always", {"phase": "Failed", "reason": "Evicted"}, True),
    ],
)
def test_a_pod_is_finished_when_it_will_never_run_again(restart: str, status: dict[str, str], finished: bool) -> None:
    """From then on its address is free for others; too early would give it away twice."""
    assert pod(spec={"restartPolicy": restart}, status=status).finished is finished


def test_a_deleted_pod_says_when_its_grace_ends() -> None:
    """The API server's time already includes the grace period, so nobody adds it again."""
    found = pod(metadata={"deletionTimestamp": "2025-01-02T03:04:05Z"})

    assert found.deleting
    assert found.deletion_time == 1735787045


def test_a_pod_knows_who_makes_it() -> None:
    """Addresses of StatefulSets and virtual machines outlive the Pod."""
    refs = [
        {"apiVersion": "v1", "kind": "Node", "name": "n", "uid": "1"},
        {"apiVersion": "apps/v1", "kind": "StatefulSet", "name": "web", "uid": "2", "controller": True},
    ]

    assert pod(metadata={"ownerReferences": refs}).owner == OwnerRef("StatefulSet", "apps", "web", "2", True)


def test_the_heartbeat_of_a_node_makes_no_difference() -> None:
    """Every kubelet writes its status again and again; none of it is a change of the network."""

    def node(version: str, heartbeat: str, unavailable: str = "False") -> Node:
        conditions = [
            {"type": "Ready", "status": "True", "lastHeartbeatTime": heartbeat},
            {"type": "NetworkUnavailable", "status": unavailable, "lastHeartbeatTime": heartbeat},
        ]
        addresses = [
            {"type": "Hostname", "address": "n1"},
            {"type": "InternalIP", "address": "172.30.0.2"},
            {"type": "InternalIP", "address": "fd00::2"},
        ]
        meta = {"name": "n1", "resourceVersion": version}
        return Node.decode({"metadata": meta, "status": {"conditions": conditions, "addresses": addresses}})

    assert node("1", "a") == node("2", "b")
    assert node("1", "a").internal_ips == ("172.30.0.2", "fd00::2")
    assert node("1", "a").ready
    assert not node("1", "a", unavailable="True").ready


def test_a_subnet_keeps_every_field_as_it_was_written() -> None:
    """Who compiles it judges it, and must see what the user wrote."""
    found = Subnet.decode(
        {
            "metadata": {"name": "blue", "finalizers": ["f"], "generation": 3},
            "spec": {
                "cidrBlock": "10.1.0.0/16,fd00::/64",
                "excludeIps": ["10.1.0.1..10.1.0.9"],
                "acls": [{"direction": "to-lport", "priority": 5, "match": "ip4", "action": "drop"}],
                "natOutgoingPolicyRules": [{"match": {"srcIPs": "10.0.0.0/8"}, "action": "nat"}],
                "namespaceSelectors": [{"matchExpressions": [{"key": "a", "operator": "In", "values": ["b"]}]}],
                "u2oFeatures": {"overlayOnlyRouting": True},
                "enableLb": False,
                "mtu": 1400,
            },
            "status": {"activateGateway": "n1", "conditions": [{"type": "Ready", "status": "True", "reason": "R"}]},
        }
    )

    assert found == Subnet(
        Key("blue"),
        Meta(finalizers=("f",), generation=3),
        cidr_block="10.1.0.0/16,fd00::/64",
        exclude_ips=("10.1.0.1..10.1.0.9",),
        acls=(Acl("to-lport", 5, "ip4", "drop"),),
        nat_outgoing_policy_rules=(NatRule("10.0.0.0/8", "", "nat"),),
        namespace_selectors=(LabelSelector(match_expressions=(Expression("a", "In", ("b",)),)),),
        overlay_only_routing=True,
        enable_lb=False,
        mtu=1400,
    )
    assert found.active_gateway == "n1"
    assert found.conditions == (Condition("Ready", "True", "R"),)


def test_our_own_status_makes_no_difference() -> None:
    """A status that we wrote comes back as an event; compiling it again would never end."""
    body = {"metadata": {"name": "blue", "resourceVersion": "1"}, "spec": {"cidrBlock": "10.1.0.0/16"}}
    later = {"metadata": {"name": "blue", "resourceVersion": "2"}, "spec": body["spec"], "status": {"v4usingIPs": 3}}

    assert Subnet.decode(body) == Subnet.decode(later)


def test_a_field_of_a_wrong_type_is_said_and_the_others_are_read() -> None:
    """Objects from before our CRDs may hold anything; one bad field must not hide the rest."""
    found = Subnet.decode(
        {"spec": {"mtu": "abc", "cidrBlock": "10.1.0.0/16", "excludeIps": ["a", 5], "private": "yes"}}
    )

    assert found.cidr_block == "10.1.0.0/16"
    assert found.exclude_ips == ("a",)
    assert found.malformed == (
        "spec.excludeIps[1] is 5; use a string",
        "spec.mtu is 'abc'; use a number",
        "spec.private is 'yes'; use true or false",
    )


def test_a_vpc_keeps_every_field_as_it_was_written() -> None:
    """Who compiles it judges it, and must see what the user wrote."""
    found = Vpc.decode(
        {
            "metadata": {"name": "acme"},
            "spec": {
                "namespaces": ["ns1"],
                "staticRoutes": [{"cidr": "0.0.0.0/0", "nextHopIP": "10.0.0.1", "routeTable": "r"}],
                "policyRoutes": [{"priority": 40000, "match": "ip4", "action": "reroute", "nextHopIP": "1.1.1.1"}],
                "vpcPeerings": [{"remoteVpc": "b", "localConnectIP": "169.254.0.1/30"}],
                "bfdPort": {"enabled": True, "ip": "10.0.0.9"},
            },
        }
    )

    assert found == Vpc(
        Key("acme"),
        namespaces=("ns1",),
        static_routes=(StaticRoute("", "0.0.0.0/0", "10.0.0.1", route_table="r"),),
        policy_routes=(PolicyRoute(40000, "ip4", "reroute", "1.1.1.1"),),
        peerings=(Peering("b", "169.254.0.1/30"),),
        bfd_port=BfdPort(enabled=True, ip="10.0.0.9"),
    )


def test_an_ip_is_the_same_after_it_was_written_and_read() -> None:
    """What one controller remembers, the next one must find."""
    found = IP(
        Key("web-0.shop"),
        subnet="blue",
        pod_name="web-0",
        namespace="shop",
        node_name="n1",
        v4="10.1.0.7",
        v6="fd00::7",
        mac="00:00:00:53:6b:b6",
        pod_type="StatefulSet",
    )
    body = found.encode()
    again = IP.decode(body)

    assert body["spec"]["ipAddress"] == "10.1.0.7,fd00::7"
    assert body["spec"]["attachIps"] == []
    assert (again.pod_name, again.v4, again.v6, again.mac, again.pod_type) == (
        "web-0",
        "10.1.0.7",
        "fd00::7",
        "00:00:00:53:6b:b6",
        "StatefulSet",
    )
    assert again.reserved_label == "false"
    assert again.finalizers == ("kubeovn.io/kube-ovn-controller",)


def test_a_long_subnet_name_costs_the_labels_and_not_the_ip() -> None:
    """Kube-OVN uses the name as a label key, so Pods of a Subnet with a long name never start there."""
    long = "s" * 64
    short = IP(Key("a.b"), subnet="blue", node_name="n1").encode()["metadata"]["labels"]

    assert short == {
        "ovn.kubernetes.io/ip_reserved": "false",
        "ovn.kubernetes.io/subnet": "blue",
        "ovn.kubernetes.io/node-name": "n1",
        "blue": "",
    }
    assert IP(Key("a.b"), subnet=long, node_name=long).encode()["metadata"]["labels"] == {
        "ovn.kubernetes.io/ip_reserved": "false"
    }


def test_an_ip_without_halves_is_read_from_its_pair() -> None:
    """Old controllers wrote ipAddress alone; the address must not be given to another Pod."""
    found = IP.decode({"spec": {"ipAddress": "fd00::7,10.1.0.7"}})

    assert (found.v4, found.v6, found.ip_address) == ("10.1.0.7", "fd00::7", "10.1.0.7,fd00::7")


@pytest.mark.parametrize(
    ("config", "provider"),
    [
        ('{"type": "kube-ovn", "server_socket": "/run/s"}', "net1.shop.ovn"),
        ('{"plugins": [{"type": "kube-ovn"}, {"type": "portmap"}]}', "net1.shop.ovn"),
        ('{"type": "macvlan", "ipam": {"type": "kube-ovn"}}', "net1.shop"),
        ('{"plugins": [{"type": "bridge"}, {"type": "macvlan", "ipam": {"type": "kube-ovn"}}]}', "net1.shop"),
        ('{"type": "bridge", "ipam": {"type": "host-local"}}', ""),
        ("", ""),
        ("{", ""),
        ("[]", ""),
    ],
)
def test_an_attachment_belongs_to_the_provider_of_its_plugin(config: str, provider: str) -> None:
    """Subnets and annotations name the provider; another plugin's attachment isn't ours."""
    body = {"metadata": {"name": "net1", "namespace": "shop"}, "spec": {"config": config}}

    assert NetworkAttachmentDefinition.decode(body).provider == provider


def test_a_selector_that_cannot_be_read_matches_nothing() -> None:
    """A typo must not bind every namespace of the cluster to a Subnet."""

    def selector(found: Any) -> LabelSelector:
        return Subnet.decode({"spec": {"namespaceSelectors": [found]}}).namespace_selectors[0]

    labels = {"app": "web"}
    assert selector({}).matches(labels)
    assert selector({"matchLabels": {"app": "web"}}).matches(labels)
    assert selector({"matchExpressions": [{"key": "db", "operator": "NotIn", "values": ["x"]}]}).matches(labels)
    assert not selector({"matchExpressions": [{"key": "app", "operator": "DoesNotExist"}]}).matches(labels)
    assert not selector({"matchExpressions": [{"key": "app", "operator": "Is"}]}).matches(labels)
    assert not selector({"matchLabels": {"app": 5}}).matches(labels)


def test_a_stateful_set_keeps_the_ordinals_from_its_start() -> None:
    """A Pod beyond them never comes back, so its address is free."""
    found = StatefulSet.decode({"spec": {"replicas": 2, "ordinals": {"start": 5}}})

    assert [ordinal for ordinal in range(10) if found.keeps(ordinal)] == [5, 6]


def test_pods_of_one_deployment_share_what_is_the_same() -> None:
    """50,000 Pods must fit into the memory of one controller."""
    labels = {"app": "web", "pod-template-hash": "7d9c6b"}
    one, other = (pod(metadata={"labels": dict(labels)}) for _ in range(2))

    assert one.labels is other.labels
