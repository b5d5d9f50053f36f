"""The Vip of `kubeovn.io/v1`, complete; its status is a plain field."""

from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from ovnloom.api.models.ip import MAC
from ovnloom.api.models.kind import Column, ConditionItem, Kind, Model, Name, Names, Rule, checked

FIXED = ("subnet", "v4ip", "v6ip", "macAddress")
"""Fields that can't change once they are set: somebody may use the address."""
LABEL = Rule(
    "self.contains(':') && self.split(':').size() == 2 && !self.startsWith(':')",
    "an item of spec.selector is no label; write label:value",
    "'spec.selector has ' + self + ', which is no label; write label:value'",
)


def _fixed(field: str) -> Rule:
    return Rule(
        f"!has(oldSelf.{field}) || oldSelf.{field} == '' || (has(self.{field}) && self.{field} == oldSelf.{field})",
        f"spec.{field} can't change once it is set; delete the Vip and create one with the other value",
        field_path=f".{field}",
    )


def _address(field: str, family: int) -> Rule:
    return Rule(
        f"self == '' || (isIP(self) && ip(self).family() == {family})",
        f"spec.{field} is no IPv{family} address; use an address of the Subnet, or leave it out to get a free one",
        f"'spec.{field} ' + self + ' is no IPv{family} address; use an address of the Subnet, or leave it out to get "
        "a free one'",
    )


class VipSpec(Model):
    """What the user wants; addresses that were left out are filled in."""

    model_config = ConfigDict(json_schema_extra=checked(*(_fixed(name) for name in FIXED)))

    subnet: Name = ""
    """Subnet that the address is from."""
    namespace: str = Field("", max_length=253)
    """Namespace of the Pods that share the address; with it there is a virtual port."""
    v4ip: str = Field("", alias="v4ip", max_length=64, json_schema_extra=checked(_address("v4ip", 4)))
    """IPv4 address."""
    v6ip: str = Field("", alias="v6ip", max_length=64, json_schema_extra=checked(_address("v6ip", 6)))
    """IPv6 address."""
    mac_address: str = Field(
        "",
        max_length=64,
        json_schema_extra=checked(
            Rule(
                f"self == '' || self.matches('{MAC}')",
                "spec.macAddress is no MAC address; write one such as 00:00:00:53:6b:b6, or leave it out",
            )
        ),
    )
    """MAC address of who takes the Vip's place."""
    type: Literal["", "switch_lb_vip", "kube_host_vm_vip"] = ""
    """Empty for an address that Pods share; switch_lb_vip for a load balancer's, for which the gateway answers ARP;
    kube_host_vm_vip for a virtual machine in a Pod of the host's network."""
    selector: tuple[Annotated[str, Field(max_length=512, json_schema_extra=checked(LABEL))], ...] = Field(
        (), max_length=64
    )
    """label:value; only Pods with all these labels share the address."""
    attach_subnets: tuple[str, ...] = ()
    """Not used."""


class VipStatus(Model):
    """What came of it."""

    v4ip: str = Field("", alias="v4ip")
    """IPv4 address that is reserved."""
    v6ip: str = Field("", alias="v6ip")
    """IPv6 address that is reserved."""
    mac: str = ""
    """MAC address that is reserved."""
    type: str = ""
    selector: tuple[str, ...] = ()
    conditions: tuple[ConditionItem, ...] = ()


class Vip(Kind):
    """An address of a Subnet that several Pods share, a Pod takes over, or a load balancer has."""

    names = Names(
        plural="vips",
        singular="vip",
        short=("vip",),
        status_subresource=False,
        columns=(
            Column("Namespace", ".spec.namespace"),
            Column("V4IP", ".status.v4ip"),
            Column("V6IP", ".status.v6ip"),
            Column("Mac", ".status.mac"),
            Column("Subnet", ".spec.subnet"),
            Column("Type", ".status.type"),
        ),
    )

    kind: Literal["Vip"] = "Vip"
    spec: VipSpec = VipSpec()
    status: VipStatus = VipStatus()
