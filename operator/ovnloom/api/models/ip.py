"""The IP of `kubeovn.io/v1`, complete; it has no status."""

from typing import Literal

from pydantic import ConfigDict, Field

from ovnloom.api.models import cel
from ovnloom.api.models.kind import Column, Kind, Model, Name, Names, Rule, checked

FIXED = ("subnet", "namespace", "podName", "podType", "macAddress", "v4IpAddress", "v6IpAddress")
"""Fields that can't change once they are set: they are what the object remembers."""

MAC = "^([0-9A-Fa-f]{2}[:-]){5}[0-9A-Fa-f]{2}$|^([0-9A-Fa-f]{4}[.]){2}[0-9A-Fa-f]{4}$"


def _fixed(field: str) -> Rule:
    name = "__namespace__" if field == "namespace" else field  # a reserved word of CEL
    return Rule(
        f"!has(oldSelf.{name}) || oldSelf.{name} == '' || (has(self.{name}) && self.{name} == oldSelf.{name})",
        f"spec.{field} can't change once it is set; delete the IP and create one with the other value",
        field_path=f".{field}",
    )


def _address(field: str, family: int) -> Rule:
    return Rule(
        f"self == '' || (isIP(self) && ip(self).family() == {family})",
        f"spec.{field} is no IPv{family} address; use an address of the Subnet, or leave it out to get a free one",
        f"'spec.{field} ' + self + ' is no IPv{family} address; use an address of the Subnet, or leave it out to get "
        "a free one'",
    )


class IPSpec(Model):
    """Who has which address."""

    model_config = ConfigDict(json_schema_extra=checked(*(_fixed(name) for name in FIXED)))

    pod_name: str = Field("", max_length=1024)
    """Name of the Pod, virtual machine or Node that has the address."""
    namespace: str = Field("", max_length=253)
    """Namespace of the Pod; empty for a Node."""
    subnet: Name = ""
    """Subnet that the address is from."""
    attach_subnets: tuple[str, ...] = ()
    """Not written any more."""
    node_name: Name = ""
    """Node where the Pod runs."""
    ip_address: str = Field(
        "",
        max_length=128,
        json_schema_extra=checked(
            Rule(
                f"self == '' || ({cel.ips('self')})",
                "spec.ipAddress is not one address, or one IPv4 and one IPv6 with a comma and no blank between them",
            )
        ),
    )
    """The IPv4 address, the IPv6 address, or both with a comma between them."""
    v4_ip_address: str = Field(
        "", alias="v4IpAddress", max_length=64, json_schema_extra=checked(_address("v4IpAddress", 4))
    )
    v6_ip_address: str = Field(
        "", alias="v6IpAddress", max_length=64, json_schema_extra=checked(_address("v6IpAddress", 6))
    )
    attach_ips: tuple[str, ...] = ()
    """Not written any more."""
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
    """MAC address of the interface; empty where the provider isn't OVN."""
    attach_macs: tuple[str, ...] = ()
    """Not written any more."""
    container_id: str = Field("", alias="containerID")
    """Not written any more."""
    pod_type: Literal["", "StatefulSet", "VirtualMachine", "Vip"] = ""
    """What the Pod belongs to, when its address outlives it; Vip when the address is a Vip's and podName its name."""


class IP(Kind):
    """The address of one interface. Created by a user, it is a reservation."""

    names = Names(
        plural="ips",
        singular="ip",
        short=("ip",),
        status_subresource=False,
        columns=(
            Column("V4IP", ".spec.v4IpAddress"),
            Column("V6IP", ".spec.v6IpAddress"),
            Column("Mac", ".spec.macAddress"),
            Column("Node", ".spec.nodeName"),
            Column("Subnet", ".spec.subnet"),
        ),
    )
    root_rules = (
        Rule(
            "!has(oldSelf.spec) || has(self.spec)",
            "spec can't be removed; delete the IP to free its address",
            field_path=".spec",
        ),
    )

    kind: Literal["IP"] = "IP"
    spec: IPSpec = IPSpec()
