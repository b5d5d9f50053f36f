"""Nodes as OVN knows them: by chassis."""

from __future__ import annotations

from typing import NamedTuple

from ovnloom.api.meta import Key
from ovnloom.api.node import Node
from ovnloom.world.graph import Reader
from ovnloom.world.moments import Absent

CHASSIS = "ovn.kubernetes.io/chassis"
"""Annotation with the system-id of the node's Open vSwitch, which its agent writes."""
ZONE = "topology.kubernetes.io/zone"
"""https://kubernetes.io/docs/reference/labels-annotations-taints/#topologykubernetesiozone"""


class Place(NamedTuple):
    """Where a node is; `chassis` is empty until its agent has said it, `zone` when it has no such label."""

    node: str
    chassis: str
    zone: str


def place(read: Reader, name: str) -> Place | None:
    """View: where a node is; None when there is no such node."""
    node = read.get(Node, Key(name))
    if node is None:
        return None
    return Place(name, node.annotations.get(CHASSIS, ""), node.labels.get(ZONE, ""))


def places(read: Reader, _: None) -> tuple[Place, ...]:
    """View: all nodes, by name."""
    found = (read.view(place, key.name) for key in sorted(read.keys(Node)))
    return tuple(each for each in found if each is not None)


def has_variables(read: Reader) -> bool:
    """Whether the connected OVN can say something else for each chassis (22.12 and newer)."""
    return read.get(Absent, Key("Chassis_Template_Var")) is None
