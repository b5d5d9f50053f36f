"""The Vlan of `kubeovn.io/v1`, complete."""

from typing import Annotated, Literal

from pydantic import Field

from ovnloom.api.models.kind import Column, ConditionItem, Kind, Model, Name, Names

Tag = Annotated[int, Field(ge=0, le=4095)]


class VlanSpec(Model):
    """What the user wants."""

    id: Tag = 0
    """Tag of its frames on the wire, 1 to 4095; 0 means untagged."""
    provider: Name
    """The ProviderNetwork that it is part of; empty means the one named provider."""
    vlan_id: Tag = 0
    """Old name of id."""
    provider_interface_name: Name = ""
    """Old name of provider."""


class VlanStatus(Model):
    """What came of it."""

    subnets: tuple[str, ...] = ()
    """Subnets that name it."""
    conflict: bool = False
    """An older Vlan of the same ProviderNetwork has the same id: new Subnets can't use this one."""
    conditions: tuple[ConditionItem, ...] = ()


class Vlan(Kind):
    """One network of a physical one, told apart by the tag of its frames."""

    names = Names(
        plural="vlans",
        singular="vlan",
        short=("vlan",),
        columns=(
            Column("ID", ".spec.id"),
            Column("Provider", ".spec.provider"),
            Column("conflict", ".status.conflict"),
        ),
    )

    kind: Literal["Vlan"] = "Vlan"
    spec: VlanSpec | None = None
    status: VlanStatus = VlanStatus()
