"""What the database says after a plan that nobody writes, so that what comes later can be planned on top of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from ovnloom.intent import Ref
from ovnloom.northbound.change import Change
from ovnloom.northbound.edits import AddElement, Delete, Insert, Plan, RemoveElement, Update
from ovnloom.northbound.index import Place
from ovnloom.northbound.mirror import Mirror
from ovnloom.northbound.shape import Stored
from ovnloom.northbound.wanted import split


class Imagination:
    """Turns plans into the changes that the server would report, with UUIDs of its own."""

    def __init__(self, mirror: Mirror) -> None:
        self._mirror = mirror
        self._count = 0

    def changes(self, plan: Plan) -> list[Change]:
        """The changes in an order in which the mirror can take them."""
        coming: dict[Ref, str] = {}
        for edit in plan.operations:
            if isinstance(edit, Insert):
                self._count += 1
                coming[edit.ref] = f"imagined-{self._count}"
        names = _Names(plan, coming)
        made = [(edit, list(self._edit(edit, names))) for edit in plan.operations]
        gone = {change.uuid for _, changes in made for change in changes if change.kind == "delete"}
        if not gone:
            return [change for _, changes in made for change in changes]
        left = [change for edit, changes in made if not _is_of(edit, gone, names) for change in changes]
        return [*self._emptied(gone), *left]

    def _edit(self, edit: Any, names: _Names) -> Iterator[Change]:
        known = self._mirror.columns(edit.table)
        match edit:
            case Insert():
                columns = {name: names.stored(value) for name, value in edit.columns.items()}
                yield Change("insert", edit.table, names.uuid(edit.ref), columns)
                if edit.parent is not None:
                    yield _modify(edit.parent, edit.column, {names.uuid(edit.ref)}, names)
            case Update():
                differences = {
                    name: _difference(known[name].kind, names.stored(old), names.stored(new))
                    for name, (old, new) in edit.changes.items()
                }
                yield Change("modify", edit.table, names.uuid(edit.ref), differences)
            case AddElement() | RemoveElement():
                key, value = split(edit.element)
                stored = names.stored(key)
                match known[edit.column].kind:
                    case "map":
                        yield _modify(edit.ref, edit.column, {stored: value}, names)
                    case "set":
                        yield _modify(edit.ref, edit.column, {stored}, names)
                    case _:
                        yield _modify(edit.ref, edit.column, stored if isinstance(edit, AddElement) else None, names)
            case Delete():
                uuid = names.uuid(edit.ref)
                for parent, column in edit.parents:
                    yield _modify(parent, column, {uuid}, names)
                for place in self._with_children(Place(edit.table, uuid)):
                    yield Change("delete", place.table, place.uuid)

    def _with_children(self, place: Place) -> Iterator[Place]:
        for child in self._mirror.children(*place):
            yield from self._with_children(child)
        yield place

    def _emptied(self, gone: set[str]) -> Iterator[Change]:
        """References to rows that go are emptied (RFC 7047, 3.2)."""
        for place in self._mirror.places():
            if place.uuid in gone:
                continue
            row = self._mirror.row(*place) or {}
            for name, column in self._mirror.columns(place.table).items():
                if column.strength != "weak" or not row.get(name):
                    continue
                if column.kind == "set":
                    lost = row[name] & gone
                    if lost:
                        yield Change("modify", place.table, place.uuid, {name: lost})
                elif row[name] in gone:
                    yield Change("modify", place.table, place.uuid, {name: None})


def _is_of(edit: Any, gone: set[str], names: _Names) -> bool:
    """Whether the edit takes a row that goes out of a set, where nothing refers to it any more by then."""
    return isinstance(edit, RemoveElement) and isinstance(edit.element, Ref) and names.uuid(edit.element) in gone


class _Names:
    """UUIDs of rows that are there and of those that come."""

    def __init__(self, plan: Plan, coming: dict[Ref, str]) -> None:
        self._plan = plan
        self._coming = coming

    def uuid(self, ref: Ref) -> str:
        return self._coming.get(ref) or self._plan.uuids[ref]

    def stored(self, value: Any) -> Stored:
        """A value of a plan as the mirror keeps it."""
        if isinstance(value, Ref):
            return self.uuid(value)
        if isinstance(value, frozenset | set):
            return {self.stored(element) for element in value}
        if isinstance(value, dict):
            return dict(value)
        return value


def _modify(ref: Ref, column: str, difference: Stored, names: _Names) -> Change:
    return Change("modify", ref.table, names.uuid(ref), {column: difference})


def _difference(kind: str, old: Stored, new: Stored) -> Stored:
    """The difference as OVSDB's update2 sends it."""
    if kind == "set":
        return set(old) ^ set(new)
    if kind != "map":
        return new
    keys: Iterable[str] = old.keys() | new.keys()
    return {key: new.get(key, old.get(key)) for key in keys if old.get(key) != new.get(key)}
