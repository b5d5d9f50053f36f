"""What the northbound database says now, as values with indexes: by identity, by owner, by parent."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from ovnloom.intent import Owner, Ref
from ovnloom.northbound.change import Change, Touched
from ovnloom.northbound.index import OWNER, Link, Links, Names, Owned, Place
from ovnloom.northbound.shape import Form, Shape, Stored, is_child_column, patch, patched
from ovnloom.ovn import names
from ovnloom.ovn.column import Column, Table
from ovnloom.ovn.identity import identity

VENDOR = "vendor"
KUBE_OVN = "kube-ovn"

Columns = dict[str, Stored]
_NO_IDS: Mapping[str, str] = {}


@dataclass(slots=True)
class _Batch:
    """What one `apply` learns on its way, to be settled when the last change is in."""

    touched: Touched = field(default_factory=Touched)
    gone: dict[str, Ref] = field(default_factory=dict)
    moved: dict[str, str] = field(default_factory=dict)
    """Table by UUID of the rows that have another parent, or one with another name."""
    diffs: list[tuple[Place, Column, Iterable[str]]] = field(default_factory=list)


class Mirror:
    """A copy of the database that costs per change what the change is worth, whatever the size of the sets.

    A row holds the columns that differ from their default; what is handed out must not be changed.
    """

    def __init__(self, shape: Shape | None = None) -> None:
        self.shape = shape or Shape()
        self._reset()

    def _reset(self) -> None:
        self._forms = {name: Form.of(table) for name, table in self.shape.tables.items()}
        self._rows: dict[str, dict[str, Columns]] = {table: {} for table in self.shape.tables}
        self._names = Names()
        self._given: dict[str, str] = {}  # identity by UUID, of rows whose identity contains their parent's
        self._links = Links()
        self._owned = Owned()

    @property
    def owned_rows(self) -> int:
        """How many rows carry an owner of ours."""
        return self._owned.rows

    def columns(self, table: str) -> Mapping[str, Column]:
        """The columns of a table that both we and the database know; empty for a table that it lacks."""
        found = self.shape.tables.get(table)
        return found.columns if found else {}

    def form(self, table: str) -> Form:
        """Which columns of a table the database has that say what their owner wants."""
        return self._forms[table]

    def row(self, table: str, uuid: str) -> Mapping[str, Stored] | None:
        """The columns of a row that differ from the default; None when it isn't there."""
        return self._rows.get(table, {}).get(uuid)

    def value(self, table: str, uuid: str, column: str) -> Stored:
        """One column of a row, its default when it was never written or the row is gone."""
        row = self._rows[table].get(uuid, {})
        return row[column] if column in row else self.shape.tables[table].columns[column].default

    def external_ids(self, table: str, uuid: str) -> Mapping[str, str]:
        """The external_ids of a row, empty for tables without."""
        found: Mapping[str, str] = self._rows[table].get(uuid, {}).get("external_ids", _NO_IDS)
        return found

    def owner(self, table: str, uuid: str) -> Owner | None:
        """Whose row it is, or None when it isn't ours."""
        found = _owner_in(self.shape.tables[table], self._rows[table].get(uuid, {}))
        return Owner.parse(found) if found else None

    def is_kube_ovns(self, table: str, uuid: str) -> bool:
        """Whether an earlier kube-ovn marked the row as its own."""
        return self.external_ids(table, uuid).get(VENDOR) == KUBE_OVN

    def all(self, ref: Ref) -> tuple[str, ...]:
        """The UUIDs of all rows with this identity."""
        found = self._names.get(ref.table, ref.name)
        if not found and ref.name in self._rows.get(ref.table, {}):
            return (ref.name,)
        return found

    def find(self, ref: Ref) -> str | None:
        """The UUID of the row; of several with one name ours, or else the one that a kube-ovn wrote."""
        found = self.all(ref)
        if len(found) < 2:
            return found[0] if found else None
        return min(found, key=lambda uuid: (self._strangeness(ref.table, uuid), uuid))

    def _strangeness(self, table: str, uuid: str) -> int:
        if self.owner(table, uuid) is not None:
            return 0
        return 1 if self.is_kube_ovns(table, uuid) else 2

    def name(self, table: str, uuid: str) -> str | None:
        """The identity of a row; None when it isn't there."""
        columns = self._rows.get(table, {}).get(uuid)
        if columns is None:
            return None
        found = self.shape.tables[table]
        return self._given.get(uuid) if _is_named_by_parent(found) else identity(table, columns)

    def ref(self, table: str, uuid: str) -> Ref:
        """How to name a row: by its identity, or by its UUID when another row is first to have that identity."""
        name = self.name(table, uuid)
        if name is not None and self.find(Ref(table, name)) == uuid:
            return Ref(table, name)
        return Ref(table, uuid)

    def owned(self, owner: Owner) -> tuple[Place, ...]:
        """The rows that carry this owner."""
        return self._owned.get(str(owner))

    def owners(self) -> Iterator[Owner]:
        """Everybody who has a row, those whom no intent knows any more included."""
        return self._owned.owners()

    def links(self, uuid: str) -> tuple[Link, ...]:
        """The columns that keep a row alive: normally one."""
        return self._links.get(uuid)

    def children(self, table: str, uuid: str) -> Iterator[Place]:
        """The rows that go when this one goes, without theirs."""
        columns = self._rows.get(table, {}).get(uuid, {})
        for name, children in columns.items():
            column = self.shape.tables[table].columns[name]
            if is_child_column(column) and column.refers:
                for child in children:
                    yield Place(column.refers, child)

    def places(self) -> Iterator[Place]:
        """Every row."""
        for table, rows in self._rows.items():
            for uuid in rows:
                yield Place(table, uuid)

    def apply(self, changes: Iterable[Change]) -> Touched:
        """The mirror says what the database says after these changes; the answer is whom they touch.

        The sets and dicts of an insert are the mirror's from here on.
        """
        batch = _Batch()
        for change in changes:
            match change.kind:
                case "reset":
                    batch.touched.owners.update(self.owners())
                    batch.touched.was_reset = True
                    self.shape = change.shape or self.shape
                    self._reset()
                case "delete":
                    self._delete(change, batch)
                case "insert":
                    self._insert(change, batch)
                case "modify":
                    self._modify(change, batch)
        for uuid, table in batch.moved.items():
            self._move(table, uuid, batch.touched)
        for place, column, elements in batch.diffs:
            self._name_elements(place, column, elements, batch)
        return batch.touched

    def _insert(self, change: Change, batch: _Batch) -> None:
        table = self.shape.tables.get(change.table)
        if table is None:
            return
        self._delete(change, batch)
        columns = {name: value for name, value in change.columns.items() if name in table.columns}
        self._rows[change.table][change.uuid] = columns
        self._enter(table, change.uuid, columns, batch)
        for name in table.columns.keys() & columns.keys():
            if is_child_column(table.columns[name]):
                self._relink(change, table.columns[name], columns[name], frozenset(), batch)

    def _delete(self, change: Change, batch: _Batch) -> None:
        columns = self._rows.get(change.table, {}).get(change.uuid)
        if columns is None:
            return
        table = self.shape.tables[change.table]
        batch.gone[change.uuid] = self.ref(change.table, change.uuid)
        self._leave(table, change.uuid, columns, batch)
        for name in table.columns.keys() & columns.keys():
            if is_child_column(table.columns[name]):
                self._relink(change, table.columns[name], frozenset(), columns[name], batch)
                self._links.forget(Link(change.table, change.uuid, name))
        del self._rows[change.table][change.uuid]

    def _modify(self, change: Change, batch: _Batch) -> None:
        columns = self._rows.get(change.table, {}).get(change.uuid)
        if columns is None:
            return
        table = self.shape.tables[change.table]
        alone: dict[str, Stored] = {}
        for name in table.columns.keys() & change.columns.keys():
            column, diff = table.columns[name], change.columns[name]
            if is_child_column(column):
                old = columns.setdefault(name, set())
                came, went = diff - old, diff & old
                old ^= diff
                self._relink(change, column, came, went, batch)
            elif column.kind == "set":
                columns.setdefault(name, set()).symmetric_difference_update(diff)
                batch.diffs.append((Place(change.table, change.uuid), column, diff))
            elif column.kind == "map" and name != "external_ids":
                patch(columns.setdefault(name, {}), diff)
                batch.diffs.append((Place(change.table, change.uuid), column, diff))
            else:
                alone[name] = patched(columns.get(name, {}), diff) if column.kind == "map" else diff
        if alone:
            self._leave(table, change.uuid, columns, batch)
            columns.update(alone)
            self._enter(table, change.uuid, columns, batch)
            for child in self.children(change.table, change.uuid) if "name" in alone else ():
                batch.moved[child.uuid] = child.table

    def _enter(self, table: Table, uuid: str, columns: Columns, batch: _Batch) -> None:
        """The row is in the indexes by what it says itself."""
        owner = _owner_in(table, columns)
        if owner is not None:
            self._owned.add(owner, Place(table.name, uuid))
            self._touch(owner, batch.touched)
        if _is_named_by_parent(table):
            batch.moved[uuid] = table.name
            return
        name = identity(table.name, columns)
        self._names.add(table.name, name, uuid)
        batch.touched.appeared.add(Ref(table.name, name))
        batch.touched.freed.discard(Ref(table.name, name))

    def _leave(self, table: Table, uuid: str, columns: Columns, batch: _Batch) -> None:
        owner = _owner_in(table, columns)
        if owner is not None:
            self._owned.remove(owner, Place(table.name, uuid))
            self._touch(owner, batch.touched)
        if not _is_named_by_parent(table):
            name = identity(table.name, columns)
            self._names.remove(table.name, name, uuid)
            if owner is None:
                batch.touched.freed.add(Ref(table.name, name))
        elif uuid in self._given:
            self._names.remove(table.name, self._given.pop(uuid), uuid)

    def _relink(self, change: Change, column: Column, came: Iterable[str], went: Iterable[str], batch: _Batch) -> None:
        link = Link(change.table, change.uuid, column.name)
        child = column.refers or ""
        for uuid in went:
            self._links.remove(uuid, link)
            batch.moved[uuid] = child
        for uuid in came:
            self._links.add(uuid, link)
            batch.moved[uuid] = child

    def _move(self, table: str, uuid: str, touched: Touched) -> None:
        """The row has the identity that follows from its parent."""
        columns = self._rows.get(table, {}).get(uuid)
        if columns is None:
            return
        owner = columns.get("external_ids", _NO_IDS).get(OWNER)
        if owner is not None:
            self._touch(owner, touched)
        if not _is_named_by_parent(self.shape.tables[table]):
            return
        if uuid in self._given:
            self._names.remove(table, self._given.pop(uuid), uuid)
        for link in self.links(uuid)[:1]:
            name = identity(table, columns, self.name(link.table, link.uuid) or "", link.table)
            self._given[uuid] = name
            self._names.add(table, name, uuid)
            touched.appeared.add(Ref(table, name))

    def _name_elements(self, place: Place, column: Column, elements: Iterable[str], batch: _Batch) -> None:
        if self.row(*place) is None:
            return
        keys = batch.touched.elements.setdefault((self.ref(*place), column.name), set())
        if column.refers is None:
            keys.update(elements)
            return
        keys.update(batch.gone.get(uuid) or self.ref(column.refers, uuid) for uuid in elements)

    def _touch(self, owner: str, touched: Touched) -> None:
        found = Owner.parse(owner)
        if found is not None:
            touched.owners.add(found)


def _owner_in(table: Table, columns: Columns) -> str | None:
    """The owner that a row carries; where there are no external_ids and no parent, its name says it."""
    if table.has_external_ids:
        found: str | None = columns.get("external_ids", _NO_IDS).get(OWNER)
        return found
    return names.owner_in(columns.get("name", "")) if table.is_root else None


def _is_named_by_parent(table: Table) -> bool:
    return table.unnamed and bool(table.parents)
