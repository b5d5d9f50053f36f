"""A BaselineAdminNetworkPolicy: what holds for Pods about which nobody else has decided."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from ovnloom.api.adminnetworkpolicy import decode_admin_port
from ovnloom.api.cluster_policy import Action, ClusterPolicy, Dialect, decode_rules, decode_subject
from ovnloom.api.condition import decode_conditions
from ovnloom.api.fields import Fields
from ovnloom.api.meta import decode_meta, key_of, part

ACTIONS: Mapping[str, Action] = {"Allow": "Allow", "Deny": "Deny"}
DIALECT = Dialect(ACTIONS, "ports", decode_admin_port, most=100)


@dataclass(frozen=True, slots=True)
class BaselineAdminNetworkPolicy(ClusterPolicy):
    """https://network-policy-api.sigs.k8s.io/reference/spec/ (v1alpha1); the API allows one, named `default`."""

    @classmethod
    def decode(cls, body: Mapping[str, Any]) -> Self:
        """The policy in a JSON body."""
        malformed: list[str] = []
        spec = Fields(body.get("spec"), "spec", malformed)
        subject = decode_subject(spec)
        ingress, egress = decode_rules(spec, DIALECT, is_closed=bool(malformed))
        return cls(
            key=key_of(body),
            meta=decode_meta(body),
            tier="Baseline",
            subject=subject,
            ingress=ingress,
            egress=egress,
            malformed=tuple(malformed),
            conditions=decode_conditions(body),
            status=part(body, "status"),
        )
