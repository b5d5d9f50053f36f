"""An AdminNetworkPolicy: what cluster administrators decide before any NetworkPolicy is asked."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from ovnloom.api.cluster_policy import (
    Action,
    ClusterPolicy,
    Dialect,
    decode_priority,
    decode_range,
    decode_rules,
    decode_subject,
    only_field,
)
from ovnloom.api.condition import decode_conditions
from ovnloom.api.fields import Fields
from ovnloom.api.meta import decode_meta, key_of, part
from ovnloom.api.networkpolicy import Port, decode_port

ACTIONS: Mapping[str, Action] = {"Allow": "Allow", "Deny": "Deny", "Pass": "Pass"}
KINDS_OF_PORT = frozenset({"portNumber", "portRange", "namedPort"})


@dataclass(frozen=True, slots=True)
class AdminNetworkPolicy(ClusterPolicy):
    """https://network-policy-api.sigs.k8s.io/reference/spec/ (v1alpha1)."""

    @classmethod
    def decode(cls, body: Mapping[str, Any]) -> Self:
        """The policy in a JSON body."""
        malformed: list[str] = []
        spec = Fields(body.get("spec"), "spec", malformed)
        priority, subject = decode_priority(spec), decode_subject(spec)
        ingress, egress = decode_rules(spec, DIALECT, is_closed=bool(malformed))
        return cls(
            key=key_of(body),
            meta=decode_meta(body),
            priority=priority,
            subject=subject,
            ingress=ingress,
            egress=egress,
            malformed=tuple(malformed),
            conditions=decode_conditions(body),
            status=part(body, "status"),
        )


def decode_admin_port(fields: Fields) -> Port | None:
    """An AdminNetworkPolicyPort; None, and a sentence, for one that can't be read."""
    kind = only_field(fields, KINDS_OF_PORT)
    if kind == "namedPort":
        name = fields.text("namedPort")
        if not name and type(fields.body["namedPort"]) is str:
            fields.malformed.append(f"{fields.path}.namedPort is empty; name a container port")
        return Port("", name=name) if name else None
    found = fields.one(kind) if kind else None
    if found is None:
        return None
    if kind == "portRange":
        return decode_range(found, found.text("protocol") or "TCP")
    port = decode_port(found)
    if port is not None and not port.number:
        found.malformed.append(f"{found.path}.port must be a number from 1 to 65535")
        return None
    return port


DIALECT = Dialect(ACTIONS, "ports", decode_admin_port, most=100)
