"""A plan as the operations of one OVSDB transaction (RFC 7047, 5.2)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ovnloom.intent import Element, Owner, Ref, Value
from ovnloom.northbound.edits import AddElement, Delete, Insert, Plan, RemoveElement, Update, renamed
from ovnloom.northbound.shape import is_named, write, write_element
from ovnloom.northbound.wanted import split
from ovnloom.ovn.column import Column
from ovnloom.ovn.schema import TABLES

Operation = dict[str, Any]


class Written:
    """The operations of a plan with what is needed to read the server's answer."""

    def __init__(self, plan: Plan) -> None:
        """Raises KeyError when the plan refers to a row that neither is there nor comes."""
        self.operations: list[Operation] = []
        self.owners: list[frozenset[Owner]] = []
        """For each operation those for whom it is."""
        self.inserted: dict[int, Ref] = {}
        """The rows that come, by the index of their operation."""
        inserts = [edit for edit in plan.operations if isinstance(edit, Insert)]
        self._named = {insert.ref: f"row_{number}" for number, insert in enumerate(inserts)}
        self._uuids: Mapping[Ref, str] = plan.uuids
        mutations = _Mutations()
        guards: list[tuple[Operation, Owner]] = []
        changes: list[tuple[Operation, Owner]] = []
        deletes: list[tuple[Operation, Owner]] = []
        for edit in plan.operations:
            match edit:
                case Insert():
                    if edit.parent is not None:
                        mutations.add(edit.parent, edit.column, "insert", edit.ref, edit.owner)
                    self.inserted[len(changes)] = edit.ref
                    changes.append((self._insert(edit), edit.owner))
                case Update():
                    old = {name: old for name, (old, _) in edit.changes.items()}
                    guards.append((self._guard(edit.ref, old), edit.owner))
                    changes.append((self._update(edit), edit.owner))
                case AddElement() | RemoveElement():
                    mutator = "insert" if isinstance(edit, AddElement) else "delete"
                    mutations.add(edit.ref, edit.column, mutator, edit.element, edit.owner)
                case Delete():
                    guards.append((self._guard(edit.ref, edit.was), edit.owner))
                    for parent, column in edit.parents:
                        mutations.add(parent, column, "delete", edit.ref, edit.owner)
                    if not edit.parents:
                        where = self._where(edit.ref)
                        deletes.append(({"op": "delete", "table": edit.table, "where": where}, edit.owner))
        guards = [guard for guard in guards if guard[0]["columns"]]
        self.inserted = {len(guards) + index: ref for index, ref in self.inserted.items()}
        for operation, owner in (*guards, *changes):
            self._append(operation, frozenset((owner,)))
        for place, elements in mutations.in_order():
            self._append(self._mutate(*place, list(elements)), frozenset(elements.values()))
        for operation, owner in deletes:
            self._append(operation, frozenset((owner,)))

    def suspects(self, index: int | None) -> frozenset[Owner]:
        """Whose operation it is; nobody's when it can't be told, or the whole transaction is at fault."""
        return self.owners[index] if index is not None and 0 <= index < len(self.owners) else frozenset()

    def _append(self, operation: Operation, owners: frozenset[Owner]) -> None:
        self.operations.append(operation)
        self.owners.append(owners)

    def _uuid(self, ref: Ref) -> str:
        return self._named.get(ref) or self._uuids[ref]

    def _where(self, ref: Ref) -> list[Any]:
        uuid = self._uuid(ref)
        return [["_uuid", "==", ["named-uuid" if is_named(uuid) else "uuid", uuid]]]

    def _value(self, column: Column, value: Any) -> Any:
        return write(column, renamed(value, self._uuid))

    def _insert(self, edit: Insert) -> Operation:
        known = TABLES[edit.table].columns
        row = {name: self._value(known[name], value) for name, value in sorted(edit.columns.items())}
        return {"op": "insert", "table": edit.table, "uuid-name": self._named[edit.ref], "row": row}

    def _update(self, edit: Update) -> Operation:
        known = TABLES[edit.table].columns
        row = {name: self._value(known[name], new) for name, (_, new) in sorted(edit.changes.items())}
        return {"op": "update", "table": edit.table, "where": self._where(edit.ref), "row": row}

    def _guard(self, ref: Ref, columns: Mapping[str, Value]) -> Operation:
        """The transaction fails when the row no longer says what the plan was made from: it is then made anew."""
        known = TABLES[ref.table].columns
        return {
            "op": "wait",
            "timeout": 0,
            "table": ref.table,
            "where": self._where(ref),
            "columns": sorted(columns),
            "until": "==",
            "rows": [{name: self._value(known[name], value) for name, value in sorted(columns.items())}],
        }

    def _mutate(self, ref: Ref, column: str, mutator: str, elements: list[Element]) -> Operation:
        found = TABLES[ref.table].columns[column]
        if found.kind == "map":
            value = ["map", [list(pair) for pair in sorted(split(element) for element in elements)]]
        else:
            plain = {renamed(element, self._uuid) for element in elements}
            value = ["set", [write_element(found, element) for element in sorted(plain)]]
        where = self._where(ref)
        return {"op": "mutate", "table": ref.table, "where": where, "mutations": [[column, mutator, value]]}


class _Mutations:
    """Elements by the column that they come into or leave, so that each column is written once."""

    def __init__(self) -> None:
        self._elements: dict[tuple[Ref, str, str], dict[Element, Owner]] = {}

    def add(self, ref: Ref, column: str, mutator: str, element: Element, owner: Owner) -> None:
        self._elements.setdefault((ref, column, mutator), {})[element] = owner

    def in_order(self) -> list[tuple[tuple[Ref, str, str], dict[Element, Owner]]]:
        """What leaves goes first: a map's key has to go before it gets another value."""
        return sorted(self._elements.items(), key=lambda item: item[0][2])
