"""A Subnet as written by its user: raw strings, to be judged by who compiles them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Self

from ovnloom.api.condition import Condition, decode_conditions
from ovnloom.api.fields import Fields
from ovnloom.api.meta import Object, decode_meta, empty, key_of, part, text
from ovnloom.api.selector import LabelSelector, decode_selector


class Acl(NamedTuple):
    """One raw OVN ACL of the switch."""

    direction: str
    priority: int
    match: str
    action: str


class NatRule(NamedTuple):
    """One natOutgoingPolicyRule; `src_ips` and `dst_ips` are comma lists of addresses and CIDRs."""

    src_ips: str
    dst_ips: str
    action: str


@dataclass(frozen=True, slots=True)
class Subnet(Object):
    """Every field of spec; what we write into status doesn't count when two are compared."""

    default: bool = False
    vpc: str = ""
    protocol: str = ""
    cidr_block: str = ""
    gateway: str = ""
    exclude_ips: tuple[str, ...] = ()
    provider: str = ""
    gateway_type: str = ""
    gateway_node: str = ""
    gateway_node_selectors: tuple[LabelSelector, ...] = ()
    nat_outgoing: bool = False
    nat_outgoing_policy_rules: tuple[NatRule, ...] = ()
    external_egress_gateway: str = ""
    policy_routing_priority: int = 0
    policy_routing_table_id: int = 0
    mtu: int = 0
    private: bool = False
    allow_subnets: tuple[str, ...] = ()
    allow_ew_traffic: bool = False
    acls: tuple[Acl, ...] = ()
    vlan: str = ""
    vips: tuple[str, ...] = ()
    logical_gateway: bool = False
    disable_gateway_check: bool = False
    disable_interconnection: bool = False
    enable_dhcp: bool = False
    dhcp_v4_options: str = ""
    dhcp_v6_options: str = ""
    enable_ipv6_ra: bool = False
    ipv6_ra_configs: str = ""
    u2o_interconnection: bool = False
    u2o_interconnection_ip: str = ""
    overlay_only_routing: bool = False
    enable_lb: bool | None = None
    enable_ecmp: bool = False
    enable_multicast_snoop: bool = False
    enable_external_lb_address: bool = False
    route_table: str = ""
    namespaces: tuple[str, ...] = ()
    namespace_selectors: tuple[LabelSelector, ...] = ()
    node_network: str = ""
    malformed: tuple[str, ...] = ()
    """One sentence for each field of a wrong type; such a field has its default here."""
    active_gateway: str = field(default="", compare=False)
    conditions: tuple[Condition, ...] = field(default=(), compare=False)
    status: Mapping[str, Any] = field(default_factory=empty, compare=False)

    @property
    def has_router(self) -> bool:
        """The router of its Vpc is its gateway; that of an underlay Subnet usually is in the physical network."""
        return not self.vlan or self.logical_gateway

    @property
    def is_interconnected(self) -> bool:
        """It has a physical gateway, and the router of its Vpc beside that, which leads to the overlay."""
        return bool(self.vlan) and self.u2o_interconnection and not self.logical_gateway

    @classmethod
    def decode(cls, body: Mapping[str, Any]) -> Self:
        """The Subnet in a JSON body; a field of a wrong type becomes a sentence in `malformed`."""
        malformed: list[str] = []
        spec = Fields(body.get("spec"), "spec", malformed)
        u2o = spec.one("u2oFeatures")
        status = part(body, "status")
        return cls(
            key=key_of(body),
            meta=decode_meta(body),
            default=spec.flag("default"),
            vpc=spec.text("vpc"),
            protocol=spec.text("protocol"),
            cidr_block=spec.text("cidrBlock"),
            gateway=spec.text("gateway"),
            exclude_ips=spec.texts("excludeIps"),
            provider=spec.text("provider"),
            gateway_type=spec.text("gatewayType"),
            gateway_node=spec.text("gatewayNode"),
            gateway_node_selectors=tuple(map(decode_selector, spec.many("gatewayNodeSelectors"))),
            nat_outgoing=spec.flag("natOutgoing"),
            nat_outgoing_policy_rules=tuple(map(_nat_rule, spec.many("natOutgoingPolicyRules"))),
            external_egress_gateway=spec.text("externalEgressGateway"),
            policy_routing_priority=spec.number("policyRoutingPriority"),
            policy_routing_table_id=spec.number("policyRoutingTableID"),
            mtu=spec.number("mtu"),
            private=spec.flag("private"),
            allow_subnets=spec.texts("allowSubnets"),
            allow_ew_traffic=spec.flag("allowEWTraffic"),
            acls=tuple(map(_acl, spec.many("acls"))),
            vlan=spec.text("vlan"),
            vips=spec.texts("vips"),
            logical_gateway=spec.flag("logicalGateway"),
            disable_gateway_check=spec.flag("disableGatewayCheck"),
            disable_interconnection=spec.flag("disableInterConnection"),
            enable_dhcp=spec.flag("enableDHCP"),
            dhcp_v4_options=spec.text("dhcpV4Options"),
            dhcp_v6_options=spec.text("dhcpV6Options"),
            enable_ipv6_ra=spec.flag("enableIPv6RA"),
            ipv6_ra_configs=spec.text("ipv6RAConfigs"),
            u2o_interconnection=spec.flag("u2oInterconnection"),
            u2o_interconnection_ip=spec.text("u2oInterconnectionIP"),
            overlay_only_routing=u2o.flag("overlayOnlyRouting") if u2o else False,
            enable_lb=spec.maybe_flag("enableLb"),
            enable_ecmp=spec.flag("enableEcmp"),
            enable_multicast_snoop=spec.flag("enableMulticastSnoop"),
            enable_external_lb_address=spec.flag("enableExternalLBAddress"),
            route_table=spec.text("routeTable"),
            namespaces=spec.texts("namespaces"),
            namespace_selectors=tuple(map(decode_selector, spec.many("namespaceSelectors"))),
            node_network=spec.text("nodeNetwork"),
            malformed=tuple(malformed),
            active_gateway=text(status, "activateGateway"),
            conditions=decode_conditions(body),
            status=status,
        )


def _acl(item: Fields) -> Acl:
    return Acl(item.text("direction"), item.number("priority"), item.text("match"), item.text("action"))


def _nat_rule(item: Fields) -> NatRule:
    match = item.one("match")
    if match is None:
        return NatRule("", "", item.text("action"))
    return NatRule(match.text("srcIPs"), match.text("dstIPs"), item.text("action"))
