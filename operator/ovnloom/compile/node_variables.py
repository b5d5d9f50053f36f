"""Where Services say what differs from node to node: a row of variables for each chassis."""

from __future__ import annotations

from collections.abc import Iterator

from ovnloom.api.node import Node
from ovnloom.intent import Row
from ovnloom.ovn import names
from ovnloom.world.chassis import has_variables, place
from ovnloom.world.graph import Reader


def variables(read: Reader, node: Node) -> Iterator[Row]:
    """The node's row, to which Services add theirs; none before its agent has said which chassis it is."""
    there = read.view(place, node.name)
    if there is not None and there.chassis and has_variables(read):
        ids = {names.KEY_NODE: node.name}
        yield Row("Chassis_Template_Var", there.chassis, {"chassis": there.chassis, "external_ids": ids})
