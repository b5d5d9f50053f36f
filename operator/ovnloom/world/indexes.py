"""The indexes of the world: what can be asked without looking at every object of a kind."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ovnloom.api.ip import IP
from ovnloom.api.ippool import IPPool
from ovnloom.api.meta import Key, Object
from ovnloom.api.pod import Pod
from ovnloom.api.subnet import Subnet
from ovnloom.api.vlan import Vlan
from ovnloom.api.vpc import Vpc
from ovnloom.world.cluster_indexes import CLUSTER_INDEXES
from ovnloom.world.policy_indexes import POLICY_INDEXES
from ovnloom.world.security_indexes import SECURITY_INDEXES
from ovnloom.world.service_indexes import SERVICE_INDEXES
from ovnloom.world.vip_indexes import VIP_INDEXES
from ovnloom.world.world import Index

USUAL_PROVIDER = "provider"
"""The ProviderNetwork of Vlans that name none."""
AGENT = "kube-ovn-cni"
"""Value of the label `app` by which the node agents' Pods are found."""


def by_age(found: Object) -> tuple[str, Key]:
    """Older objects first: what came later never takes from what was there."""
    return found.meta.created, found.key


def _holder(ip: IP) -> Iterable[Key]:
    return (ip.holder,)


def _machine(pod: Pod) -> Iterable[Key]:
    owner = pod.owner
    return (Key(owner.name, pod.namespace),) if owner is not None and owner.kind == "VirtualMachineInstance" else ()


def _agent(pod: Pod) -> Iterable[str]:
    return (pod.node,) if pod.host_network and pod.labels.get("app") == AGENT else ()


SUBNETS_OF_VPC = Index("subnets of vpc", Subnet, lambda subnet: (subnet.vpc,), by_age)
SUBNETS_OF_PROVIDER = Index("subnets of provider", Subnet, lambda subnet: (subnet.provider or "ovn",), by_age)
SUBNETS_OF_VLAN = Index("subnets of vlan", Subnet, lambda subnet: (subnet.vlan,) if subnet.vlan else (), by_age)
VLANS_OF_PROVIDER = Index("vlans of provider", Vlan, lambda vlan: (vlan.provider or USUAL_PROVIDER,), by_age)
AGENT_OF_NODE = Index("agent of node", Pod, _agent, lambda pod: (pod.created, pod.key))
SUBNETS_OF_NAMESPACE = Index("subnets of namespace", Subnet, lambda subnet: subnet.namespaces, by_age)
SUBNETS_WITH_SELECTOR = Index(
    "subnets with namespace selectors", Subnet, lambda subnet: ("",) if subnet.namespace_selectors else (), by_age
)
DEFAULT_SUBNETS = Index("default subnets", Subnet, lambda subnet: (subnet.vpc,) if subnet.default else (), by_age)
VPCS_OF_NAMESPACE = Index("vpcs of namespace", Vpc, lambda vpc: vpc.namespaces, by_age)
VPCS_WITH_PEER = Index("vpcs with peer", Vpc, lambda vpc: {peering.remote_vpc for peering in vpc.peerings}, by_age)
IPS_OF_HOLDER = Index("ips of holder", IP, _holder)
IPS_OF_SUBNET = Index("ips of subnet", IP, lambda ip: (ip.subnet,))
IPS_OF_INTERCONNECTION = Index("router's ips of subnet", IP, lambda ip: (ip.subnet,) if ip.is_interconnection else ())
PODS_OF_MACHINE = Index("pods of virtual machine", Pod, _machine, lambda pod: (pod.created, pod.key))
POOLS_OF_SUBNET = Index("pools of subnet", IPPool, lambda pool: (pool.subnet,), by_age)
POOLS_OF_NAMESPACE = Index("pools of namespace", IPPool, lambda pool: pool.namespaces, by_age)

INDEXES: tuple[Index[Any], ...] = (
    SUBNETS_OF_VPC,
    SUBNETS_OF_PROVIDER,
    SUBNETS_OF_VLAN,
    VLANS_OF_PROVIDER,
    AGENT_OF_NODE,
    SUBNETS_OF_NAMESPACE,
    SUBNETS_WITH_SELECTOR,
    DEFAULT_SUBNETS,
    VPCS_OF_NAMESPACE,
    VPCS_WITH_PEER,
    IPS_OF_HOLDER,
    IPS_OF_SUBNET,
    IPS_OF_INTERCONNECTION,
    PODS_OF_MACHINE,
    POOLS_OF_SUBNET,
    POOLS_OF_NAMESPACE,
    *POLICY_INDEXES,
    *CLUSTER_INDEXES,
    *SECURITY_INDEXES,
    *SERVICE_INDEXES,
    *VIP_INDEXES,
)
