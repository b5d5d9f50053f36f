"""A ProviderNetwork as written by its user: a physical network, and the interface by which each node reaches it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Self

from ovnloom.api.condition import Condition, decode_conditions
from ovnloom.api.fields import Fields
from ovnloom.api.meta import Object, decode_meta, empty, key_of, part
from ovnloom.api.selector import LabelSelector, decode_selector

LONGEST_NAME = 12
"""Characters: the bridge `br-NAME` is a network interface, whose name has 15 at most."""
DOMAIN = ".provider-network.kubernetes.io/"


class CustomInterface(NamedTuple):
    """Another interface than the usual one, on some nodes."""

    interface: str
    nodes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ProviderNetwork(Object):
    """Every field of spec; what we write into status doesn't count when two are compared."""

    default_interface: str = ""
    custom_interfaces: tuple[CustomInterface, ...] = ()
    node_selector: LabelSelector | None = None
    exclude_nodes: tuple[str, ...] = ()
    exchange_link_name: bool = False
    auto_create_vlan_subinterfaces: bool = False
    preserve_vlan_interfaces: bool = False
    vlan_interfaces: tuple[str, ...] = ()
    malformed: tuple[str, ...] = ()
    """One sentence for each field of a wrong type; such a field has its default here."""
    conditions: tuple[Condition, ...] = field(default=(), compare=False)
    status: Mapping[str, Any] = field(default_factory=empty, compare=False)

    @classmethod
    def decode(cls, body: Mapping[str, Any]) -> Self:
        """The ProviderNetwork in a JSON body; a field of a wrong type becomes a sentence in `malformed`."""
        malformed: list[str] = []
        spec = Fields(body.get("spec"), "spec", malformed)
        selector = spec.one("nodeSelector")
        return cls(
            key=key_of(body),
            meta=decode_meta(body),
            default_interface=spec.text("defaultInterface"),
            custom_interfaces=tuple(map(_custom, spec.many("customInterfaces"))),
            node_selector=decode_selector(selector) if selector else None,
            exclude_nodes=spec.texts("excludeNodes"),
            exchange_link_name=spec.flag("exchangeLinkName"),
            auto_create_vlan_subinterfaces=spec.flag("autoCreateVlanSubinterfaces"),
            preserve_vlan_interfaces=spec.flag("preserveVlanInterfaces"),
            vlan_interfaces=spec.texts("vlanInterfaces"),
            malformed=tuple(malformed),
            conditions=decode_conditions(body),
            status=part(body, "status"),
        )

    def selects(self, node: str, labels: Mapping[str, str]) -> bool:
        """Whether the node takes part; a nodeSelector makes excludeNodes say nothing."""
        if self.node_selector is not None:
            return self.node_selector.matches(labels)
        return node not in self.exclude_nodes

    def interface(self, node: str) -> str:
        """The interface of the node that reaches the physical network."""
        for custom in self.custom_interfaces:
            if node in custom.nodes:
                return custom.interface
        return self.default_interface

    def label(self, word: str) -> str:
        """The key under which a node, or an agent's Pod, says something about this network."""
        return f"{self.name}{DOMAIN}{word}"


def _custom(item: Fields) -> CustomInterface:
    return CustomInterface(item.text("interface"), item.texts("nodes"))
