"""What happened in the database, as values: changes come in, and who is touched by them comes out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from ovnloom.intent import Owner, Ref
from ovnloom.northbound.shape import Shape, Stored

_NOTHING: Mapping[str, Stored] = {}


class Change(NamedTuple):
    """One row that came, changed or went.

    An insert has all columns that differ from their default. A modify has differences, as OVSDB's update2 sends them: a
    scalar's new value, the elements that came or went of a set, and of a map the pairs: one that is there already went,
    any other is new. A reset means that all rows are gone and what follows is the whole database, which has `shape`.
    """

    kind: Literal["insert", "modify", "delete", "reset"]
    table: str = ""
    uuid: str = ""
    columns: Mapping[str, Stored] = _NOTHING
    shape: Shape | None = None


Elements = dict[tuple[Ref, str], set[str | int | Ref]]
"""Keys of elements by the row and column that they are in."""


@dataclass(slots=True)
class Touched:
    """Who must look again after some changes."""

    owners: set[Owner] = field(default_factory=set)
    """Owners with a row that came, went, or changed in a column that is theirs alone."""
    elements: Elements = field(default_factory=dict)
    """Elements that came to a set or left it. A set may have thousands, so its owner isn't touched as a whole."""
    appeared: set[Ref] = field(default_factory=set)
    """Rows that somebody may have waited for."""
    freed: set[Ref] = field(default_factory=set)
    """Names that a row of somebody else had and hasn't any more, so that who was kept from it may have it."""
    was_reset: bool = False
    """Everybody must look again: the connection was lost, or the database replaced."""

    def __bool__(self) -> bool:
        return bool(self.owners or self.elements or self.appeared or self.freed or self.was_reset)
