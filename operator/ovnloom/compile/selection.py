"""A Selection is one Port_Group: the Pods that policies name by the same labels."""

from __future__ import annotations

from collections.abc import Iterator

from ovnloom.api.meta import Key
from ovnloom.intent import EMPTY, Intent, Row
from ovnloom.ovn import names
from ovnloom.world.graph import Reader
from ovnloom.world.selection import Selection
from ovnloom.world.selectors import USES, port_numbers


def compile_selection(read: Reader, key: Key) -> Intent:
    """Pods that policies name as the other end of traffic are a Port_Group, whose addresses OVN keeps itself.

    A selection by a named port has one for each number of that port. One that is only isolated by policies needs none:
    its Pods are in the groups of these policies.
    """
    selection = read.get(Selection, key)
    if selection is None or not any(read.keys_of(use.by_peer, key) for use in USES):
        return EMPTY
    return Intent(tuple(_groups(read, selection)))


def _groups(read: Reader, selection: Selection) -> Iterator[Row]:
    group = names.selection_group(selection.name)
    ids = {names.KEY_SELECTION: str(selection)}
    if selection.port is None:
        yield Row("Port_Group", group, {"name": group, "external_ids": ids})
        return
    for number in read.view(port_numbers, selection):
        numbered = names.numbered_group(group, number)
        yield Row("Port_Group", numbered, {"name": numbered, "external_ids": ids})
