"""The indexes of a mirror: rows by identity, by owner, and the columns that keep a row alive."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from ovnloom.intent import Owner

OWNER = "ovnloom.io/owner"
"""Key in external_ids under which every row of ours says whose it is."""


class Place(NamedTuple):
    """Where a row is: its table and its UUID."""

    table: str
    uuid: str


class Link(NamedTuple):
    """The set column of another row that keeps a row alive."""

    table: str
    uuid: str
    column: str


class Names:
    """UUIDs by table and identity. Nearly always one; OVN lets two switches have the same name."""

    def __init__(self) -> None:
        self._uuids: dict[str, dict[str, str | tuple[str, ...]]] = {}

    def add(self, table: str, name: str, uuid: str) -> None:
        names = self._uuids.setdefault(table, {})
        found = names.get(name)
        names[name] = uuid if found is None else (*_uuids(found), uuid)

    def remove(self, table: str, name: str, uuid: str) -> None:
        names = self._uuids[table]
        left = tuple(other for other in _uuids(names[name]) if other != uuid)
        if not left:
            del names[name]
        else:
            names[name] = left if len(left) > 1 else left[0]

    def get(self, table: str, name: str) -> tuple[str, ...]:
        names = self._uuids.get(table)
        found = None if names is None else names.get(name)
        return () if found is None else _uuids(found)


def _uuids(found: str | tuple[str, ...]) -> tuple[str, ...]:
    return (found,) if isinstance(found, str) else found


class Owned:
    """Rows by the owner that they carry."""

    def __init__(self) -> None:
        self._places: dict[str, Place | dict[Place, None]] = {}
        self.rows = 0

    def add(self, owner: str, place: Place) -> None:
        found = self._places.get(owner)
        if found is None:
            self._places[owner] = place
        elif isinstance(found, Place):
            self._places[owner] = {found: None, place: None}
        else:
            found[place] = None
        self.rows += 1

    def remove(self, owner: str, place: Place) -> None:
        found = self._places[owner]
        if isinstance(found, dict):
            del found[place]
        if isinstance(found, Place) or not found:
            del self._places[owner]
        self.rows -= 1

    def get(self, owner: str) -> tuple[Place, ...]:
        found = self._places.get(owner)
        if found is None:
            return ()
        return (found,) if isinstance(found, Place) else tuple(found)

    def owners(self) -> Iterator[Owner]:
        for text in self._places:
            owner = Owner.parse(text)
            if owner is not None:
                yield owner


class Links:
    """For each row the columns that keep it alive; all ports of a switch share one Link."""

    def __init__(self) -> None:
        self._links: dict[str, Link | tuple[Link, ...]] = {}
        self._shared: dict[Link, Link] = {}

    def add(self, child: str, link: Link) -> None:
        link = self._shared.setdefault(link, link)
        found = self._links.get(child)
        self._links[child] = link if found is None else (*_links(found), link)

    def remove(self, child: str, link: Link) -> None:
        left = tuple(other for other in self.get(child) if other != link)
        if left:
            self._links[child] = left if len(left) > 1 else left[0]
        else:
            self._links.pop(child, None)

    def forget(self, link: Link) -> None:
        """The row of the column is gone."""
        self._shared.pop(link, None)

    def get(self, child: str) -> tuple[Link, ...]:
        found = self._links.get(child)
        return () if found is None else _links(found)


def _links(found: Link | tuple[Link, ...]) -> tuple[Link, ...]:
    return (found,) if isinstance(found, Link) else found
