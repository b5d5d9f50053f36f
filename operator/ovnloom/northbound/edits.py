"""A plan as a value: which rows and elements come, change and go, for whom and why."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from ovnloom.intent import Element, Owner, Problem, Ref, Value

_NOTHING: Mapping[str, Value] = {}


class Insert(NamedTuple):
    """A row comes, in the parent's column if it needs one. Columns that aren't named get their default."""

    table: str
    name: str
    owner: Owner
    reason: str
    columns: Mapping[str, Value]
    parent: Ref | None = None
    column: str = ""

    @property
    def ref(self) -> Ref:
        return Ref(self.table, self.name)

    def refs(self) -> Iterable[Ref]:
        """The other rows that must be there."""
        if self.parent is not None:
            yield self.parent
        for value in self.columns.values():
            yield from _refs(value)


class Update(NamedTuple):
    """Columns of a row change: (old, new) by name."""

    table: str
    name: str
    owner: Owner
    reason: str
    changes: Mapping[str, tuple[Value, Value]]

    @property
    def ref(self) -> Ref:
        return Ref(self.table, self.name)

    def refs(self) -> Iterable[Ref]:
        yield self.ref
        for _, new in self.changes.values():
            yield from _refs(new)


class Delete(NamedTuple):
    """A row goes: by itself, or out of the columns that keep it alive. `children` of ours go with it.

    `was` is by what it was known to be ours.
    """

    table: str
    name: str
    owner: Owner
    reason: str
    parents: tuple[tuple[Ref, str], ...] = ()
    children: int = 0
    was: Mapping[str, Value] = _NOTHING

    @property
    def ref(self) -> Ref:
        return Ref(self.table, self.name)

    def refs(self) -> Iterable[Ref]:
        yield self.ref


class AddElement(NamedTuple):
    """An element comes into a set column, or a pair into a map column, of a row that may be somebody else's."""

    table: str
    name: str
    owner: Owner
    reason: str
    column: str
    element: Element

    @property
    def ref(self) -> Ref:
        return Ref(self.table, self.name)

    def refs(self) -> Iterable[Ref]:
        yield self.ref
        yield from _refs(self.element)


class RemoveElement(NamedTuple):
    """An element goes out of a set column, or a key (with its value) out of a map column."""

    table: str
    name: str
    owner: Owner
    reason: str
    column: str
    element: Element

    @property
    def ref(self) -> Ref:
        return Ref(self.table, self.name)

    def refs(self) -> Iterable[Ref]:
        yield self.ref


Edit = Insert | Update | Delete | AddElement | RemoveElement


@dataclass(frozen=True, slots=True)
class Plan:
    """The edits that turn the actual rows of some owners into what they want, in the order in which they are made.

    Rows are named by their Ref everywhere; `uuids` has the UUID of each that exists.
    """

    owners: frozenset[Owner] = frozenset()
    operations: tuple[Edit, ...] = ()
    problems: Mapping[Owner, tuple[Problem, ...]] = field(default_factory=dict)
    waiting: Mapping[Ref, frozenset[Owner]] = field(default_factory=dict)
    """Who must be planned again when the row appears; all else of theirs is in the plan."""
    uuids: Mapping[Ref, str] = field(default_factory=dict)

    @property
    def is_empty(self) -> bool:
        """Whether the database is as the owners want it, as far as it can be now."""
        return not self.operations

    @property
    def deleted_rows(self) -> int:
        """How many rows go, with what goes along."""
        return sum(1 + edit.children for edit in self.operations if isinstance(edit, Delete))

    def restricted(self, owners: frozenset[Owner], uuids: Mapping[Ref, str]) -> tuple[Plan, frozenset[Owner]]:
        """The part of some owners that can be written without the others, and those of them who must wait.

        An owner waits as a whole when it refers to a row that another one inserts; `uuids` are rows written meanwhile.
        """
        known = {**self.uuids, **uuids}
        chosen = owners
        while True:
            edits = [edit for edit in self.operations if edit.owner in chosen]
            coming = {edit.ref for edit in edits if isinstance(edit, Insert)}
            lost = {edit.owner for edit in edits if any(ref not in known and ref not in coming for ref in edit.refs())}
            if not lost:
                break
            chosen -= lost
        part = replace(self, owners=chosen, operations=tuple(edits), uuids=known)
        return part, owners - chosen


def _refs(value: object) -> Iterable[Ref]:
    if isinstance(value, Ref):
        yield value
    elif isinstance(value, frozenset):
        for element in value:
            if isinstance(element, Ref):
                yield element


def renamed(value: Any, name: Callable[[Ref], Any]) -> Any:
    """The value with every Ref in it replaced."""
    if isinstance(value, Ref):
        return name(value)
    if isinstance(value, frozenset):
        return frozenset(name(element) if isinstance(element, Ref) else element for element in value)
    return value
