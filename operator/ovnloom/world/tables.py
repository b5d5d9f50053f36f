"""The kinds that ovnloom watches: one entry each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ovnloom.api.adminnetworkpolicy import AdminNetworkPolicy
from ovnloom.api.baselineadminnetworkpolicy import BaselineAdminNetworkPolicy
from ovnloom.api.clusternetworkpolicy import ClusterNetworkPolicy
from ovnloom.api.endpointslice import EndpointSlice
from ovnloom.api.ip import IP
from ovnloom.api.ippool import IPPool
from ovnloom.api.meta import Key
from ovnloom.api.nad import NetworkAttachmentDefinition
from ovnloom.api.namespace import Namespace
from ovnloom.api.networkpolicy import NetworkPolicy
from ovnloom.api.node import Node
from ovnloom.api.pod import Pod
from ovnloom.api.providernetwork import ProviderNetwork
from ovnloom.api.securitygroup import SecurityGroup
from ovnloom.api.service import Service
from ovnloom.api.statefulset import StatefulSet
from ovnloom.api.subnet import Subnet
from ovnloom.api.switchlbrule import SwitchLBRule
from ovnloom.api.vip import Vip
from ovnloom.api.virtualmachine import VirtualMachine
from ovnloom.api.vlan import Vlan
from ovnloom.api.vpc import Vpc
from ovnloom.api.vpcdns import VpcDns

Body = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Table:
    """One kind: how the API server names it, and how its JSON becomes a value.

    `is_optional` kinds belong to other projects and may be missing from a cluster.
    """

    type: type
    group: str
    version: str
    plural: str
    namespaced: bool
    decode: Callable[[Body], Any]
    is_optional: bool = False

    @property
    def kind(self) -> str:
        """The kind as manifests write it."""
        return self.type.__name__

    @property
    def api_version(self) -> str:
        """`group/version`, or the version alone for the core group."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @staticmethod
    def key(body: Body) -> Key:
        """The key of an object of this kind."""
        meta = body["metadata"]
        return Key(meta["name"], meta.get("namespace", ""))


OURS = "kubeovn.io"
CLUSTER_POLICIES = "policy.networking.k8s.io"
TABLES: tuple[Table, ...] = (
    Table(Namespace, "", "v1", "namespaces", False, Namespace.decode),
    Table(Node, "", "v1", "nodes", False, Node.decode),
    Table(Vpc, OURS, "v1", "vpcs", False, Vpc.decode),
    Table(ProviderNetwork, OURS, "v1", "provider-networks", False, ProviderNetwork.decode),
    Table(Vlan, OURS, "v1", "vlans", False, Vlan.decode),
    Table(Subnet, OURS, "v1", "subnets", False, Subnet.decode),
    Table(IPPool, OURS, "v1", "ippools", False, IPPool.decode),
    Table(SecurityGroup, OURS, "v1", "security-groups", False, SecurityGroup.decode),
    Table(IP, OURS, "v1", "ips", False, IP.decode),
    Table(Vip, OURS, "v1", "vips", False, Vip.decode),
    Table(SwitchLBRule, OURS, "v1", "switch-lb-rules", False, SwitchLBRule.decode),
    Table(VpcDns, OURS, "v1", "vpc-dnses", False, VpcDns.decode),
    Table(StatefulSet, "apps", "v1", "statefulsets", True, StatefulSet.decode),
    Table(
        NetworkAttachmentDefinition,
        "k8s.cni.cncf.io",
        "v1",
        "network-attachment-definitions",
        True,
        NetworkAttachmentDefinition.decode,
        is_optional=True,
    ),
    Table(VirtualMachine, "kubevirt.io", "v1", "virtualmachines", True, VirtualMachine.decode, is_optional=True),
    Table(NetworkPolicy, "networking.k8s.io", "v1", "networkpolicies", True, NetworkPolicy.decode),
    Table(
        AdminNetworkPolicy,
        CLUSTER_POLICIES,
        "v1alpha1",
        "adminnetworkpolicies",
        False,
        AdminNetworkPolicy.decode,
        is_optional=True,
    ),
    Table(
        BaselineAdminNetworkPolicy,
        CLUSTER_POLICIES,
        "v1alpha1",
        "baselineadminnetworkpolicies",
        False,
        BaselineAdminNetworkPolicy.decode,
        is_optional=True,
    ),
    Table(
        ClusterNetworkPolicy,
        CLUSTER_POLICIES,
        "v1alpha2",
        "clusternetworkpolicies",
        False,
        ClusterNetworkPolicy.decode,
        is_optional=True,
    ),
    Table(Service, "", "v1", "services", True, Service.decode),
    Table(EndpointSlice, "discovery.k8s.io", "v1", "endpointslices", True, EndpointSlice.decode),
    Table(Pod, "", "v1", "pods", True, Pod.decode),
)
"""In the order in which a start reads them: what Pods depend on comes first."""

BY_TYPE: Mapping[type, Table] = {table.type: table for table in TABLES}
BY_KIND: Mapping[tuple[str, str], Table] = {(table.api_version, table.kind): table for table in TABLES}
