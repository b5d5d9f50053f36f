"""The ProviderNetwork of `kubeovn.io/v1`, complete."""

from typing import Annotated, Literal

from pydantic import Field

from ovnloom.api.models.kind import Column, ConditionItem, Kind, LabelSelector, Model, Name, Names, Rule, checked

Interface = Annotated[
    str,
    Field(
        max_length=15,
        json_schema_extra=checked(
            Rule(
                "self.matches('^[^/ ]+$')",
                "an interface's name is 1 to 15 characters without a slash or blank; write one as `ip link` shows it",
            )
        ),
    ),
]


class CustomInterface(Model):
    """Another interface than the usual one, on some nodes."""

    interface: Interface
    """Its name."""
    nodes: tuple[Name, ...] = Field((), max_length=1024)
    """Nodes that reach the physical network by it."""


class ProviderNetworkSpec(Model):
    """What the user wants."""

    default_interface: Interface
    """The interface by which nodes reach the physical network; it becomes a port of the bridge br-<name>."""
    custom_interfaces: tuple[CustomInterface, ...] = Field((), max_length=1024)
    """Other interfaces on some nodes."""
    node_selector: LabelSelector | None = None
    """Nodes that take part, by label; excludeNodes says nothing then."""
    exclude_nodes: tuple[Name, ...] = Field((), max_length=4096)
    """Nodes that don't take part."""
    exchange_link_name: bool = False
    """The bridge takes the interface's name, and the interface is called br-<name>."""
    auto_create_vlan_subinterfaces: bool = False
    """Nodes make an interface such as eth0.10 that they lack."""
    preserve_vlan_interfaces: bool = False
    """VLAN interfaces on the interface keep working beside the bridge."""
    vlan_interfaces: tuple[Interface, ...] = Field((), max_length=256)
    """VLAN interfaces that are preserved."""


class NetworkCondition(ConditionItem):
    """One thing that is, or isn't, the case; for the network, or on one node."""

    node: str = ""
    """The node that it is about; empty for the network as a whole."""


class ProviderNetworkStatus(Model):
    """What came of it."""

    ready: bool = False
    """Every node that takes part has its bridge, and there is one."""
    ready_nodes: tuple[str, ...] = ()
    not_ready_nodes: tuple[str, ...] = ()
    vlans: tuple[str, ...] = ()
    """Vlans that are part of it."""
    conditions: tuple[NetworkCondition, ...] = ()


class ProviderNetwork(Kind):
    """A physical network, and the interface by which each node reaches it."""

    names = Names(
        plural="provider-networks",
        singular="provider-network",
        short=("pn",),
        columns=(
            Column("DefaultInterface", ".spec.defaultInterface"),
            Column("Ready", ".status.ready", "boolean"),
        ),
    )
    root_rules = (
        Rule(
            "self.metadata.name.size() <= 12",
            "metadata.name: the bridge br-<name> would have more than 15 characters; choose a name of at most 12",
        ),
    )

    kind: Literal["ProviderNetwork"] = "ProviderNetwork"
    spec: ProviderNetworkSpec | None = None
    status: ProviderNetworkStatus = ProviderNetworkStatus()
