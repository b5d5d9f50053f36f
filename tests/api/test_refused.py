"""What can't be right is refused at once, with a sentence that says what to do; asked of a real API server."""

import json
from typing import Any, NamedTuple

import pytest

from ovnloom.api.models.check import complaints
from sandbox import Sandbox
from sandbox.errors import CommandError

MEGABYTE = "x" * 1_000_000


class Refusal(NamedTuple):
    """A spec, the field that the refusal names, and words of its sentence."""

    kind: str
    spec: Any
    field: str
    words: str
    name: str = "refused"


BLOCK = "10.90.0.0/16"
DUAL = "10.90.0.0/16,fd00:90::/64"

SUBNETS = {
    "no network": ({"cidrBlock": "10.1.0.0/33"}, "spec.cidrBlock", "10.1.0.0/33 is not a network"),
    "a word": ({"cidrBlock": "blue"}, "spec.cidrBlock", "blue is not a network"),
    "an address alone": ({"cidrBlock": "10.1.0.0"}, "spec.cidrBlock", "is not a network"),
    "a blank": ({"cidrBlock": "10.1.0.0/16, fd00::/64"}, "spec.cidrBlock", "no blank"),
    "a lone comma": ({"cidrBlock": ","}, "spec.cidrBlock", "is not a network"),
    "one family twice": ({"cidrBlock": "10.1.0.0/16,10.2.0.0/16"}, "spec.cidrBlock", "two networks of one family"),
    "three networks": ({"cidrBlock": "10.1.0.0/16,fd00::/64,10.3.0.0/16"}, "spec.cidrBlock", "is not a network"),
    "one address": ({"cidrBlock": "10.1.0.1/32"}, "spec.cidrBlock", "one address only"),
    "one IPv6 address": ({"cidrBlock": "10.1.0.0/16,fd00::1/128"}, "spec.cidrBlock", "one address only"),
    "loopback": ({"cidrBlock": "127.0.0.0/16"}, "spec.cidrBlock", "is no Pod's"),
    "link-local": ({"cidrBlock": "fe80::/64"}, "spec.cidrBlock", "is no Pod's"),
    "everything": ({"cidrBlock": "0.0.0.0/0"}, "spec.cidrBlock", "is no Pod's"),
    "multicast within": ({"cidrBlock": "192.0.0.0/2"}, "spec.cidrBlock", "is no Pod's"),
    "gateway a word": ({"cidrBlock": BLOCK, "gateway": "first"}, "spec.gateway", "first is no address"),
    "gateway with prefix": ({"cidrBlock": BLOCK, "gateway": "10.90.0.1/16"}, "spec.gateway", "is no address"),
    "gateway outside": (
        {"cidrBlock": BLOCK, "gateway": "10.91.0.1"},
        "spec.gateway",
        "10.91.0.1 is outside of spec.cidrBlock 10.90.0.0/16",
    ),
    "second gateway outside": ({"cidrBlock": DUAL, "gateway": "10.90.0.1,fd00:91::1"}, "spec.gateway", "is outside"),
    "exclude a word": ({"excludeIps": ["10.90.0.1", "foo"]}, "spec.excludeIps[1]", "foo, which is neither"),
    "exclude a network": ({"excludeIps": ["10.90.0.0/28"]}, "spec.excludeIps[0]", "neither an address nor a range"),
    "exclude half a range": ({"excludeIps": ["10.90.0.1.."]}, "spec.excludeIps[0]", "neither"),
    "exclude a double range": ({"excludeIps": ["10.90.0.1..10.90.0.2..10.90.0.3"]}, "spec.excludeIps[0]", "neither"),
    "exclude reversed": (
        {"excludeIps": ["10.90.0.9..10.90.0.10", "10.90.1.0..10.90.0.255"]},
        "spec.excludeIps[1]",
        "reversed",
    ),
    "mtu below IPv6": ({"cidrBlock": DUAL, "mtu": 1279}, "spec.mtu", "below 1280"),
    "mtu negative": ({"mtu": -1}, "spec.mtu", "greater than or equal to 0"),
    "mtu a word": ({"mtu": "abc"}, "spec.mtu", "integer"),
    "gateway type": ({"gatewayType": "central"}, "spec.gatewayType", "distributed"),
    "nat and egress": (
        {"natOutgoing": True, "externalEgressGateway": "192.168.0.1"},
        "spec.externalEgressGateway",
        "exclude each other",
    ),
    "egress a word": ({"externalEgressGateway": "gw"}, "spec.externalEgressGateway", "is not one address"),
    "three egress": ({"externalEgressGateway": "1.1.1.1,::1,2.2.2.2"}, "spec.externalEgressGateway", "is not one"),
    "allowed a word": ({"allowSubnets": ["10.0.0.0/8", "blue"]}, "spec.allowSubnets[1]", "blue, which is no network"),
    "vips outside": ({"cidrBlock": BLOCK, "vips": ["10.90.0.4", "10.91.0.4"]}, "spec.vips", "no address of spec.cidr"),
    "own vpc": ({"vpc": "refused"}, "spec.vpc", "must not share a name"),
    "u2o and logical gateway": (
        {"vlan": "v", "logicalGateway": True, "u2oInterconnection": True},
        "spec.u2oInterconnection",
        "exclude each other",
    ),
    "overlay only without u2o": ({"u2oFeatures": {"overlayOnlyRouting": True}}, "spec.u2oFeatures", "needs spec.vlan"),
    "u2o address outside": (
        {"vlan": "v", "cidrBlock": BLOCK, "u2oInterconnection": True, "u2oInterconnectionIP": "10.91.0.1"},
        "spec.u2oInterconnectionIP",
        "outside",
    ),
    "nat action": (
        {"natOutgoingPolicyRules": [{"action": "masquerade", "match": {}}]},
        "spec.natOutgoingPolicyRules[0].action",
        "forward",
    ),
    "nat source": (
        {"natOutgoingPolicyRules": [{"action": "nat", "match": {"srcIPs": "10.0.0.0/8,blue"}}]},
        "spec.natOutgoingPolicyRules[0].match.srcIPs",
        "no comma list",
    ),
    "nat families in one side": (
        {"natOutgoingPolicyRules": [{"action": "nat", "match": {"dstIPs": "10.0.0.0/8,fd00::/8"}}]},
        "spec.natOutgoingPolicyRules[0].match.dstIPs",
        "one family",
    ),
    "nat families": (
        {"natOutgoingPolicyRules": [{"action": "nat", "match": {"srcIPs": "10.0.0.0/8", "dstIPs": "fd00::/8"}}]},
        "spec.natOutgoingPolicyRules[0].match",
        "different families",
    ),
    "acl direction": ({"acls": [{"direction": "in"}]}, "spec.acls[0].direction", "to-lport"),
    "acl action": ({"acls": [{"action": "deny"}]}, "spec.acls[0].action", "allow-related"),
    "acl priority": ({"acls": [{"priority": 32768}]}, "spec.acls[0].priority", "32767"),
    "a megabyte of gateway": ({"gateway": MEGABYTE}, "spec.gateway", "128"),
    "a megabyte of vpc": ({"vpc": MEGABYTE}, "spec.vpc", "253"),
    "a megabyte of match": ({"acls": [{"match": MEGABYTE}]}, "spec.acls[0].match", "131072"),
    "a megabyte of DHCP": ({"dhcpV4Options": MEGABYTE}, "spec.dhcpV4Options", "16384"),
    "a megabyte of excluded": ({"excludeIps": ["10.90.0.1"] * 80_000}, "spec.excludeIps", "16384"),
}
VPCS = {
    "route policy": ({"staticRoutes": [{"policy": "dst"}]}, "spec.staticRoutes[0].policy", "policyDst"),
    "route network": ({"staticRoutes": [{"cidr": "10.0.0.0/40"}]}, "spec.staticRoutes[0].cidr", "neither a network"),
    "two next hops": (
        {"staticRoutes": [{"cidr": "0.0.0.0/0", "nextHopIP": "10.0.0.1,10.0.0.2"}]},
        "spec.staticRoutes[0].nextHopIP",
        "one route for each further next hop",
    ),
    "policy action": ({"policyRoutes": [{"action": "jump"}]}, "spec.policyRoutes[0].action", "reroute"),
    "policy priority": ({"policyRoutes": [{"priority": 40000}]}, "spec.policyRoutes[0].priority", "32767"),
    "reroute to nowhere": (
        {"policyRoutes": [{"action": "reroute", "match": "ip4"}]},
        "spec.policyRoutes[0].nextHopIP",
        "needs nextHopIP",
    ),
    "reroute to a word": (
        {"policyRoutes": [{"action": "reroute", "nextHopIP": "10.0.0.1,gw"}]},
        "spec.policyRoutes[0].nextHopIP",
        "needs nextHopIP",
    ),
    "peering": (
        {"vpcPeerings": [{"remoteVpc": "b", "localConnectIP": "169.254.0.1"}]},
        "spec.vpcPeerings[0].localConnectIP",
        "no address with a prefix",
    ),
    "bfd without address": ({"bfdPort": {"enabled": True}}, "spec.bfdPort.ip", "is needed"),
    "a megabyte of match": ({"policyRoutes": [{"match": MEGABYTE}]}, "spec.policyRoutes[0].match", "131072"),
}
IPS = {
    "families swapped": ({"v4IpAddress": "fd00::1"}, "spec.v4IpAddress", "fd00::1 is no IPv4 address"),
    "no address": ({"v6IpAddress": "10.0.0.1"}, "spec.v6IpAddress", "is no IPv6 address"),
    "no pair": ({"ipAddress": "10.0.0.1,blue"}, "spec.ipAddress", "is not one address"),
    "no MAC": ({"macAddress": "00:00:00:00:00"}, "spec.macAddress", "is no MAC address"),
    "kind of Pod": ({"podType": "Deployment"}, "spec.podType", "StatefulSet"),
}
IPPOOLS = {
    "no subnet": ({"ips": []}, "spec.subnet", "Required"),
    "no ips": ({"subnet": "s"}, "spec.ips", "Required"),
    "a word": ({"subnet": "s", "ips": ["10.0.0.1", "blue"]}, "spec.ips[1]", "blue, which is no address"),
    "reversed": ({"subnet": "s", "ips": ["10.0.0.9..10.0.0.1"]}, "spec.ips[0]", "reversed"),
}
SECURITY_RULE = {
    "ipVersion": "ipv4",
    "protocol": "tcp",
    "priority": 1,
    "remoteType": "address",
    "remoteAddress": "10.0.0.0/8",
    "portRangeMin": 80,
    "portRangeMax": 80,
    "policy": "allow",
}


def security_rule(**change: Any) -> dict[str, Any]:
    rule = {name: value for name, value in (SECURITY_RULE | change).items() if value is not None}
    return {"ingressRules": [rule]}


IN_RULE = "spec.ingressRules[0]"
SECURITY_GROUPS = {
    "tier": ({"tier": 2}, "spec.tier", "less than or equal to 1"),
    "pass in the last tier": ({"tier": 1, **security_rule(policy="pass")}, "spec.ingressRules", "no meaning"),
    "rule family": (security_rule(ipVersion="IPv4"), f"{IN_RULE}.ipVersion", "ipv4"),
    "rule protocol": (security_rule(protocol="sctp"), f"{IN_RULE}.protocol", "tcp"),
    "no protocol": (security_rule(protocol=None), f"{IN_RULE}.protocol", "Required"),
    "rule priority": (security_rule(priority=16385), f"{IN_RULE}.priority", "16384"),
    "rule policy": (security_rule(policy="reject"), f"{IN_RULE}.policy", "drop"),
    "no policy": (security_rule(policy=None), f"{IN_RULE}.policy", "Required"),
    "remote type": (security_rule(remoteType="pod"), f"{IN_RULE}.remoteType", "securityGroup"),
    "no ports": (security_rule(portRangeMin=None), f"{IN_RULE}.portRangeMin", "needed for tcp and udp"),
    "ports reversed": (security_rule(portRangeMin=81), f"{IN_RULE}.portRangeMin", "the lower one first"),
    "half a source range": (security_rule(sourcePortRangeMin=5), f"{IN_RULE}.sourcePortRangeMin", "write both"),
    "a port too many": (security_rule(portRangeMax=65536), f"{IN_RULE}.portRangeMax", "65535"),
    "no remote address": (security_rule(remoteAddress=None), f"{IN_RULE}.remoteAddress", "is needed"),
    "remote address": (
        security_rule(remoteAddress="10.0.0.0/33"),
        f"{IN_RULE}.remoteAddress",
        "10.0.0.0/33 is neither",
    ),
    "remote family": (security_rule(remoteAddress="fd00::1"), f"{IN_RULE}.remoteAddress", "ipVersion"),
    "local family": (security_rule(localAddress="fd00::1"), f"{IN_RULE}.localAddress", "ipVersion"),
    "no remote group": (security_rule(remoteType="securityGroup"), f"{IN_RULE}.remoteSecurityGroup", "name the group"),
    "a megabyte of address": (security_rule(remoteAddress=MEGABYTE), f"{IN_RULE}.remoteAddress", "64"),
    "very many rules": ({"egressRules": [SECURITY_RULE] * 3000}, "spec.egressRules", "2048"),
}
VIPS = {
    "v4": ({"v4ip": "fd00::1"}, "spec.v4ip", "fd00::1 is no IPv4 address"),
    "v6": ({"v6ip": "10.0.0.1"}, "spec.v6ip", "10.0.0.1 is no IPv6 address"),
    "mac": ({"macAddress": "00:11"}, "spec.macAddress", "no MAC address"),
    "type": ({"type": "other"}, "spec.type", "switch_lb_vip"),
    "selector": ({"selector": ["app:web", "app"]}, "spec.selector[1]", "write label:value"),
    "two colons": ({"selector": ["app:web:x"]}, "spec.selector[0]", "write label:value"),
}
SWITCH_LB_RULES = {
    "vip": ({"vip": "web"}, "spec.vip", "is not one address"),
    "selector": ({"selector": ["app"]}, "spec.selector[0]", "write label:value"),
    "endpoint": ({"endpoints": ["web"]}, "spec.endpoints[0]", "web, which is no address"),
    "port": ({"ports": [{"port": 0}]}, "spec.ports[0].port", "greater than or equal to 1"),
    "no port": ({"ports": [{}]}, "spec.ports[0].port", "Required"),
    "target port": ({"ports": [{"port": 80, "targetPort": 65536}]}, "spec.ports[0].targetPort", "65535"),
    "protocol": ({"ports": [{"port": 80, "protocol": "tcp"}]}, "spec.ports[0].protocol", "SCTP"),
    "affinity": ({"sessionAffinity": "Always"}, "spec.sessionAffinity", "ClientIP"),
}
VPC_DNSES = {"replicas": ({"replicas": -1}, "spec.replicas", "greater than or equal to 0")}
VLANS = {
    "no provider": ({"id": 10}, "spec.provider", "Required"),
    "id too high": ({"id": 4096, "provider": "p"}, "spec.id", "4095"),
    "id below": ({"id": -1, "provider": "p"}, "spec.id", "greater than or equal to 0"),
}
PROVIDER_NETWORKS = {
    "no interface": ({"excludeNodes": []}, "spec.defaultInterface", "Required"),
    "interface with a blank": ({"defaultInterface": "eth 1"}, "spec.defaultInterface", "without a slash or blank"),
    "interface too long": ({"defaultInterface": "e" * 16}, "spec.defaultInterface", "15"),
    "custom interface": (
        {"defaultInterface": "eth1", "customInterfaces": [{"interface": "a/b"}]},
        "spec.customInterfaces[0].interface",
        "without a slash or blank",
    ),
    "name too long": ({"defaultInterface": "eth1"}, "metadata.name", "at most 12", "thirteen-char"),
}
CASES = {
    f"{kind}: {case}": Refusal(kind, *rest)
    for kind, cases in (
        ("Subnet", SUBNETS),
        ("Vpc", VPCS),
        ("IP", IPS),
        ("IPPool", IPPOOLS),
        ("SecurityGroup", SECURITY_GROUPS),
        ("Vip", VIPS),
        ("SwitchLBRule", SWITCH_LB_RULES),
        ("VpcDns", VPC_DNSES),
        ("Vlan", VLANS),
        ("ProviderNetwork", PROVIDER_NETWORKS),
    )
    for case, rest in cases.items()
}


def create(cluster: Sandbox, kind: str, name: str, spec: Any, *options: str) -> str:
    body = {"apiVersion": "kubeovn.io/v1", "kind": kind, "metadata": {"name": name}, "spec": spec}
    return cluster.kubectl("create", *options, "-f", "-", stdin=json.dumps(body))


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_it_is_refused_with_its_field_and_what_to_do(cluster: Sandbox, case: Refusal) -> None:
    """A user who learns it from kubectl needn't look for a condition."""
    with pytest.raises(CommandError) as refused:
        create(cluster, case.kind, case.name, case.spec, "--dry-run=server", "--validate=ignore")

    said = refused.value.stderr
    assert case.field in said
    assert case.words in said


FIXED = {
    "subnet": "other",
    "namespace": "other",
    "podName": "other",
    "podType": "VirtualMachine",
    "macAddress": "00:00:00:53:6b:b7",
    "v4IpAddress": "10.90.0.8",
    "v6IpAddress": "fd00:90::8",
}


def test_what_an_ip_remembers_can_be_set_once_and_then_stays(cluster: Sandbox) -> None:
    """In kube-ovn such a change is ignored silently, and the object lies from then on."""
    first = {
        "subnet": "s",
        "namespace": "shop",
        "podName": "web-0",
        "podType": "StatefulSet",
        "macAddress": "00:00:00:53:6b:b6",
        "v4IpAddress": "10.90.0.7",
        "v6IpAddress": "fd00:90::7",
    }
    create(cluster, "IP", "fixed", {"subnet": "s"})
    try:
        cluster.kubectl("patch", "ip", "fixed", "--type=merge", "-p", json.dumps({"spec": first}))
        for field, other in FIXED.items():
            for change in (other, None):
                patch = json.dumps({"spec": {field: change}})
                with pytest.raises(CommandError) as refused:
                    cluster.kubectl("patch", "ip", "fixed", "--type=merge", "-p", patch)
                assert f"spec.{field} can't change once it is set; delete the IP" in refused.value.stderr
        cluster.kubectl("patch", "ip", "fixed", "--type=merge", "-p", json.dumps({"spec": {"nodeName": "moved"}}))
    finally:
        cluster.kubectl("delete", "ip", "fixed")


def test_a_pool_stays_in_its_subnet(cluster: Sandbox) -> None:
    """Its addresses would stay where they were, whatever the object said."""
    create(cluster, "IPPool", "fixed", {"subnet": "s", "ips": ["10.90.0.1"]})
    try:
        with pytest.raises(CommandError) as refused:
            cluster.kubectl("patch", "ippool", "fixed", "--type=merge", "-p", '{"spec": {"subnet": "other"}}')
    finally:
        cluster.kubectl("delete", "ippool", "fixed")

    assert "spec.subnet can't change; delete the IPPool" in refused.value.stderr


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ({"mtu": "abc"}, "spec.mtu is 'abc'; input should be a valid integer"),
        ({"excludeIps": [5]}, "spec.excludeIps[0] is 5; input should be a valid string"),
        (
            {"gatewayType": "central"},
            "spec.gatewayType is 'central'; input should be 'distributed', 'centralized' or ''",
        ),
        ({"private": "yes"}, "spec.private is 'yes'; input should be a valid boolean"),
    ],
)
def test_a_file_gets_the_same_answer_offline(spec: Any, said: str) -> None:
    """A plan is made before any API server has seen the file."""
    assert complaints({"apiVersion": "kubeovn.io/v1", "kind": "Subnet", "metadata": {}, "spec": spec}) == (said,)
