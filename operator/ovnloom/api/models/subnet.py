"""The Subnet of `kubeovn.io/v1`, complete."""

from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from ovnloom.api.models import cel
from ovnloom.api.models.kind import (
    Column,
    ConditionItem,
    Counter,
    Kind,
    LabelSelector,
    Model,
    Name,
    Names,
    Rule,
    Uint32,
    checked,
)

RESERVED = (
    "255.255.255.255/32",
    "224.0.0.0/4",
    "127.0.0.0/8",
    "0.0.0.0/32",
    "169.254.0.0/16",
    "::/128",
    "::1/128",
    "ff00::/8",
    "fe80::/10",
)
"""Networks that can't be given to Pods: broadcast, multicast, loopback, unspecified, link-local."""

CIDRS = cel.members("self")
CIDR_PARSES = cel.cidrs("self")
CIDR_BLOCK = (
    Rule(
        f"self == '' || ({CIDR_PARSES})",
        "spec.cidrBlock is not a network; use one such as 10.16.0.0/16, or one IPv4 and one IPv6 network with a comma "
        "and no blank between them",
        "'spec.cidrBlock ' + self + ' is not a network; use one such as 10.16.0.0/16 (a prefix of at most 31, or 127 "
        "for IPv6), or one IPv4 and one IPv6 network with a comma and no blank between them'",
    ),
    Rule(
        f"self == '' || !({CIDR_PARSES}) || !self.contains(',') || "
        f"cidr({CIDRS}[0]).ip().family() != cidr({CIDRS}[1]).ip().family()",
        "spec.cidrBlock has two networks of one family; make a Subnet for each of them",
    ),
    Rule(
        f"self == '' || !({CIDR_PARSES}) || "
        f"{CIDRS}.all(c, cidr(c).prefixLength() < (cidr(c).ip().family() == 4 ? 32 : 128))",
        "spec.cidrBlock has room for one address only; use a prefix of at most 31, or 127 for IPv6",
    ),
    Rule(
        f"self == '' || !({CIDR_PARSES}) || {CIDRS}.all(c, !c.startsWith('0.0.0.0') && "
        f"[{', '.join(repr(one) for one in RESERVED)}]"
        ".all(r, !cidr(r).containsCIDR(c) && !cidr(c).containsCIDR(r)))",
        "spec.cidrBlock overlaps a network that is no Pod's: 0.0.0.0, 127.0.0.0/8, 169.254.0.0/16, 224.0.0.0/4, "
        "255.255.255.255, ::, ::1, fe80::/10 or ff00::/8; use a private network such as 10.16.0.0/16",
    ),
)

EXCLUDED = (
    Rule(
        f"isIP(self) || ({cel.ip_range('self')})",
        "an item of spec.excludeIps is neither an address nor a range; write 10.16.0.5 or 10.16.0.5..10.16.0.9",
        "'spec.excludeIps has ' + self + ', which is neither an address nor a range; write 10.16.0.5 or "
        "10.16.0.5..10.16.0.9'",
    ),
    Rule(
        f"!({cel.ip_range('self')}) || ({cel.ordered_v4('self')})",
        "a range of spec.excludeIps is reversed; write the lower address first",
        "'spec.excludeIps has ' + self + ', which is reversed; write the lower address first'",
    ),
)

BLOCK_PARSES = f"{cel.is_set('cidrBlock')} && {cel.cidrs('self.cidrBlock')}"
"""Guard of rules that look into cidrBlock: where it doesn't parse, its own rule says so."""


def _inside(field: str) -> str:
    parsed = f"{cel.is_set(field)} && {cel.ips(f'self.{field}')}"
    return f"!({BLOCK_PARSES}) || !({parsed}) || {cel.inside(f'self.{field}', 'self.cidrBlock')}"


SPEC = (
    Rule(
        _inside("gateway"),
        "spec.gateway is outside of spec.cidrBlock; use an address inside of it, or leave it out to get the first",
        "'spec.gateway ' + self.gateway + ' is outside of spec.cidrBlock ' + self.cidrBlock + '; use an address inside "
        "of it, or leave it out to get the first'",
        ".gateway",
    ),
    Rule(
        "!has(self.mtu) || self.mtu == 0 || self.mtu >= 1280 || !has(self.cidrBlock) || !self.cidrBlock.contains(':')",
        "spec.mtu is below 1280, which IPv6 needs at least; raise it, or set 0 for the default",
        field_path=".mtu",
    ),
    Rule(
        f"!({cel.is_true('natOutgoing')}) || !({cel.is_set('externalEgressGateway')})",
        "spec.externalEgressGateway and spec.natOutgoing exclude each other; leave one of them out",
        field_path=".externalEgressGateway",
    ),
    Rule(
        f"!has(self.vips) || !({BLOCK_PARSES}) || "
        f"self.vips.all(v, ({cel.ips('v')}) && {cel.inside('v', 'self.cidrBlock')})",
        "spec.vips has an item that is no address of spec.cidrBlock; use addresses inside of it",
        field_path=".vips",
    ),
    Rule(
        f"!({cel.is_set('vlan')}) || !({cel.is_true('logicalGateway')}) || !({cel.is_true('u2oInterconnection')})",
        "spec.logicalGateway and spec.u2oInterconnection exclude each other; set one of them to false",
        field_path=".u2oInterconnection",
    ),
    Rule(
        "!has(self.u2oFeatures) || !has(self.u2oFeatures.overlayOnlyRouting) || "
        "!self.u2oFeatures.overlayOnlyRouting || "
        f"({cel.is_true('u2oInterconnection')} && {cel.is_set('vlan')})",
        "spec.u2oFeatures.overlayOnlyRouting needs spec.vlan and spec.u2oInterconnection: true; set both, or leave "
        "it out",
        field_path=".u2oFeatures",
    ),
    Rule(
        f"!({cel.is_set('vlan')}) || !({cel.is_true('u2oInterconnection')}) || ({_inside('u2oInterconnectionIP')})",
        "spec.u2oInterconnectionIP is outside of spec.cidrBlock; use an address inside of it, or leave it out",
        field_path=".u2oInterconnectionIP",
    ),
)

NAT_SIDE = "|".join(cel.comma_list(family + "(/[0-9]+)?") for family in (cel.V4, cel.V6))


def _nat_side(field: str) -> Rule:
    return Rule(
        f"self == '' || self.lowerAscii().matches('{NAT_SIDE}')",
        f"{field} is no comma list of addresses and networks of one family; write one such as 10.0.0.0/8,192.168.1.1",
    )


class NatOutgoingPolicyRuleMatch(Model):
    """Which traffic a rule is about; a side that is left out matches everything."""

    model_config = ConfigDict(
        json_schema_extra=checked(
            Rule(
                "!has(self.srcIPs) || !has(self.dstIPs) || self.srcIPs == '' || self.dstIPs == '' || "
                "self.srcIPs.contains(':') == self.dstIPs.contains(':')",
                "srcIPs and dstIPs are of different families; make one rule for IPv4 and one for IPv6",
            )
        )
    )

    src_ips: str = Field("", alias="srcIPs", max_length=2048, json_schema_extra=checked(_nat_side("srcIPs")))
    """Comma list of addresses and networks of one family."""
    dst_ips: str = Field("", alias="dstIPs", max_length=2048, json_schema_extra=checked(_nat_side("dstIPs")))
    """Comma list of addresses and networks of one family."""


class NatOutgoingPolicyRule(Model):
    """Whether some traffic that leaves through a node takes the node's address."""

    match: NatOutgoingPolicyRuleMatch = NatOutgoingPolicyRuleMatch()
    action: Literal["nat", "forward", ""] = ""


class NatOutgoingPolicyRuleStatus(NatOutgoingPolicyRule):
    """A rule with the id under which nodes know it."""

    rule_id: str = Field("", alias="ruleID")


class SubnetAcl(Model):
    """A raw ACL of the logical switch."""

    direction: Literal["to-lport", "from-lport"] = "to-lport"
    """to-lport: towards Pods; from-lport: from Pods."""
    priority: int = Field(0, ge=0, le=32767)
    match: str = Field("", max_length=131072)
    """An expression of OVN."""
    action: Literal["allow", "allow-related", "allow-stateless", "drop", "reject", "pass"] = "drop"


class U2OFeatures(Model):
    """Finer choices for underlay-to-overlay traffic."""

    overlay_only_routing: bool = False
    """Only networks of the overlay are reached through the interconnection."""


class SubnetSpec(Model):
    """What the user wants; the controller fills in defaults."""

    model_config = ConfigDict(json_schema_extra=checked(*SPEC))

    default: bool = False
    """Pods of namespaces without a Subnet of their own land here. One for each Vpc."""
    vpc: Name = ""
    """The Vpc whose router the switch is joined to; empty is the cluster's default."""
    protocol: str = Field("", max_length=16)
    """IPv4, IPv6, Dual or Mac; follows from cidrBlock, so what is written here is replaced."""
    cidr_block: str = Field("", alias="cidrBlock", max_length=128, json_schema_extra=checked(*CIDR_BLOCK))
    """One network, or one IPv4 and one IPv6 with a comma between them. Needed unless vlan is set."""
    gateway: str = Field(
        "",
        max_length=128,
        json_schema_extra=checked(
            Rule(
                f"self == '' || ({cel.ips('self')})",
                "spec.gateway is no address; use one address for each network of spec.cidrBlock, or leave it out",
                "'spec.gateway ' + self + ' is no address; use one address for each network of spec.cidrBlock, with a "
                "comma and no blank between them, or leave it out to get the first'",
            )
        ),
    )
    """Address of the gateway, one for each family; the first of each network when left out."""
    exclude_ips: tuple[Annotated[str, Field(max_length=96, json_schema_extra=checked(*EXCLUDED))], ...] = Field(
        (), max_length=16384
    )
    """Addresses and ranges a..b that are given to nobody who doesn't ask for them by address."""
    provider: str = Field("", max_length=512)
    """ovn, or <attachment>.<namespace>.ovn, or <attachment>.<namespace> for addresses without a port."""
    gateway_type: Literal["distributed", "centralized", ""] = ""
    """Traffic leaves the cluster on each Pod's own node, or on chosen gateway nodes."""
    gateway_node: str = Field("", max_length=131072)
    """Comma list of gateway nodes, each as node or node:egress-address."""
    gateway_node_selectors: tuple[LabelSelector, ...] = ()
    """Gateway nodes by label, when gatewayNode is empty."""
    nat_outgoing: bool = False
    """Traffic that leaves the cluster takes the node's address."""
    nat_outgoing_policy_rules: tuple[NatOutgoingPolicyRule, ...] = Field((), max_length=256)
    """Exceptions to natOutgoing, the first that matches counts."""
    external_egress_gateway: str = Field(
        "",
        max_length=128,
        json_schema_extra=checked(
            Rule(
                f"self == '' || ({cel.ips('self')})",
                "spec.externalEgressGateway is not one address, or one IPv4 and one IPv6 address with a comma between",
            )
        ),
    )
    """Next hop of traffic that leaves the cluster; excludes natOutgoing."""
    policy_routing_priority: Uint32 = 0
    """Priority of the node's routing rule for externalEgressGateway."""
    policy_routing_table_id: Uint32 = Field(0, alias="policyRoutingTableID")
    """Routing table of the node for externalEgressGateway."""
    mtu: Uint32 = 0
    """Bytes; 0 means what the tunnel leaves over."""
    private: bool = False
    """Pods of this Subnet talk to each other and with allowSubnets alone; nodes reach them."""
    allow_subnets: tuple[
        Annotated[
            str,
            Field(
                max_length=128,
                json_schema_extra=checked(
                    Rule(
                        "isCIDR(self)",
                        "an item of spec.allowSubnets is no network; write one such as 10.16.0.0/16",
                        "'spec.allowSubnets has ' + self + ', which is no network; write one such as 10.16.0.0/16'",
                    )
                ),
            ),
        ],
        ...,
    ] = Field((), max_length=4096)
    """Networks with which the Pods of a private Subnet may talk, in both directions."""
    allow_ew_traffic: bool = Field(False, alias="allowEWTraffic")
    """Pods of the Subnet reach each other, unless one of acls with a priority above 1900 says otherwise."""
    acls: tuple[SubnetAcl, ...] = ()
    """Raw ACLs of the logical switch."""
    vlan: Name = ""
    """The Vlan that makes this an underlay Subnet."""
    vips: tuple[Annotated[str, Field(max_length=128)], ...] = Field((), max_length=256)
    """Addresses of virtual ports (old way; Vip objects are the new one)."""
    logical_gateway: bool = False
    """The gateway of an underlay Subnet is the OVN router, not the physical one."""
    disable_gateway_check: bool = False
    """Nodes don't probe the gateway before a Pod starts."""
    disable_inter_connection: bool = False
    """Not announced to other clusters through OVN interconnection."""
    enable_dhcp: bool = Field(False, alias="enableDHCP")
    """OVN answers DHCP on the switch."""
    dhcp_v4_options: str = Field("", alias="dhcpV4Options", max_length=16384)
    """Options as k=v,k=v in the words of OVN."""
    dhcp_v6_options: str = Field("", alias="dhcpV6Options", max_length=16384)
    """Options as k=v,k=v in the words of OVN."""
    enable_ipv6_ra: bool = Field(False, alias="enableIPv6RA")
    """The router sends IPv6 router advertisements."""
    ipv6_ra_configs: str = Field("", alias="ipv6RAConfigs", max_length=16384)
    """Options as k=v,k=v in the words of OVN."""
    u2o_interconnection: bool = Field(False, alias="u2oInterconnection")
    """Pods of this underlay Subnet and Pods of overlay Subnets reach each other; needs logicalGateway: false."""
    u2o_interconnection_ip: str = Field("", alias="u2oInterconnectionIP", max_length=128)
    """Address of the router's port for that; a free one when left out."""
    u2o_features: U2OFeatures = Field(U2OFeatures(), alias="u2oFeatures")
    enable_lb: bool = False
    """Services are reachable on the switch; the controller's default when left out."""
    enable_ecmp: bool = False
    """All ready gateway nodes carry traffic at once, instead of one with the others behind it."""
    enable_multicast_snoop: bool = False
    """The switch learns who listens to which multicast group; takes one address for its querier."""
    enable_external_lb_address: bool = Field(False, alias="enableExternalLBAddress")
    """Addresses may be given to Services of type LoadBalancer."""
    route_table: str = Field("", max_length=512)
    """Route table of the Vpc that the router's port uses; empty is the main one."""
    namespaces: tuple[Name, ...] = ()
    """Namespaces whose Pods get addresses here."""
    namespace_selectors: tuple[LabelSelector, ...] = ()
    """Further such namespaces, by label."""
    node_network: str = Field("", max_length=512)
    """Which of the node's networks carries the tunnels of this Subnet."""


class SubnetStatus(Model):
    """What came of it."""

    v4_available_ips: Counter = Field(0, alias="v4availableIPs")
    v4_available_ip_range: str = Field("", alias="v4availableIPrange")
    """Free ranges as a-b,c."""
    v4_using_ips: Counter = Field(0, alias="v4usingIPs")
    v4_using_ip_range: str = Field("", alias="v4usingIPrange")
    """Ranges in use as a-b,c."""
    v6_available_ips: Counter = Field(0, alias="v6availableIPs")
    v6_available_ip_range: str = Field("", alias="v6availableIPrange")
    v6_using_ips: Counter = Field(0, alias="v6usingIPs")
    v6_using_ip_range: str = Field("", alias="v6usingIPrange")
    activate_gateway: str = ""
    """The node that carries the traffic of a centralized Subnet now."""
    dhcp_v4_options_uuid: str = Field("", alias="dhcpV4OptionsUUID")
    dhcp_v6_options_uuid: str = Field("", alias="dhcpV6OptionsUUID")
    u2o_interconnection_ip: str = Field("", alias="u2oInterconnectionIP")
    u2o_interconnection_mac: str = Field("", alias="u2oInterconnectionMAC")
    u2o_interconnection_vpc: str = Field("", alias="u2oInterconnectionVPC")
    nat_outgoing_policy_rules: tuple[NatOutgoingPolicyRuleStatus, ...] = ()
    mcast_querier_ip: str = Field("", alias="mcastQuerierIP")
    mcast_querier_mac: str = Field("", alias="mcastQuerierMAC")
    conditions: tuple[ConditionItem, ...] = ()


class Subnet(Kind):
    """A network of Pods: one logical switch of OVN with its addresses and its gateway."""

    names = Names(
        plural="subnets",
        singular="subnet",
        short=("subnet",),
        columns=(
            Column("Provider", ".spec.provider"),
            Column("Vpc", ".spec.vpc"),
            Column("Vlan", ".spec.vlan"),
            Column("Protocol", ".spec.protocol"),
            Column("CIDR", ".spec.cidrBlock"),
            Column("Private", ".spec.private", "boolean"),
            Column("NAT", ".spec.natOutgoing", "boolean"),
            Column("Default", ".spec.default", "boolean"),
            Column("GatewayType", ".spec.gatewayType"),
            Column("V4Used", ".status.v4usingIPs", "number"),
            Column("V4Available", ".status.v4availableIPs", "number"),
            Column("V6Used", ".status.v6usingIPs", "number"),
            Column("V6Available", ".status.v6availableIPs", "number"),
            Column("ExcludeIPs", ".spec.excludeIps"),
            Column("U2OInterconnectionIP", ".status.u2oInterconnectionIP"),
        ),
    )
    root_rules = (
        Rule(
            "!has(self.spec) || !has(self.spec.vpc) || self.spec.vpc != self.metadata.name",
            "a Subnet and its Vpc must not share a name, since both are names in OVN; rename one of them",
            field_path=".spec.vpc",
        ),
    )

    kind: Literal["Subnet"] = "Subnet"
    spec: SubnetSpec = SubnetSpec()
    status: SubnetStatus = SubnetStatus()
