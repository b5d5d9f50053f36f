"""The Kubernetes objects that owners need, held against those that are there: what to apply and what to remove.

As with rows: an Intent names what must exist, this says what is missing, differs or isn't wanted any more, and
somebody else writes it. An object that we didn't make is never changed, whatever its name.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from hashlib import sha256
from typing import Any, NamedTuple

from ovnloom.api.meta import Key
from ovnloom.intent import Intent, Manifest, Owner, Problem
from ovnloom.world.made import DIGEST, OWNER, OWNER_KIND, SELF, SHARED, Made
from ovnloom.world.tables import BY_KIND, TABLES, Table
from ovnloom.world.world import World

KINDS = {table.kind: table for table in TABLES}


class Apply(NamedTuple):
    """The object is as the body says. `uid` is that of the one that is there, empty when there is none yet."""

    owner: Owner
    table: Table
    key: Key
    body: Mapping[str, Any]
    uid: str
    reason: str


class Remove(NamedTuple):
    """The object goes, if it is still the one with this uid."""

    owner: Owner | None
    table: Table
    key: Key
    uid: str
    reason: str


Edit = Apply | Remove


class Manifests:
    """What owners need by object, and which objects have to be looked at."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._of: dict[Owner, tuple[Manifest, ...]] = {}
        self._wanted: dict[Key, dict[Owner, Manifest]] = {}
        self._blind: set[Owner] = set()
        """Held owners of whom nobody knows what they wanted before: what was made for them stays."""
        self._held: set[Owner] = set()
        self._due: dict[Key, None] = {}
        self._refused: dict[Key, str] = {}

    def __len__(self) -> int:
        """How many objects have to be looked at."""
        return len(self._due)

    # -- in -----------------------------------------------------------------------------------------------------------

    def replace(self, owner: Owner, intent: Intent) -> None:
        """From now on the owner needs these objects. Those of a held owner stay as they are, there or not."""
        before = self._of.get(owner)
        if intent.is_held:
            self._held.add(owner)
            if before is None:
                self._blind.add(owner)
            return
        if owner in self._held:
            self._held.discard(owner)
            self._due.update(dict.fromkeys(map(_place, before or ())))
        if owner in self._blind:
            self._blind.discard(owner)
            self._due.update(dict.fromkeys(self._world.tables[Made]))
        if before is None and not intent.objects:
            return
        for manifest in before or ():
            if manifest not in intent.objects:
                self._withdraw(owner, manifest)
        for manifest in intent.objects:
            self._wanted.setdefault(_place(manifest), {})[owner] = manifest
            if not before or manifest not in before:
                self._due[_place(manifest)] = None
                self._refused.pop(_place(manifest), None)
        if intent.objects:
            self._of[owner] = intent.objects
        else:
            self._of.pop(owner, None)

    def _withdraw(self, owner: Owner, manifest: Manifest) -> None:
        place = _place(manifest)
        claimants = self._wanted.get(place, {})
        claimants.pop(owner, None)
        if not claimants:
            self._wanted.pop(place, None)
        self._due[place] = None

    def look_at(self, place: Key) -> Collection[Owner]:
        """The object has changed, come or gone; the answer is who needs it."""
        found = self._wanted.get(place, {})
        if found or place in self._world.tables[Made]:
            self._due[place] = None
        return found.keys()

    def refuse(self, place: Key, words: str) -> Collection[Owner]:
        """The API server doesn't take the object; the answer is who must be told."""
        self._refused[place] = words
        return self._wanted.get(place, {}).keys()

    def accept(self, place: Key) -> Collection[Owner]:
        """The API server takes the object now; the answer is who was told otherwise."""
        return self._wanted.get(place, {}).keys() if self._refused.pop(place, None) else ()

    # -- out ----------------------------------------------------------------------------------------------------------

    def take(self) -> list[Edit]:
        """What has to be written for the objects that were to be looked at. Each is told once."""
        due, self._due = self._due, {}
        return [edit for place in due if (edit := self._judge(place)) is not None]

    def problems(self, owner: Owner) -> Iterator[Problem]:
        """Why an object that the owner needs isn't there."""
        for manifest in self._of.get(owner, ()):
            place = _place(manifest)
            what = f"{manifest.kind} {manifest.key}"
            if place in self._refused:
                yield Problem("ObjectRefused", f"{what}: {self._refused[place]}")
            elif self._is_foreign(manifest):
                wrong = f"{what} is there and isn't ovnloom's, so it stays as it is; remove it, or rename this object"
                yield Problem("ObjectTaken", wrong)
            elif not manifest.is_shared and self._first(place) != owner:
                wrong = f"{what} is made for {self._first(place)} already; give this object another name"
                yield Problem("ObjectTaken", wrong)

    def of(self, owner: Owner) -> tuple[Manifest, ...]:
        """What the owner needs."""
        return self._of.get(owner, ())

    def wanted(self) -> Iterator[tuple[Owner, Manifest]]:
        """Every object that anybody needs, with its first owner."""
        for place, found in self._wanted.items():
            yield self._first(place), found[self._first(place)]

    def _first(self, place: Key) -> Owner:
        return min(self._wanted[place])

    def _is_foreign(self, manifest: Manifest) -> bool:
        table = BY_KIND.get((manifest.api_version, manifest.kind))
        if table is None or _place(manifest) in self._world.tables[Made]:
            return False
        return manifest.key in self._world.tables[table.type]

    def _judge(self, place: Key) -> Edit | None:
        made: Made | None = self._world.tables[Made].get(place)
        if place not in self._wanted:
            return self._superfluous(made) if made is not None else None
        owner = self._first(place)
        manifest = self._wanted[place][owner]
        table = BY_KIND[manifest.api_version, manifest.kind]
        if owner in self._held or (made is None and self._is_foreign(manifest)) or (made is not None and made.is_going):
            return None
        body = self._body(owner, manifest)
        if made is None:
            return Apply(owner, table, manifest.key, body, "", "no such object")
        lack = missing(body, made.content)
        if not lack and made.digest == body["metadata"]["annotations"][DIGEST]:
            return None
        return Apply(owner, table, manifest.key, body, made.uid, f"{lack or 'what was applied before'} differs")

    def _superfluous(self, made: Made) -> Remove | None:
        owner = Owner.parse(made.owner)
        if made.is_going or made.kind not in KINDS:
            return None
        if owner in self._blind if owner else any(each.kind == made.owner_kind for each in self._blind):
            return None
        return Remove(owner, KINDS[made.kind], made.target, made.uid, "no intent names it")

    def _body(self, owner: Owner, manifest: Manifest) -> Mapping[str, Any]:
        """The whole body to apply, with the marks by which the object is known as ours."""
        content = manifest.content
        meta = dict(content.get("metadata", {}))
        meta["name"] = manifest.key.name
        if manifest.key.namespace:
            meta["namespace"] = manifest.key.namespace
        meta["labels"] = {**meta.get("labels", {}), OWNER_KIND: owner.kind}
        named = {OWNER: SHARED if manifest.is_shared else str(owner), SELF: str(manifest.key)}
        meta["annotations"] = {**meta.get("annotations", {}), **named}
        reference = None if manifest.is_shared else self._reference(owner, manifest.key)
        if reference:
            meta["ownerReferences"] = [reference]
        body = {**content, "apiVersion": manifest.api_version, "kind": manifest.kind, "metadata": meta}
        digest = sha256(json.dumps(body, sort_keys=True, separators=(",", ":")).encode()).hexdigest()[:16]
        meta["annotations"][DIGEST] = digest
        return body

    def _reference(self, owner: Owner, key: Key) -> Mapping[str, Any] | None:
        """By which Kubernetes itself removes the object with its owner; not where it wouldn't find the owner."""
        table = KINDS.get(owner.kind)
        found = self._world.tables[table.type].get(owner.key) if table else None
        if table is None or found is None or not found.uid or owner.key.namespace not in ("", key.namespace):
            return None
        named = {"apiVersion": table.api_version, "kind": table.kind, "name": owner.key.name, "uid": found.uid}
        return {**named, "controller": True}


def _place(manifest: Manifest) -> Key:
    return Made.key_of(manifest.kind, manifest.key)


def missing(wanted: Any, found: Any, path: str = "") -> str:
    """The first path at which what is found lacks what is wanted; empty when all is there. More than that is fine:
    the API server fills in defaults, and others may add fields of their own."""
    if isinstance(wanted, Mapping):
        if not isinstance(found, Mapping):
            return path or "it"
        for name, value in wanted.items():
            if not path and name in ("apiVersion", "kind"):
                continue
            if path == "metadata" and name in ("name", "namespace"):
                continue
            lack = missing(value, found.get(name), f"{path}.{name}" if path else name)
            if lack:
                return lack
        return ""
    if isinstance(wanted, list | tuple):
        if not isinstance(found, list | tuple) or len(found) != len(wanted):
            return path
        pairs = enumerate(zip(wanted, found, strict=True))
        return next(filter(None, (missing(one, other, f"{path}[{at}]") for at, (one, other) in pairs)), "")
    return "" if wanted == found else path
