"""The tables and indexes: every change says which facts changed."""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Iterable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from ovnloom.api.configmap import ConfigMap
from ovnloom.api.meta import Key
from ovnloom.world.catalog import CATALOGS, DERIVED, Catalog
from ovnloom.world.fact import Fact
from ovnloom.world.made import Made
from ovnloom.world.moments import MOMENTS
from ovnloom.world.tables import TABLES

T = TypeVar("T")
KINDS: tuple[type, ...] = (*(table.type for table in TABLES), ConfigMap, *MOMENTS, *DERIVED, Made)


@dataclass(frozen=True, eq=False)
class Index(Generic[T]):
    """The keys of a table's objects by a value that each of them has; an object may have several."""

    name: str
    type: type[T]
    values: Callable[[T], Iterable[Hashable]]
    order: Callable[[T], Any] = lambda found: found.key  # type: ignore[attr-defined] # every object has one

    def in_order(self, found: list[T]) -> list[T]:
        """The objects in the order that is part of the index's meaning."""
        return sorted(found, key=self.order) if len(found) > 1 else found


class World:
    """What the API server said last. `put` is the only way in; `take_changed` tells what changed since it was asked."""

    def __init__(self, indexes: Iterable[Index[Any]], catalogs: Iterable[Catalog] = CATALOGS) -> None:
        self.tables: dict[type, dict[Key, Any]] = {kind: {} for kind in KINDS}
        self._indexes: dict[type, list[Index[Any]]] = {kind: [] for kind in KINDS}
        self._members: dict[Index[Any], dict[Hashable, set[Key]]] = {}
        self._changed: dict[Fact, None] = {}
        for index in indexes:
            self._indexes[index.type].append(index)
            self._members[index] = {}
        self._catalogs: dict[type, list[Catalog]] = {kind: [] for kind in KINDS}
        for catalog in catalogs:
            self._catalogs[catalog.source].append(catalog)
        self._mentions: dict[type, dict[Key, int]] = {kind: {} for kind in DERIVED}
        self._introduced: list[tuple[type, Key]] = []

    def put(self, kind: type, key: Key, found: Any) -> bool:
        """The object is there as given, or gone (None). False when that makes no difference to anybody."""
        table = self.tables[kind]
        before = table.get(key)
        if before == found:
            if found is not None:
                table[key] = found  # what doesn't count for equality (resource version, status) is new all the same
            return False
        if found is None:
            del table[key]
        else:
            table[key] = found
        self._changed[(kind, key)] = None
        if before is None or found is None:
            self._changed[(kind, None)] = None
        for index in self._indexes[kind]:
            self._move(index, key, before, found)
        for catalog in self._catalogs[kind]:
            self._mention(catalog, before, found)
        return True

    def touch(self, fact: Fact) -> None:
        """Something outside the tables has changed that readers may have recorded under this fact."""
        self._changed[fact] = None

    def members(self, index: Index[Any], value: Hashable) -> Collection[Key]:
        """The keys that the index has under the value."""
        return self._members[index].get(value, ())

    def take_changed(self) -> list[Fact]:
        """The facts that changed since the last call, in order."""
        changed = list(self._changed)
        self._changed.clear()
        return changed

    def take_introduced(self) -> list[tuple[type, Key]]:
        """The derived objects that came since the last call."""
        found, self._introduced = self._introduced, []
        return found

    def _mention(self, catalog: Catalog, before: Any, after: Any) -> None:
        old = {value.key: value for value in catalog.values(before)} if before is not None else {}
        new = {value.key: value for value in catalog.values(after)} if after is not None else {}
        mentions = self._mentions[catalog.type]
        for key in new.keys() - old.keys():
            times = mentions.get(key, 0)
            mentions[key] = times + 1
            if not times:
                self.put(catalog.type, key, new[key])
                self._introduced.append((catalog.type, key))
        for key in old.keys() - new.keys():
            mentions[key] -= 1
            if not mentions[key]:
                del mentions[key]
                self.put(catalog.type, key, None)

    def _move(self, index: Index[Any], key: Key, before: Any, after: Any) -> None:
        old = set(index.values(before)) if before is not None else set()
        new = set(index.values(after)) if after is not None else set()
        if old == new:
            return
        members = self._members[index]
        for value in old - new:
            keys = members[value]
            keys.discard(key)
            if not keys:
                del members[value]
            self._changed[(index, value)] = None
        for value in new - old:
            members.setdefault(value, set()).add(key)
            self._changed[(index, value)] = None
