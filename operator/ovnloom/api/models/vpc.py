"""The Vpc of `kubeovn.io/v1`, complete."""

from typing import Literal

from pydantic import ConfigDict, Field

from ovnloom.api.models import cel
from ovnloom.api.models.kind import (
    Column,
    ConditionItem,
    Kind,
    LabelSelector,
    Model,
    Name,
    Names,
    Rule,
    checked,
)


class StaticRoute(Model):
    """A route by destination or by source; several with one prefix share the traffic."""

    policy: Literal["policyDst", "policySrc", ""] = ""
    """Match the destination (policyDst, the default) or the source (policySrc)."""
    cidr: str = Field(
        "",
        max_length=64,
        json_schema_extra=checked(
            Rule(
                "isCIDR(self) || isIP(self)",
                "cidr is neither a network nor an address; write one such as 10.0.0.0/8 or 0.0.0.0/0",
                "'cidr ' + self + ' is neither a network nor an address; write one such as 10.0.0.0/8 or 0.0.0.0/0'",
            )
        ),
    )
    """The network, or one address, that the route is for."""
    next_hop_ip: str = Field(
        "",
        alias="nextHopIP",
        max_length=64,
        json_schema_extra=checked(
            Rule(
                "isIP(self)",
                "nextHopIP is no address; write one address, and one route for each further next hop",
                "'nextHopIP ' + self + ' is no address; write one address, and one route for each further next hop'",
            )
        ),
    )
    """One address; make one route for each of several next hops."""
    ecmp_mode: str = ""
    """Set to ecmp_symmetric_reply on routes that the controller makes for BFD."""
    bfd_id: str = ""
    """Set on routes that the controller makes for BFD."""
    route_table: str = ""
    """The table that holds the route; empty is the main one."""


REROUTES = "has(self.action) && self.action == 'reroute'"
HOPS = "^[0-9a-fA-F.:]+(,[0-9a-fA-F.:]+)*$"
"""What several next hops are made of; the controller looks at each one."""


class PolicyRoute(Model):
    """A routing policy of the router."""

    model_config = ConfigDict(
        json_schema_extra=checked(
            Rule(
                f"!({REROUTES}) || (has(self.nextHopIP) && (isIP(self.nextHopIP) || "
                f"(self.nextHopIP.contains(',') && self.nextHopIP.matches('{HOPS}'))))",
                "action reroute needs nextHopIP: one address, or several with a comma and no blank between them",
                field_path=".nextHopIP",
            )
        )
    )

    priority: int = Field(0, ge=0, le=32767)
    """The highest that matches counts; 0 to 32767."""
    match: str = Field("", max_length=131072)
    """An expression of OVN."""
    action: Literal["allow", "drop", "reroute"] = "allow"
    next_hop_ip: str = Field("", alias="nextHopIP", max_length=512)
    """Comma list of addresses; only counts with the action reroute."""


class VpcPeering(Model):
    """A direct link to another Vpc; each side declares its own."""

    remote_vpc: Name = ""
    local_connect_ip: str = Field(
        "",
        alias="localConnectIP",
        max_length=128,
        json_schema_extra=checked(
            Rule(
                f"self == '' || ({cel.cidrs('self')})",
                "localConnectIP is no address with a prefix; write one such as 169.254.0.1/30",
                "'localConnectIP ' + self + ' is no address with a prefix; write one such as 169.254.0.1/30'",
            )
        ),
    )
    """Address and prefix of this side's port, one for each family with a comma between them."""


class BfdPort(Model):
    """A router port that answers BFD, so that gateways know that the router is alive."""

    model_config = ConfigDict(
        json_schema_extra=checked(
            Rule(
                f"!({cel.is_true('enabled')}) || "
                f"({cel.is_set('ip')} && {cel.members('self.ip')}.all(i, isIP(i.trim())))",
                "bfdPort.ip is needed when bfdPort.enabled is true: one address, or one IPv4 and one IPv6 with a comma",
                field_path=".ip",
            )
        )
    )

    enabled: bool = Field(False, json_schema_extra={"x-crd-default": False})
    ip: str = Field("", max_length=128)
    """One address, or one IPv4 and one IPv6 with a comma between them."""
    node_selector: LabelSelector = LabelSelector()
    """Nodes that may carry the port; three of all nodes when left out."""


class VpcSpec(Model):
    """What the user wants."""

    default_subnet: Name = ""
    """Subnet of the Vpc's namespaces that are bound to none (custom Vpcs only)."""
    namespaces: tuple[Name, ...] = ()
    """Namespaces that live in this Vpc."""
    static_routes: tuple[StaticRoute, ...] = Field((), max_length=8192)
    policy_routes: tuple[PolicyRoute, ...] = Field((), max_length=4096)
    vpc_peerings: tuple[VpcPeering, ...] = Field((), max_length=1024)
    enable_external: bool = False
    """The router has a port in the external Subnet."""
    extra_external_subnets: tuple[Name, ...] = ()
    """External Subnets to use instead of the cluster's."""
    enable_bfd: bool = False
    """BFD to the external gateway."""
    bfd_port: BfdPort = BfdPort()


class BfdPortStatus(Model):
    """The port as it is; empty while it is off."""

    name: str = ""
    ip: str = ""
    nodes: tuple[str, ...] = ()


class VpcStatus(Model):
    """What came of it."""

    conditions: tuple[ConditionItem, ...] = ()
    standby: bool = False
    """The router and its routes exist; Subnets wait for it."""
    default: bool = False
    """This is the cluster's default Vpc."""
    default_logical_switch: str = ""
    router: str = ""
    """Name of the logical router."""
    tcp_load_balancer: str = ""
    udp_load_balancer: str = ""
    sctp_load_balancer: str = ""
    tcp_session_load_balancer: str = ""
    udp_session_load_balancer: str = ""
    sctp_session_load_balancer: str = ""
    subnets: tuple[str, ...] = ()
    """Subnets that name this Vpc and aren't being deleted, sorted; their own conditions say whether each is joined."""
    vpc_peerings: tuple[str, ...] = ()
    enable_external: bool = False
    extra_external_subnets: tuple[str, ...] = ()
    enable_bfd: bool = False
    bfd_port: BfdPortStatus = BfdPortStatus()


class Vpc(Kind):
    """A router with Subnets of its own; addresses of different Vpcs don't meet."""

    names = Names(
        plural="vpcs",
        singular="vpc",
        short=("vpc",),
        columns=(
            Column("EnableExternal", ".status.enableExternal", "boolean"),
            Column("EnableBfd", ".status.enableBfd", "boolean"),
            Column("Standby", ".status.standby", "boolean"),
            Column("Subnets", ".status.subnets"),
            Column("ExtraExternalSubnets", ".status.extraExternalSubnets"),
            Column("Namespaces", ".spec.namespaces"),
            Column("DefaultSubnet", ".status.defaultLogicalSwitch"),
            Column("Age", ".metadata.creationTimestamp", "date"),
        ),
    )

    kind: Literal["Vpc"] = "Vpc"
    spec: VpcSpec = VpcSpec()
    status: VpcStatus = VpcStatus()
