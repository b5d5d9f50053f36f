"""A VpcDns is a SwitchLBRule in front of the Pods that answer, under an address that is the same in all Vpcs."""

from __future__ import annotations

from collections.abc import Iterator

from ovnloom.api.meta import Key
from ovnloom.api.vpcdns import VpcDns
from ovnloom.intent import EMPTY, Intent, Manifest, Problem, Report
from ovnloom.ipam import Malformed, parse_pair
from ovnloom.ovn import names
from ovnloom.world.graph import Reader
from ovnloom.world.problem import idle, invalid, shown
from ovnloom.world.subnet import segment
from ovnloom.world.vip_indexes import VPC_DNSES_OF_VPC
from ovnloom.world.vpc import exists

REASON = "ValidateVpcDnsFailed"
LABEL = "ovn.kubernetes.io/vpc-dns"
PREFIX = "ovn.kubernetes.io/"
PORTS = (("dns", 53, "UDP"), ("dns-tcp", 53, "TCP"), ("metrics", 9153, "TCP"))


def compile_vpcdns(read: Reader, key: Key) -> Intent:
    """The oldest VpcDns of a Vpc has a SwitchLBRule `vpc-dns-NAME`; younger ones wait until it is gone.

    Its Pods are those with the label k8s-app: vpc-dns-NAME in the controller's namespace. Nobody makes them yet.
    """
    dns = read.get(VpcDns, key)
    if dns is None:
        return EMPTY
    inactive = Report(status={"active": False})
    wrong = [invalid(REASON, sentence) for sentence in _wrong(read, dns)]
    if wrong:
        return Intent.held(*wrong, report=inactive)
    first = next(other for other in read.find(VPC_DNSES_OF_VPC, dns.vpc) if not any(_wrong(read, other)))
    if first.key != key:
        wrong_ = f"VpcDns {first.name} serves Vpc {dns.vpc} already; delete one of the two"
        return Intent(problems=(Problem("VpcDnsInactive", wrong_),), report=inactive)
    name = names.vpc_dns(dns.name)
    space = read.settings.namespace
    content = {
        "metadata": {
            "labels": {LABEL: "true"},
            "annotations": {PREFIX + "logical_router": dns.vpc, PREFIX + "logical_switch": dns.subnet},
        },
        "spec": {
            "vip": parse_pair(read.settings.vpc_dns_vip).text,
            "namespace": space,
            "selector": [f"k8s-app:{name}"],
            "sessionAffinity": "None",
            "ports": [
                {"name": word, "port": port, "targetPort": port, "protocol": protocol} for word, port, protocol in PORTS
            ],
        },
    }
    unmade = f"the Deployment of CoreDNS is not made by ovnloom; make one with label k8s-app: {name} in {space}"
    return Intent(
        problems=(idle("DeploymentNotServed", unmade),),
        report=Report(status={"active": True}, ready="ReconcileVpcDnsSuccess"),
        objects=(Manifest("kubeovn.io/v1", "SwitchLBRule", Key(name), content),),
    )


def _wrong(read: Reader, dns: VpcDns) -> Iterator[str]:
    yield from dns.malformed
    try:
        if not parse_pair(read.settings.vpc_dns_vip).families:
            yield "no address for name servers is set; set OVNLOOM_VPC_DNS_VIP"
    except Malformed as malformed:
        yield f"OVNLOOM_VPC_DNS_VIP {malformed}"
    if not dns.vpc or not read.view(exists, dns.vpc):
        yield f"spec.vpc is {shown(dns.vpc)}; create that Vpc or name another"
        return
    net = read.view(segment, dns.subnet)
    if net is None:
        yield f"spec.subnet is {shown(dns.subnet)}; create that Subnet or name another"
    elif net.vpc != dns.vpc:
        yield f"spec.subnet {dns.subnet} is in Vpc {net.vpc}, not in {dns.vpc}; name a Subnet of that Vpc"
