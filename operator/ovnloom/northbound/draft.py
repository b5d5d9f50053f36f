"""A plan while it is being made: what is known of rows that come, and what has been decided."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ovnloom.intent import Element, Owner, Problem, Ref, Row
from ovnloom.northbound.edits import AddElement, Delete, Edit, Insert, Plan, RemoveElement, Update
from ovnloom.northbound.index import Place
from ovnloom.northbound.mirror import Mirror
from ovnloom.northbound.shape import Stored
from ovnloom.northbound.wanted import Wanted, split
from ovnloom.ovn.column import Column


class Draft:
    """Collects the edits of one plan, and answers which rows there will be after it."""

    def __init__(self, owners: frozenset[Owner], wanted: Wanted, mirror: Mirror) -> None:
        self.owners = owners
        self.wanted = wanted
        self.mirror = mirror
        self.matched: dict[Ref, str] = {}
        """UUID of every row that a planned owner wants and that is there."""
        self.taken: set[str] = set()
        """The same UUIDs: rows that no planned owner may delete."""
        self.orphans: dict[str, tuple[Place, Owner, str]] = {}
        """By UUID the rows that are wanted in a parent that nobody wants, by whom, and why they go."""
        self.inserts: dict[Ref, Insert] = {}
        self.updates: list[Update] = []
        self.deletes: list[Delete] = []
        self._elements: dict[tuple[Ref, str, str | int | Ref], list[AddElement | RemoveElement]] = {}
        self._uuids: dict[Ref, str] = {}
        self._staying: dict[Ref, bool] = {}
        self._waiting: dict[Ref, set[Owner]] = {}
        self._problems: dict[Owner, dict[Problem, None]] = {}

    def match(self, ref: Ref, uuid: str) -> None:
        """The wanted row is there; no planned owner deletes it."""
        self.matched[ref] = uuid
        self.taken.add(uuid)
        self._uuids[ref] = uuid

    def orphan(self, ref: Ref, owner: Owner, why: str) -> None:
        """A wanted row that was matched has nowhere to hang, and goes if it is ours."""
        uuid = self.matched.pop(ref)
        self.taken.discard(uuid)
        if self.mirror.owner(ref.table, uuid) is not None:
            self.orphans[uuid] = (Place(ref.table, uuid), owner, why)

    def uuid(self, ref: Ref) -> str | None:
        """The UUID of a row that is there; the plan remembers it."""
        found = self._uuids.get(ref)
        if found is None and ref not in self.inserts:
            found = self.mirror.find(ref)
            if found is not None:
                self._uuids[ref] = found
        return found

    def name(self, table: str, uuid: str) -> Ref:
        """The name of a row that is there, for the plan."""
        ref = self.mirror.ref(table, uuid)
        if self._uuids.setdefault(ref, uuid) != uuid:
            ref = Ref(table, uuid)
            self._uuids[ref] = uuid
        return ref

    def exists(self, ref: Ref) -> bool:
        """Whether the row is there after this plan."""
        return ref in self.inserts or self.uuid(ref) not in (None, *self.orphans)

    def stays(self, ref: Ref) -> bool:
        """Whether something may be put into the row: it is there or comes, and doesn't go because nobody wants it."""
        if ref in self.matched or ref in self.inserts:
            return True
        found = self._staying.get(ref)
        if found is None:  # a group of many ports is asked about for each of them
            found = self._staying[ref] = self._stays_unplanned(ref)
        return found

    def _stays_unplanned(self, ref: Ref) -> bool:
        uuid = self.uuid(ref)
        if uuid is None:
            return False
        owner = self.mirror.owner(ref.table, uuid)
        if owner is None or self.wanted.is_held(owner):
            return True
        return self.wanted.owner_of(ref) is not None

    def may_hold_rows(self, ref: Ref) -> bool:
        """Whether rows of ours may hang in this one: it is ours, or a kube-ovn made it."""
        if not self.stays(ref):
            return False
        uuid = self.uuid(ref)
        if uuid is None or ref in self.matched:
            return True
        return self.mirror.owner(ref.table, uuid) is not None or self.mirror.is_kube_ovns(ref.table, uuid)

    def stored(self, value: Any) -> Stored:
        """A wanted value as the mirror would have it; a row that comes stays a Ref, which no UUID equals."""
        if isinstance(value, Ref):
            return self.uuid(value) or value
        if isinstance(value, frozenset) and any(isinstance(element, Ref) for element in value):
            return {self.stored(element) for element in value}
        return value

    def symbolic(self, column: Column, stored: Stored) -> Any:
        """A value of the mirror with rows by name, as intents have it."""
        if column.kind == "set":
            return frozenset(self.symbol(column, element) for element in stored)
        if column.kind == "map":
            return dict(stored)
        return stored if stored is None else self.symbol(column, stored)

    def symbol(self, column: Column, element: Any) -> Any:
        """An element of the mirror by its name."""
        return element if column.refers is None else self.name(column.refers, element)

    def wait(self, ref: Ref, owner: Owner) -> None:
        """The owner must be planned again when the row appears."""
        self._waiting.setdefault(ref, set()).add(owner)

    def complain(self, owner: Owner, reason: str, message: str) -> None:
        """The owner's user is told a problem."""
        self._problems.setdefault(owner, {})[Problem(reason, message)] = None

    def add(self, target: Ref, column: str, element: Element, owner: Owner, reason: str) -> None:
        """The element comes into the column, once."""
        self._element(AddElement(*target, owner, reason, column, element))

    def remove(self, target: Ref, column: str, element: Element, owner: Owner, reason: str) -> None:
        """The element goes out of the column, once."""
        self._element(RemoveElement(*target, owner, reason, column, element))

    def _element(self, edit: AddElement | RemoveElement) -> None:
        edits = self._elements.setdefault((edit.ref, edit.column, split(edit.element)[0]), [])
        if not any(type(other) is type(edit) for other in edits):
            edits.append(edit)

    def plan(self) -> Plan:
        """The finished plan. Sorted, so that equal inputs make equal plans; within an owner by table and name."""
        elements = [edit for edits in self._elements.values() for edit in edits]
        removals = [edit for edit in elements if isinstance(edit, RemoveElement)]
        additions = [edit for edit in elements if isinstance(edit, AddElement)]
        # A map's key must go before it comes with another value; a row that moves must not be without parent
        # only at the end of the transaction.
        edits: list[Edit] = [*self.inserts.values()]
        for group in (self.updates, removals, additions, self.deletes):
            edits.extend(sorted(group, key=_order))
        return Plan(
            self.owners.union(edit.owner for edit in edits),  # and those whose elements somebody else changed
            tuple(edits),
            {owner: tuple(problems) for owner, problems in self._problems.items()},
            {ref: frozenset(owners) for ref, owners in self._waiting.items()},
            self._uuids,
        )


def _order(edit: Edit) -> tuple[object, ...]:
    element = split(edit.element)[0] if isinstance(edit, AddElement | RemoveElement) else ""
    return edit.owner, edit.table, edit.name, str(element)


def row_of(wanted: Wanted, ref: Ref) -> Row | None:
    """The row by this name as its owner wants it."""
    owner = wanted.owner_of(ref)
    rows: Iterable[Row] = () if owner is None else wanted.rows(owner)
    return next((row for row in rows if row.table == ref.table and row.name == ref.name), None)
