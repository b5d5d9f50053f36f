"""Which function compiles which kind."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ovnloom.api.meta import Key
from ovnloom.compile.cluster_policy import (
    compile_adminnetworkpolicy,
    compile_baselineadminnetworkpolicy,
    compile_clusternetworkpolicy,
)
from ovnloom.compile.endpoint import compile_endpoint
from ovnloom.compile.ip import compile_ip
from ovnloom.compile.ippool import compile_ippool
from ovnloom.compile.membership import compile_membership
from ovnloom.compile.namespace import compile_namespace
from ovnloom.compile.networkpolicy import compile_networkpolicy
from ovnloom.compile.node import compile_node
from ovnloom.compile.pod import compile_pod
from ovnloom.compile.providernetwork import compile_providernetwork
from ovnloom.compile.security_rows import compile_denyall
from ovnloom.compile.securitygroup import compile_securitygroup
from ovnloom.compile.selection import compile_selection
from ovnloom.compile.service import compile_service
from ovnloom.compile.subnet import compile_subnet
from ovnloom.compile.switchlbrule import compile_switchlbrule
from ovnloom.compile.vip import compile_vip
from ovnloom.compile.vlan import compile_vlan
from ovnloom.compile.vpc import compile_vpc
from ovnloom.compile.vpcdns import compile_vpcdns
from ovnloom.intent import Intent
from ovnloom.world.graph import Reader

COMPILERS: Mapping[str, Callable[[Reader, Key], Intent]] = {
    "Vpc": compile_vpc,
    "DenyAll": compile_denyall,
    "ProviderNetwork": compile_providernetwork,
    "Vlan": compile_vlan,
    "Subnet": compile_subnet,
    "IPPool": compile_ippool,
    "SecurityGroup": compile_securitygroup,
    "Node": compile_node,
    "Namespace": compile_namespace,
    "NetworkPolicy": compile_networkpolicy,
    "AdminNetworkPolicy": compile_adminnetworkpolicy,
    "BaselineAdminNetworkPolicy": compile_baselineadminnetworkpolicy,
    "ClusterNetworkPolicy": compile_clusternetworkpolicy,
    "Selection": compile_selection,
    "Pod": compile_pod,
    "Membership": compile_membership,
    "IP": compile_ip,
    "Endpoint": compile_endpoint,
    "Vip": compile_vip,
    "SwitchLBRule": compile_switchlbrule,
    "VpcDns": compile_vpcdns,
    "Service": compile_service,
}
