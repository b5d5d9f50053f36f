"""The VpcDns of `kubeovn.io/v1`, complete."""

from typing import Literal

from pydantic import Field

from ovnloom.api.models.kind import Column, ConditionItem, Kind, Model, Name, Names


class VpcDnsSpec(Model):
    """What the user wants."""

    vpc: Name = ""
    """Vpc whose Pods ask."""
    subnet: Name = ""
    """Subnet of that Vpc for the Pods that answer."""
    replicas: int = Field(0, ge=0, le=1000)
    """Pods that answer; 0 for the default."""
    corefile: Name = ""
    """ConfigMap with the configuration of CoreDNS; vpc-dns-corefile when left out."""


class VpcDnsStatus(Model):
    """What came of it."""

    active: bool = False
    """This is the one that serves its Vpc."""
    conditions: tuple[ConditionItem, ...] = ()


class VpcDns(Kind):
    """Name resolution inside a Vpc, under an address that is the same in all of them."""

    names = Names(
        plural="vpc-dnses",
        singular="vpc-dns",
        short=("vpc-dns",),
        columns=(
            Column("Active", ".status.active", "boolean"),
            Column("Vpc", ".spec.vpc"),
            Column("Subnet", ".spec.subnet"),
            Column("Corefile", ".spec.corefile"),
        ),
    )

    kind: Literal["VpcDns"] = "VpcDns"
    spec: VpcDnsSpec = VpcDnsSpec()
    status: VpcDnsStatus = VpcDnsStatus()
