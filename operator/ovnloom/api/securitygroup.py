"""A SecurityGroup as written by its user: raw strings, to be judged by who compiles them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Self

from ovnloom.api.condition import Condition, decode_conditions
from ovnloom.api.fields import Fields
from ovnloom.api.meta import Object, decode_meta, empty, key_of, part


class SecurityRule(NamedTuple):
    """One rule; numbers are 0 and texts empty where the user wrote none. `path` is where it stands in the object."""

    path: str
    ip_version: str = ""
    protocol: str = ""
    priority: int = 0
    remote_type: str = ""
    remote_address: str = ""
    remote_security_group: str = ""
    local_address: str = ""
    port_min: int = 0
    port_max: int = 0
    source_port_min: int = 0
    source_port_max: int = 0
    policy: str = ""
    malformed: tuple[str, ...] = ()
    """One sentence for each field of a wrong type; such a field has its default here."""


@dataclass(frozen=True, slots=True)
class SecurityGroup(Object):
    """Every field of spec; what we write into status doesn't count when two are compared."""

    ingress: tuple[SecurityRule, ...] = ()
    egress: tuple[SecurityRule, ...] = ()
    allow_same_group_traffic: bool = False
    tier: int = 0
    malformed: tuple[str, ...] = ()
    """One sentence for each field of a wrong type outside of the rules."""
    conditions: tuple[Condition, ...] = field(default=(), compare=False)
    status: Mapping[str, Any] = field(default_factory=empty, compare=False)

    @classmethod
    def decode(cls, body: Mapping[str, Any]) -> Self:
        """The SecurityGroup in a JSON body; a field of a wrong type becomes a sentence in `malformed`."""
        malformed: list[str] = []
        spec = Fields(body.get("spec"), "spec", malformed)
        return cls(
            key=key_of(body),
            meta=decode_meta(body),
            ingress=tuple(map(_rule, spec.many("ingressRules"))),
            egress=tuple(map(_rule, spec.many("egressRules"))),
            allow_same_group_traffic=spec.flag("allowSameGroupTraffic"),
            tier=spec.number("tier"),
            malformed=tuple(malformed),
            conditions=decode_conditions(body),
            status=part(body, "status"),
        )


def _rule(item: Fields) -> SecurityRule:
    malformed: list[str] = []
    own = Fields(item.body, item.path, malformed)
    return SecurityRule(
        path=own.path,
        ip_version=own.text("ipVersion"),
        protocol=own.text("protocol"),
        priority=own.number("priority"),
        remote_type=own.text("remoteType"),
        remote_address=own.text("remoteAddress"),
        remote_security_group=own.text("remoteSecurityGroup"),
        local_address=own.text("localAddress"),
        port_min=own.number("portRangeMin"),
        port_max=own.number("portRangeMax"),
        source_port_min=own.number("sourcePortRangeMin"),
        source_port_max=own.number("sourcePortRangeMax"),
        policy=own.text("policy"),
        malformed=tuple(malformed),
    )
