"""A ClusterNetworkPolicy: what administrators decide before any NetworkPolicy is asked, or after all of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from ovnloom.api.cluster_policy import (
    Action,
    ClusterPolicy,
    Dialect,
    Tier,
    decode_priority,
    decode_range,
    decode_rules,
    decode_subject,
    only_field,
)
from ovnloom.api.condition import decode_conditions
from ovnloom.api.fields import Fields, shown
from ovnloom.api.meta import decode_meta, key_of, part
from ovnloom.api.networkpolicy import Port

ACTIONS: Mapping[str, Action] = {"Accept": "Allow", "Deny": "Deny", "Pass": "Pass"}
TIERS: Mapping[str, Tier] = {"Admin": "Admin", "Baseline": "Baseline"}
KINDS_OF_PORT = frozenset({"tcp", "udp", "sctp", "destinationNamedPort"})


@dataclass(frozen=True, slots=True)
class ClusterNetworkPolicy(ClusterPolicy):
    """https://network-policy-api.sigs.k8s.io/reference/spec/ (v1alpha2)."""

    @classmethod
    def decode(cls, body: Mapping[str, Any]) -> Self:
        """The policy in a JSON body."""
        malformed: list[str] = []
        spec = Fields(body.get("spec"), "spec", malformed)
        tier, priority, subject = _tier(spec), decode_priority(spec), decode_subject(spec)
        ingress, egress = decode_rules(spec, DIALECT, is_closed=bool(malformed))
        return cls(
            key=key_of(body),
            meta=decode_meta(body),
            tier=tier,
            priority=priority,
            subject=subject,
            ingress=ingress,
            egress=egress,
            malformed=tuple(malformed),
            conditions=decode_conditions(body),
            status=part(body, "status"),
        )


def _tier(spec: Fields) -> Tier:
    """The tier; one that can't be read is Admin, so that what the policy denies holds whoever else decides."""
    found = TIERS.get(spec.text("tier"))
    if found is None:
        spec.malformed.append(f"{spec.path}.tier is {shown(spec.body.get('tier'))}; use Admin or Baseline")
    return found or "Admin"


def _port(fields: Fields) -> Port | None:
    kind = only_field(fields, KINDS_OF_PORT)
    if kind == "destinationNamedPort":
        name = fields.text(kind)
        if not name and type(fields.body[kind]) is str:
            fields.malformed.append(f"{fields.path}.{kind} is empty; name a container port")
        return Port("", name=name) if name else None
    found = fields.one(kind) if kind else None
    if found is None or not only_field(found, frozenset({"destinationPort"})):
        return None
    port = found.one("destinationPort")
    if port is None:
        return None
    which = only_field(port, frozenset({"number", "range"}))
    if which == "number":
        number = port.number("number", 1, 65535)
        return Port(kind.upper(), number) if number else None
    span = port.one("range") if which else None
    return decode_range(span, kind.upper()) if span is not None else None


DIALECT = Dialect(ACTIONS, "protocols", _port, most=25)
