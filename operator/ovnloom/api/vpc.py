"""A Vpc as written by its user: raw strings, to be judged by who compiles them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Self

from ovnloom.api.condition import Condition, decode_conditions
from ovnloom.api.fields import Fields
from ovnloom.api.meta import Object, decode_meta, empty, key_of, part
from ovnloom.api.selector import LabelSelector, decode_selector


class StaticRoute(NamedTuple):
    """`policy` is `policyDst`, `policySrc` or empty (the first); an empty `route_table` is the main one."""

    policy: str
    cidr: str
    next_hop_ip: str
    ecmp_mode: str = ""
    bfd_id: str = ""
    route_table: str = ""


class PolicyRoute(NamedTuple):
    """`next_hop_ip` is a comma list and only counts with the action `reroute`."""

    priority: int
    match: str
    action: str
    next_hop_ip: str = ""


class Peering(NamedTuple):
    """This side of a peering: the other Vpc, and the CIDRs of our port."""

    remote_vpc: str
    local_connect_ip: str


@dataclass(frozen=True, slots=True)
class BfdPort:
    """The router port that answers BFD; `ip` is a comma list."""

    enabled: bool = False
    ip: str = ""
    node_selector: LabelSelector | None = None


@dataclass(frozen=True, slots=True)
class Vpc(Object):
    """Every field of spec; what we write into status doesn't count when two are compared."""

    default_subnet: str = ""
    namespaces: tuple[str, ...] = ()
    static_routes: tuple[StaticRoute, ...] = ()
    policy_routes: tuple[PolicyRoute, ...] = ()
    peerings: tuple[Peering, ...] = ()
    enable_external: bool = False
    extra_external_subnets: tuple[str, ...] = ()
    enable_bfd: bool = False
    bfd_port: BfdPort | None = None
    malformed: tuple[str, ...] = ()
    """One sentence for each field of a wrong type; such a field has its default here."""
    conditions: tuple[Condition, ...] = field(default=(), compare=False)
    status: Mapping[str, Any] = field(default_factory=empty, compare=False)

    @classmethod
    def decode(cls, body: Mapping[str, Any]) -> Self:
        """The Vpc in a JSON body; a field of a wrong type becomes a sentence in `malformed`."""
        malformed: list[str] = []
        spec = Fields(body.get("spec"), "spec", malformed)
        bfd = spec.one("bfdPort")
        return cls(
            key=key_of(body),
            meta=decode_meta(body),
            default_subnet=spec.text("defaultSubnet"),
            namespaces=spec.texts("namespaces"),
            static_routes=tuple(map(_static_route, spec.many("staticRoutes"))),
            policy_routes=tuple(map(_policy_route, spec.many("policyRoutes"))),
            peerings=tuple(map(_peering, spec.many("vpcPeerings"))),
            enable_external=spec.flag("enableExternal"),
            extra_external_subnets=spec.texts("extraExternalSubnets"),
            enable_bfd=spec.flag("enableBfd"),
            bfd_port=_bfd_port(bfd) if bfd else None,
            malformed=tuple(malformed),
            conditions=decode_conditions(body),
            status=part(body, "status"),
        )


def _static_route(item: Fields) -> StaticRoute:
    return StaticRoute(
        policy=item.text("policy"),
        cidr=item.text("cidr"),
        next_hop_ip=item.text("nextHopIP"),
        ecmp_mode=item.text("ecmpMode"),
        bfd_id=item.text("bfdId"),
        route_table=item.text("routeTable"),
    )


def _policy_route(item: Fields) -> PolicyRoute:
    return PolicyRoute(
        priority=item.number("priority", low=-(2**31), high=2**31 - 1),
        match=item.text("match"),
        action=item.text("action"),
        next_hop_ip=item.text("nextHopIP"),
    )


def _peering(item: Fields) -> Peering:
    return Peering(item.text("remoteVpc"), item.text("localConnectIP"))


def _bfd_port(item: Fields) -> BfdPort:
    selector = item.one("nodeSelector")
    return BfdPort(item.flag("enabled"), item.text("ip"), decode_selector(selector) if selector else None)
