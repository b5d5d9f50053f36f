"""The rows of a database as a verdict reads them: by table, with the elements that others put into their sets."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from ovnloom.intent import Member, Owner, Ref, Row
from ovnloom.northbound.wanted import Wanted, split

Owned = tuple[Owner | None, Row]
_NO_ROWS: list[Owned] = []
_NO_ELEMENTS: Mapping[Any, Any] = {}


class Contents:
    """Rows by table and, by row and column, what was put into a set or map from elsewhere."""

    def __init__(self, rows: Iterable[Owned], members: Iterable[Member] = ()) -> None:
        self._tables: dict[str, list[Owned]] = {}
        self._elements: dict[tuple[Ref, str], dict[Any, Any]] = {}
        for owned in rows:
            self._tables.setdefault(owned[1].table, []).append(owned)
        for member in members:
            key, value = split(member.element)
            self._elements.setdefault((member.target, member.column), {})[key] = value

    @classmethod
    def of(cls, wanted: Wanted) -> Contents:
        """What a pipeline wants."""
        found = cls(wanted.all_rows())
        for target, column in wanted.places():
            keys = wanted.elements(target, column)
            found._elements[target, column] = {key: wanted.value(target, column, key) for key in keys}
        return found

    def table(self, name: str) -> list[Owned]:
        """All rows of a table."""
        return self._tables.get(name, _NO_ROWS)

    def elements(self, row: Row, column: str) -> Collection[Any]:
        """What is in a set column."""
        own = row.columns.get(column)
        there = self._elements.get((row.ref, column), _NO_ELEMENTS)
        if not own:
            return there.keys()
        return {*own, *there} if isinstance(own, Iterable) else {own}

    def pairs(self, row: Row, column: str) -> Mapping[str, str]:
        """What is in a map column."""
        return {**mapping(row, column), **self._elements.get((row.ref, column), _NO_ELEMENTS)}


def mapping(row: Row, column: str) -> Mapping[str, str]:
    """A map column of the row itself."""
    found = row.columns.get(column)
    return found if isinstance(found, Mapping) else {}


def texts(row: Row, column: str) -> list[str]:
    """A set column of the row itself, sorted."""
    found = row.columns.get(column)
    return (
        sorted(map(str, found)) if isinstance(found, (frozenset, set, tuple, list)) else [str(found)] if found else []
    )
