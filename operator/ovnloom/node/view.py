"""What this host has been told of the cluster."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from ovnloom.api.endpointslice import EndpointSlice
from ovnloom.api.meta import Key
from ovnloom.api.node import Node
from ovnloom.api.pod import Pod
from ovnloom.api.providernetwork import ProviderNetwork
from ovnloom.api.service import Service
from ovnloom.api.subnet import Subnet
from ovnloom.api.vlan import Vlan
from ovnloom.api.vpc import Vpc


def _nothing() -> Mapping[Any, Any]:
    return MappingProxyType({})


@dataclass(frozen=True, slots=True)
class View:
    """The objects that concern a node, as of one moment. Cluster-wide kinds are found by name, others by key."""

    name: str
    """This node's."""
    nodes: Mapping[str, Node] = field(default_factory=_nothing)
    subnets: Mapping[str, Subnet] = field(default_factory=_nothing)
    vpcs: Mapping[str, Vpc] = field(default_factory=_nothing)
    provider_networks: Mapping[str, ProviderNetwork] = field(default_factory=_nothing)
    vlans: Mapping[str, Vlan] = field(default_factory=_nothing)
    services: Mapping[Key, Service] = field(default_factory=_nothing)
    slices: Mapping[Key, EndpointSlice] = field(default_factory=_nothing)
    pods: Mapping[Key, Pod] = field(default_factory=_nothing)
    """Of this node only."""
    complete: bool = False
    """Every kind was listed once: what isn't here isn't there."""

    @property
    def node(self) -> Node | None:
        """This node itself."""
        return self.nodes.get(self.name)


FIELDS: Mapping[type, str] = {
    Node: "nodes",
    Subnet: "subnets",
    Vpc: "vpcs",
    ProviderNetwork: "provider_networks",
    Vlan: "vlans",
    Service: "services",
    EndpointSlice: "slices",
    Pod: "pods",
}
"""The kinds that a node watches, and where a View has them."""
