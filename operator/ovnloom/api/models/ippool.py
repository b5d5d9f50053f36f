"""The IPPool of `kubeovn.io/v1`, complete."""

from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from ovnloom.api.models import cel
from ovnloom.api.models.kind import Column, ConditionItem, Counter, Kind, Model, Name, Names, Rule, checked

ITEM = (
    Rule(
        f"isIP(self) || isCIDR(self) || ({cel.ip_range('self')})",
        "an item of spec.ips is no address, range or network; write 10.16.0.5, 10.16.0.5..10.16.0.9 or 10.16.0.0/28",
        "'spec.ips has ' + self + ', which is no address, range or network; write 10.16.0.5, 10.16.0.5..10.16.0.9 or "
        "10.16.0.0/28'",
    ),
    Rule(
        f"!({cel.ip_range('self')}) || ({cel.ordered_v4('self')})",
        "a range of spec.ips is reversed; write the lower address first",
        "'spec.ips has ' + self + ', which is reversed; write the lower address first'",
    ),
)


class IPPoolSpec(Model):
    """What the user wants."""

    model_config = ConfigDict(
        json_schema_extra=checked(
            Rule(
                "oldSelf.subnet == '' || self.subnet == oldSelf.subnet",
                "spec.subnet can't change; delete the IPPool and create one in the other Subnet",
                field_path=".subnet",
            )
        )
    )

    subnet: Name
    """Subnet that the addresses are taken out of."""
    namespaces: tuple[Name, ...] = ()
    """Namespaces whose Pods get addresses from here and from nowhere else."""
    ips: tuple[Annotated[str, Field(max_length=96, json_schema_extra=checked(*ITEM))], ...] = Field(max_length=16384)
    """Addresses, ranges a..b and networks of both families; what is outside of the Subnet is ignored."""
    enable_address_set: bool = False
    """OVN has an address set of these addresses, for use in raw matches."""


class IPPoolStatus(Model):
    """What came of it."""

    v4_available_ips: Counter = Field(0, alias="v4AvailableIPs")
    v4_available_ip_range: str = Field("", alias="v4AvailableIPRange")
    """Free ranges as a-b,c."""
    v4_using_ips: Counter = Field(0, alias="v4UsingIPs")
    v4_using_ip_range: str = Field("", alias="v4UsingIPRange")
    """Ranges in use as a-b,c."""
    v6_available_ips: Counter = Field(0, alias="v6AvailableIPs")
    v6_available_ip_range: str = Field("", alias="v6AvailableIPRange")
    v6_using_ips: Counter = Field(0, alias="v6UsingIPs")
    v6_using_ip_range: str = Field("", alias="v6UsingIPRange")
    conditions: tuple[ConditionItem, ...] = ()


class IPPool(Kind):
    """A part of a Subnet, set aside for some namespaces or for Pods that ask for it."""

    names = Names(
        plural="ippools",
        singular="ippool",
        short=("ippool",),
        columns=(
            Column("Subnet", ".spec.subnet"),
            Column("enableAddressSet", ".spec.enableAddressSet", "boolean"),
            Column("IPs", ".spec.ips"),
            Column("V4Used", ".status.v4UsingIPs", "number"),
            Column("V4Available", ".status.v4AvailableIPs", "number"),
            Column("V6Used", ".status.v6UsingIPs", "number"),
            Column("V6Available", ".status.v6AvailableIPs", "number"),
        ),
    )

    kind: Literal["IPPool"] = "IPPool"
    spec: IPPoolSpec | None = None
    status: IPPoolStatus = IPPoolStatus()
