"""The whole objects of `kubeovn.io/v1`, from which the CRDs are generated and against which files are checked.

Nothing here runs for an event: the controller reads the slim views in `ovnloom.api`.
"""

from ovnloom.api.models.ip import IP
from ovnloom.api.models.ippool import IPPool
from ovnloom.api.models.kind import Kind, Model
from ovnloom.api.models.providernetwork import ProviderNetwork
from ovnloom.api.models.securitygroup import SecurityGroup
from ovnloom.api.models.subnet import Subnet
from ovnloom.api.models.switchlbrule import SwitchLBRule
from ovnloom.api.models.vip import Vip
from ovnloom.api.models.vlan import Vlan
from ovnloom.api.models.vpc import Vpc
from ovnloom.api.models.vpcdns import VpcDns

KINDS: tuple[type[Kind], ...] = (
    Vpc,
    ProviderNetwork,
    Vlan,
    Subnet,
    IP,
    IPPool,
    SecurityGroup,
    Vip,
    SwitchLBRule,
    VpcDns,
)
"""Every kind whose CRD is ours, in the order in which they depend on each other."""

__all__ = [
    "IP",
    "KINDS",
    "IPPool",
    "Kind",
    "Model",
    "ProviderNetwork",
    "SecurityGroup",
    "Subnet",
    "SwitchLBRule",
    "Vip",
    "Vlan",
    "Vpc",
    "VpcDns",
]
