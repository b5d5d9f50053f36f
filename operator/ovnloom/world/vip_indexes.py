"""The indexes of Vips, of those who use them, and of the name servers of Vpcs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ovnloom.api.ip import IP
from ovnloom.api.meta import Key
from ovnloom.api.pod import Pod
from ovnloom.api.vip import SWITCH_LB, Vip
from ovnloom.api.vpcdns import VpcDns
from ovnloom.world.service_indexes import canonical
from ovnloom.world.world import Index

PAIRS = "ovn.kubernetes.io/aaps"
"""Annotation of a Pod with the Vips, comma separated, whose addresses it may use besides its own."""


def named(pod: Pod) -> tuple[str, ...]:
    """The Vips of a Pod's annotation, in its order."""
    text = pod.annotations.get(PAIRS, "")
    return tuple(dict.fromkeys(filter(None, map(str.strip, text.split(","))))) if text else ()


def _pairs(pod: Pod) -> Iterable[Key]:
    return [Key(name, pod.namespace) for name in named(pod)]


def _addresses(vip: Vip) -> Iterable[str]:
    return [canonical(text) for text in (vip.v4, vip.v6) if text]


def _age(found: Any) -> tuple[str, Key]:
    return found.meta.created, found.key


PODS_OF_VIP: Index[Pod] = Index("pods of vip", Pod, _pairs)
"""By the Vip's name and the Pods' namespace."""
IPS_OF_VIP: Index[IP] = Index("ips of vip", IP, lambda ip: (ip.vip,) if ip.vip else ())
"""By the name of the IP object that holds the Vip's address: the IP of the Pod that took the Vip."""
VIPS_OF_ADDRESS: Index[Vip] = Index("vips of address", Vip, _addresses)
SWITCH_VIPS: Index[Vip] = Index("vips of switch", Vip, lambda vip: (vip.subnet,) if vip.type == SWITCH_LB else ())
VPC_DNSES_OF_VPC: Index[VpcDns] = Index("name servers of vpc", VpcDns, lambda dns: (dns.vpc,), _age)
VIP_INDEXES: tuple[Index[Any], ...] = (PODS_OF_VIP, IPS_OF_VIP, VIPS_OF_ADDRESS, SWITCH_VIPS, VPC_DNSES_OF_VPC)
