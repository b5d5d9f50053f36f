"""What should be there: the last intents of all owners, and who wants a row or an element of a set."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from ovnloom.intent import Element, Intent, Member, Owner, Ref, Row

Claims = dict[Owner, str] | tuple[Owner, ...] | Owner
"""Who wants an element: of a set the owner, or all of them when there are several; of a map the owners' values."""

_SHARED = frozenset(
    {
        "Port_Group",
        "Address_Set",
        "Load_Balancer",
        "Load_Balancer_Group",
        "Chassis_Template_Var",
        "Logical_Switch",
        "Logical_Router",
    }
)
"""Tables into whose rows other owners put elements."""

_NO_CLAIMS: Mapping[str | int | Ref, Claims] = {}
_NO_ROWS: tuple[Row, ...] = ()
_NO_MEMBERS: tuple[Member, ...] = ()


class Wanted:
    """The intents of all owners by owner, by row and by element of a set.

    Two owners may want the same row: the first in sort order has it. Memory is what counts here: per Pod one row and
    two members, so what nearly always is one owner is stored without a container around it.
    """

    def __init__(self) -> None:
        self._intents: dict[Owner, tuple[tuple[Row, ...], tuple[Member, ...]]] = {}
        self._claimants: dict[Ref, Owner | tuple[Owner, ...]] = {}
        self._elements: dict[tuple[Ref, str], dict[str | int | Ref, Claims]] = {}
        self._leaving: dict[Owner, dict[Member, None]] = {}
        self._held: set[Owner] = set()
        self._blind: set[Owner] = set()

    def replace(self, owner: Owner, intent: Intent) -> frozenset[Owner]:
        """From now on the owner wants what `intent` says; the answer is who else must be planned again.

        A held intent leaves what the owner wanted before. Others must be planned again when they gained or lost a row
        that both want, or a map's key on which they disagreed.
        """
        before = self._intents.get(owner)
        if intent.is_held:
            self._held.add(owner)
            if before is None:
                self._blind.add(owner)
            return frozenset()
        again: set[Owner] = set()
        self._held.discard(owner)
        if owner in self._blind:
            # While nobody knew what it wanted, elements that might be its own were left alone.
            self._blind.discard(owner)
            again.update(self._sharers())
        old_rows, old_members = before or (_NO_ROWS, _NO_MEMBERS)
        if intent.rows or intent.members:
            self._intents[owner] = (intent.rows, intent.members)
        else:
            self._intents.pop(owner, None)
        self._replace_rows(owner, old_rows, intent.rows, again)
        self._replace_members(owner, old_members, intent.members, again)
        again.discard(owner)
        return frozenset(again)

    def owners(self) -> Collection[Owner]:
        """All owners that want something."""
        return self._intents.keys()

    def rows(self, owner: Owner) -> tuple[Row, ...]:
        """The rows that the owner wants, those it doesn't get included."""
        found = self._intents.get(owner)
        return found[0] if found else _NO_ROWS

    def members(self, owner: Owner) -> tuple[Member, ...]:
        """The elements of others' rows that the owner wants."""
        found = self._intents.get(owner)
        return found[1] if found else _NO_MEMBERS

    def owner_of(self, ref: Ref) -> Owner | None:
        """Who has the row, or None when nobody wants it."""
        found = self._claimants.get(ref)
        if found is None or isinstance(found, Owner):
            return found
        return found[0]

    def is_held(self, owner: Owner) -> bool:
        """Whether nothing of this owner may be touched."""
        return owner in self._held

    def is_blind(self, owner: Owner) -> bool:
        """Whether the owner is held and nobody knows what it wanted before, as after a restart."""
        return owner in self._blind

    @property
    def has_blind(self) -> bool:
        """Whether there is any such owner."""
        return bool(self._blind)

    def held(self) -> Collection[Owner]:
        """The owners whose rows stay as they are."""
        return self._held

    def elements(self, target: Ref, column: str) -> Mapping[str | int | Ref, Claims]:
        """The wanted elements of a set column, or the wanted keys of a map column."""
        return self._elements.get((target, column), _NO_CLAIMS)

    def places(self) -> Collection[tuple[Ref, str]]:
        """The rows and columns into which anybody wants an element."""
        return self._elements.keys()

    def value(self, target: Ref, column: str, key: str | int | Ref) -> str | None:
        """What the map column should have under the key; None when nobody wants it there."""
        claims = self.elements(target, column).get(key)
        if not isinstance(claims, dict):
            return None
        return claims[min(claims)]

    def claimant(self, target: Ref, column: str, key: str | int | Ref) -> Owner | None:
        """The first of those who want an element."""
        claims = self.elements(target, column).get(key)
        if claims is None or isinstance(claims, Owner):
            return claims
        return min(claims)

    def leaving(self, owner: Owner) -> Collection[Member]:
        """What the owner wanted in others' rows before, and no longer does."""
        return self._leaving.get(owner, {}).keys()

    def settled(self, owner: Owner) -> None:
        """The database is as the owner wants it, so what it wanted before no longer matters."""
        self._leaving.pop(owner, None)

    def all_rows(self) -> Iterator[tuple[Owner, Row]]:
        """Every row with the owner that has it."""
        for owner, (rows, _) in self._intents.items():
            for row in rows:
                if self.owner_of(row.ref) == owner:
                    yield owner, row

    def _sharers(self) -> Iterator[Owner]:
        """The owners of rows in which others have elements."""
        for ref in self._claimants:
            if ref.table in _SHARED:
                owner = self.owner_of(ref)
                if owner is not None:
                    yield owner

    def _replace_rows(self, owner: Owner, old: tuple[Row, ...], new: tuple[Row, ...], again: set[Owner]) -> None:
        before = {row.ref for row in old}
        after = {row.ref for row in new}
        for ref in before - after:
            left = tuple(other for other in _tuple(self._claimants[ref]) if other != owner)
            if not left:
                del self._claimants[ref]
                continue
            self._claimants[ref] = left if len(left) > 1 else left[0]
            again.add(left[0])
        for ref in after - before:
            found = self._claimants.get(ref)
            if found is None:
                self._claimants[ref] = owner
                continue
            rivals = tuple(sorted((*_tuple(found), owner)))
            self._claimants[ref] = rivals
            if rivals[0] == owner:
                again.add(rivals[1])

    def _replace_members(
        self, owner: Owner, old: tuple[Member, ...], new: tuple[Member, ...], again: set[Owner]
    ) -> None:
        if old == new:
            return
        before, after = dict.fromkeys(old), dict.fromkeys(new)
        for member in before:
            if member not in after:
                self._withdraw(owner, member, again)
        leaving = self._leaving.get(owner)
        for member in after:
            if leaving:
                leaving.pop(member, None)
            if member not in before:
                self._claim(owner, member, again)

    def _claim(self, owner: Owner, member: Member, again: set[Owner]) -> None:
        claims = self._elements.setdefault((member.target, member.column), {})
        key, value = split(member.element)
        found = claims.get(key)
        if value is not None:
            pairs = found if isinstance(found, dict) else {}
            pairs[owner] = value
            claims[key] = pairs
            again.update(pairs if min(pairs) == owner else ())
        elif found is None:
            claims[key] = owner
        elif not isinstance(found, dict):
            claims[key] = (*_tuple(found), owner)

    def _withdraw(self, owner: Owner, member: Member, again: set[Owner]) -> None:
        place = (member.target, member.column)
        claims = self._elements[place]
        key, value = split(member.element)
        found = claims[key]
        if isinstance(found, dict):
            if found.get(owner) == value:
                del found[owner]
            again.update(found)
            left: tuple[Owner, ...] = tuple(found)
        else:
            left = tuple(other for other in _tuple(found) if other != owner)
            claims[key] = left if len(left) != 1 else left[0]
        if not left:
            del claims[key]
            if not claims:
                del self._elements[place]
        self._leaving.setdefault(owner, {})[member] = None


def split(element: Element) -> tuple[str | int | Ref, str | None]:
    """The key of an element and, for a pair of a map column, its value."""
    if type(element) is tuple:
        return element[0], element[1]
    return element, None  # type: ignore[return-value]  # a Ref is a tuple too, of its own type


def _tuple(owners: Owner | tuple[Owner, ...] | dict[Owner, str]) -> tuple[Owner, ...]:
    if isinstance(owners, Owner):
        return (owners,)
    return tuple(owners)
