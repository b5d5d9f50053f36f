"""A northbound database in a dict: what ovsdb-server does with our operations, for tests that need thousands of plans.

The tests with a real server (test_server.py) hold it to the truth.
"""

import copy
import uuid
from collections.abc import Iterable, Mapping
from typing import Any

from ovnloom.intent import Intent, Owner
from ovnloom.northbound.change import Change
from ovnloom.northbound.edits import Plan
from ovnloom.northbound.mirror import Mirror
from ovnloom.northbound.operations import Written
from ovnloom.northbound.plan import plan
from ovnloom.northbound.shape import read
from ovnloom.northbound.wanted import Wanted
from ovnloom.ovn.schema import TABLES

Rows = dict[str, dict[str, dict[str, Any]]]


class Database:
    """Rows by table and UUID; `transact` answers the changes that a monitor would report."""

    def __init__(self) -> None:
        self.rows: Rows = {table: {} for table in TABLES}

    def insert(
        self, table: str, parent: tuple[str, str, str] | None = None, **columns: Any
    ) -> tuple[str, list[Change]]:
        """A row that somebody else wrote; `parent` is table, UUID and column. Values are as the mirror has them."""
        before = copy.deepcopy(self.rows)
        new = str(uuid.uuid4())
        self.rows[table][new] = dict(columns)
        if parent:
            self.rows[parent[0]][parent[1]].setdefault(parent[2], set()).add(new)
        return new, self._settle(before)

    def edit(self, table: str, row: str, **columns: Any) -> list[Change]:
        """Somebody else changed columns of a row."""
        before = copy.deepcopy(self.rows)
        self.rows[table][row].update(columns)
        return self._settle(before)

    def delete(self, table: str, row: str) -> list[Change]:
        """Somebody else deleted a row."""
        before = copy.deepcopy(self.rows)
        del self.rows[table][row]
        for other in self.rows.values():
            for columns in other.values():
                for value in columns.values():
                    if isinstance(value, set):
                        value.discard(row)
        return self._settle(before)

    def transact(self, operations: Iterable[dict[str, Any]]) -> list[Change]:
        """All operations take effect; AssertionError when a wait fails."""
        before = copy.deepcopy(self.rows)
        operations = list(operations)
        named = {op["uuid-name"]: str(uuid.uuid4()) for op in operations if op["op"] == "insert"}
        for op in operations:
            self._operate(op, named)
        return self._settle(before)

    def _operate(self, op: dict[str, Any], named: Mapping[str, str]) -> None:
        rows = self.rows[op["table"]]
        known = TABLES[op["table"]].columns
        if op["op"] == "insert":
            rows[named[op["uuid-name"]]] = {k: _read(known[k], v, named) for k, v in op["row"].items()}
            return
        ((_, _, where),) = op["where"]
        row = rows.get(named.get(where[1], where[1]))
        if row is None:
            return
        match op["op"]:
            case "wait":
                for name, value in op["rows"][0].items():
                    assert row.get(name, known[name].default) == _read(known[name], value, named)
            case "update":
                row.update({name: _read(known[name], value, named) for name, value in op["row"].items()})
            case "delete":
                del rows[named.get(where[1], where[1])]
            case "mutate":
                ((name, mutator, json),) = op["mutations"]
                value = _read(known[name], json, named)
                _mutate(row.setdefault(name, type(value)()), mutator, value)

    def _settle(self, before: Rows) -> list[Change]:
        """Rows that nothing keeps alive go, references to rows that went are emptied (RFC 7047, 3.2 and 5.1)."""
        while self._collect():
            pass
        self._names_are_unique()
        return list(differences(before, self.rows))

    def _collect(self) -> bool:
        alive = {
            child
            for table, rows in self.rows.items()
            for columns in rows.values()
            for name, value in columns.items()
            if TABLES[table].columns[name].strength == "strong" and value
            for child in (value if isinstance(value, set) else [value])
        }
        dead = [
            (table, row)
            for table, rows in self.rows.items()
            if TABLES[table].parents
            for row in rows
            if row not in alive
        ]
        for table, row in dead:
            del self.rows[table][row]
        every = {row for rows in self.rows.values() for row in rows}
        for table, rows in self.rows.items():
            for columns in rows.values():
                for name, value in columns.items():
                    column = TABLES[table].columns[name]
                    if column.refers and isinstance(value, set):
                        value &= every
                    elif column.refers and value not in every:
                        columns[name] = None
        return bool(dead)

    def _names_are_unique(self) -> None:
        for table in ("Logical_Switch_Port", "Logical_Router_Port", "Port_Group", "Address_Set"):
            names = [columns["name"] for columns in self.rows[table].values()]
            assert len(names) == len(set(names)), f"two rows of {table} have one name"


def _mutate(old: Any, mutator: str, value: Any) -> None:
    if isinstance(value, set):
        old.update(value) if mutator == "insert" else old.difference_update(value)
        return
    for key, text in value.items():
        if mutator == "insert":
            old.setdefault(key, text)
        elif old.get(key) == text:
            del old[key]


def _read(column: Any, json: Any, named: Mapping[str, str]) -> Any:
    value = read(column, json)
    if isinstance(value, set):
        return {named.get(element, element) for element in value}
    return named.get(value, value) if isinstance(value, str) else value


def differences(before: Rows, after: Rows) -> Iterable[Change]:
    for table in after:
        for row in before[table].keys() - after[table].keys():
            yield Change("delete", table, row)
        for row in after[table].keys() - before[table].keys():
            yield Change("insert", table, row, copy.deepcopy(after[table][row]))
        for row in after[table].keys() & before[table].keys():
            diff = dict(_columns(table, before[table][row], after[table][row]))
            if diff:
                yield Change("modify", table, row, diff)


def _columns(table: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterable[tuple[str, Any]]:
    for name in before.keys() | after.keys():
        column = TABLES[table].columns[name]
        old, new = before.get(name, column.default), after.get(name, column.default)
        if old == new:
            continue
        if column.kind == "set":
            yield name, set(old) ^ set(new)
        elif column.kind == "map":
            yield (
                name,
                {key: new.get(key, old.get(key)) for key in old.keys() | new.keys() if old.get(key) != new.get(key)},
            )
        else:
            yield name, new


class Room:
    """A database, its mirror and what is wanted of it, as the controller has them."""

    def __init__(self) -> None:
        self.database = Database()
        self.mirror = Mirror()
        self.wanted = Wanted()

    def want(self, owner: Owner, intent: Intent) -> Plan:
        """The owner wants this from now on, and the database has it."""
        again = self.wanted.replace(owner, intent)
        return self.run({owner} | again)

    def run(self, owners: Iterable[Owner]) -> Plan:
        """The plan of the owners, after it was written."""
        found = plan(owners, self.wanted, self.mirror)
        self.write(found)
        return found

    def write(self, found: Plan) -> None:
        """A plan is written, and whoever it touches finds nothing more to do."""
        touched = self.mirror.apply(self.database.transact(Written(found).operations))
        for owner in found.owners:
            self.wanted.settled(owner)
        waited = {owner for ref in touched.appeared for owner in found.waiting.get(ref, ())}
        if waited:
            self.run(waited)

    def see(self, changes: list[Change]) -> Plan:
        """Somebody else changed the database; the plan that undoes what mustn't be."""
        touched = self.mirror.apply(changes)
        return plan(touched.owners, self.wanted, self.mirror, touched.elements)

    def everything(self) -> Plan:
        """The plan of everybody who wants or has anything."""
        return plan({*self.wanted.owners(), *self.mirror.owners()}, self.wanted, self.mirror)
