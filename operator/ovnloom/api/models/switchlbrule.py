"""The SwitchLBRule of `kubeovn.io/v1`, complete."""

from typing import Annotated, Literal

from pydantic import Field

from ovnloom.api.models import cel
from ovnloom.api.models.kind import Column, ConditionItem, Kind, Model, Names, Rule, checked
from ovnloom.api.models.vip import LABEL

ENDPOINT = Rule(
    "isIP(self)",
    "an item of spec.endpoints is no address; write one such as 10.16.0.5",
    "'spec.endpoints has ' + self + ', which is no address; write one such as 10.16.0.5'",
)


class SwitchLBRulePort(Model):
    """One port of the load balancer."""

    name: str = Field("", max_length=63)
    """Name of the Service's port; made up where there are several and they have none."""
    port: int = Field(ge=1, le=65535)
    """Port that clients connect to."""
    target_port: int = Field(0, ge=0, le=65535)
    """Port of the backends; the same one when left out."""
    protocol: Literal["", "TCP", "UDP", "SCTP"] = ""
    """TCP when left out."""


class SwitchLBRuleSpec(Model):
    """What the user wants."""

    vip: str = Field(
        "",
        max_length=128,
        json_schema_extra=checked(
            Rule(
                f"self == '' || ({cel.ips('self')})",
                "spec.vip is not one address, or one IPv4 and one IPv6 with a comma and no blank between them",
            )
        ),
    )
    """Address that clients connect to; for both families v4,v6."""
    namespace: str = Field("", max_length=63)
    """Namespace of the Pods, in which the Service is made."""
    selector: tuple[Annotated[str, Field(max_length=512, json_schema_extra=checked(LABEL))], ...] = Field(
        (), max_length=64
    )
    """label:value; the backends are the Pods with all these labels."""
    endpoints: tuple[Annotated[str, Field(max_length=64, json_schema_extra=checked(ENDPOINT))], ...] = Field(
        (), max_length=1000
    )
    """Addresses of fixed backends; with them the selector doesn't count."""
    session_affinity: Literal["", "None", "ClientIP"] = ""
    """ClientIP: a client keeps its backend."""
    ports: tuple[SwitchLBRulePort, ...] = Field((), max_length=256)


class SwitchLBRuleStatus(Model):
    """What came of it."""

    ports: str = ""
    """Ports as 80/TCP,53/UDP."""
    service: str = ""
    """The Service that was made, as namespace/name."""
    conditions: tuple[ConditionItem, ...] = ()


class SwitchLBRule(Kind):
    """A load balancer with an address of its own, in front of Pods or of fixed addresses."""

    names = Names(
        plural="switch-lb-rules",
        singular="switch-lb-rule",
        short=("slr",),
        columns=(
            Column("vip", ".spec.vip"),
            Column("port(s)", ".status.ports"),
            Column("service", ".status.service"),
            Column("age", ".metadata.creationTimestamp", "date"),
        ),
    )

    kind: Literal["SwitchLBRule"] = "SwitchLBRule"
    spec: SwitchLBRuleSpec = SwitchLBRuleSpec()
    status: SwitchLBRuleStatus = SwitchLBRuleStatus()
