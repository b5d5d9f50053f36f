"""The plan: what must be done so that the rows in the database are those that some owners want."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ovnloom.intent import Owner, Parent, Ref, Row, Value
from ovnloom.northbound import compare, members
from ovnloom.northbound.change import Elements
from ovnloom.northbound.draft import Draft
from ovnloom.northbound.edits import AddElement, Delete, Edit, Insert, Plan, RemoveElement, Update
from ovnloom.northbound.index import Place
from ovnloom.northbound.mirror import Mirror
from ovnloom.northbound.wanted import Wanted
from ovnloom.ovn.identity import identity
from ovnloom.ovn.schema import TABLES

__all__ = ["AddElement", "Delete", "Edit", "Insert", "Plan", "RemoveElement", "Update", "plan", "read_back"]

_PORTS = ("Logical_Switch_Port", "Logical_Router_Port")


def plan(owners: Iterable[Owner], wanted: Wanted, mirror: Mirror, elements: Elements | None = None) -> Plan:
    """The edits after which the rows of these owners are as wanted; its cost is theirs, not the database's.

    Only rows that carry an owner of ours, or that we adopt, change or go. A row is adopted when it has the wanted
    identity and no owner, and a kube-ovn marked it or it hangs in a row of ours; any other row with that identity is
    somebody else's, and its owner gets the Problem `NameTaken`. A row whose parent is missing waits, and so does an
    element whose target is: the rest goes on. Held owners are not touched. `elements` are those of others' sets that
    changed under us (`Touched.elements`).
    """
    draft = Draft(frozenset(owners), wanted, mirror)
    planned = [owner for owner in sorted(draft.owners) if not wanted.is_held(owner)]
    matches = [match for owner in planned for match in _matches(draft, owner)]
    _insert(draft, {match.ref: match for match in matches if match.uuid is None})
    for match in matches:
        if match.uuid is not None:
            _correct(draft, match, match.uuid)
        if match.ref in draft.matched or match.ref in draft.inserts:
            members.settle(draft, match.owner, match.row, match.ref, match.uuid)
    for owner in planned:
        members.contribute(draft, owner)
    members.look_again(draft, elements or {})
    _delete(draft, planned)
    return draft.plan()


def read_back(written: Plan, wanted: Wanted, mirror: Mirror) -> Plan:
    """What is still to do for the owners of a plan that was written: nothing, once the mirror has seen it."""
    return plan(written.owners, wanted, mirror)


class _Match:
    """A wanted row with the row that is there for it, if there is one."""

    __slots__ = ("columns", "owner", "ref", "row", "uuid")

    def __init__(self, owner: Owner, row: Row, ref: Ref, columns: Mapping[str, Value], uuid: str | None) -> None:
        self.owner = owner
        self.row = row
        self.ref = ref
        self.columns = columns
        self.uuid = uuid


def _matches(draft: Draft, owner: Owner) -> Iterable[_Match]:
    """The owner's rows that may be written; what keeps the others from it is told."""
    for row in draft.wanted.rows(owner):
        rival = draft.wanted.owner_of(row.ref)
        if rival is not None and rival != owner:
            draft.complain(owner, "NameTaken", _taken(row.table, row.name, f"{rival} wants it too and comes first"))
            continue
        table = TABLES[row.table]
        if row.table not in draft.mirror.shape.tables:
            draft.complain(
                owner,
                "NotSupportedByOvn",
                f"the connected OVN (northbound schema {draft.mirror.shape.version}) has no table {row.table}; "
                "upgrade OVN or do without it",
            )
            continue
        if row.table == "ACL" and compare.would_open(draft, owner, row):
            continue
        columns = compare.supported(draft, owner, row)
        ref = row.ref
        if table.unnamed and len(columns) < len(row.columns):
            # What can't be said doesn't tell two rows apart either.
            parent = row.parent or Parent("", "", "")
            ref = Ref(row.table, identity(row.table, columns, parent.name, parent.table))
        if ref in draft.matched or ref in draft.inserts:
            continue
        there = draft.mirror.all(ref) or _before_tiers(draft, row)
        uuid = _ours(draft, owner, row, there)
        if uuid is None and there:
            draft.complain(owner, "NameTaken", _taken(row.table, row.name, _whose(draft, row.table, there[0])))
            continue
        if uuid is not None:
            draft.match(ref, uuid)
        yield _Match(owner, row, ref, columns, uuid)


def _before_tiers(draft: Draft, row: Row) -> tuple[str, ...]:
    """The ACL as a kube-ovn wrote it that knew no tiers yet, or an OVN had it that got them since: of tier 0."""
    if row.table != "ACL" or row.parent is None or not row.columns.get("tier"):
        return ()
    name = identity("ACL", {**row.columns, "tier": 0}, row.parent.name, row.parent.table)
    return tuple(
        uuid
        for uuid in draft.mirror.all(Ref("ACL", name))
        if draft.mirror.is_kube_ovns("ACL", uuid) and draft.mirror.owner("ACL", uuid) is None
    )


def _taken(table: str, name: str, why: str) -> str:
    return f"{table} {name!r} can't be ours: {why}; rename the object, or delete the other"


def _whose(draft: Draft, table: str, uuid: str) -> str:
    owner = draft.mirror.owner(table, uuid)
    if owner is not None:
        return f"row {uuid} is {owner}'s, which is held"
    return f"row {uuid} has that name and is somebody else's (neither ovnloom.io/owner nor vendor=kube-ovn)"


def _ours(draft: Draft, owner: Owner, row: Row, there: tuple[str, ...]) -> str | None:
    """Of the rows with the wanted identity the one that is the owner's, or that becomes it."""
    best: tuple[int, str] | None = None
    for uuid in there:
        rank = _rank(draft, owner, row, uuid)
        if rank is not None and uuid not in draft.taken and (best is None or (rank, uuid) < best):
            best = (rank, uuid)
    return best[1] if best else None


def _rank(draft: Draft, owner: Owner, row: Row, uuid: str) -> int | None:
    before = draft.mirror.owner(row.table, uuid)
    if before == owner:
        return 0
    if before is not None:
        return None if draft.wanted.is_held(before) else 1
    if draft.mirror.is_kube_ovns(row.table, uuid) or not TABLES[row.table].has_external_ids:
        return 2
    for link in draft.mirror.links(uuid):
        if draft.mirror.owner(link.table, link.uuid) or draft.mirror.is_kube_ovns(link.table, link.uuid):
            return 3
        if link.uuid in draft.taken:
            return 3
    return None


def _insert(draft: Draft, missing: dict[Ref, _Match]) -> None:
    """Rows that aren't there come, parents first; those whose parent neither is there nor comes wait."""

    def come(match: _Match) -> bool:
        parent = match.row.parent
        if parent is not None and not draft.may_hold_rows(parent.ref):
            above = missing.get(parent.ref)
            if above is None or not (parent.ref in draft.inserts or come(above)):
                draft.wait(parent.ref, match.owner)
                return False
        draft.inserts[match.ref] = Insert(
            *match.ref,
            match.owner,
            "no such row",
            {},
            parent.ref if parent else None,
            parent.column if parent else "",
        )
        return True

    coming = [match for match in missing.values() if match.ref in draft.inserts or come(match)]
    for match in coming:  # now that every reference to a row that comes can be answered
        full = compare.wanted_columns(draft, match.owner, match.row, match.ref, match.columns, None)
        known = draft.mirror.columns(match.row.table)
        columns = {name: value for name, value in full.items() if value != known[name].default}
        draft.inserts[match.ref] = draft.inserts[match.ref]._replace(columns=columns)


def _correct(draft: Draft, match: _Match, uuid: str) -> None:
    """A row that is there hangs where it should and says what it should.

    It stays as it is while its new parent is on its way, and goes when nobody wants that parent: where a row hangs
    follows from what is wanted, not from what was.
    """
    parent = match.row.parent
    if parent is not None:
        if not draft.may_hold_rows(parent.ref):
            draft.wait(parent.ref, match.owner)
            if draft.wanted.owner_of(parent.ref) is None:
                draft.orphan(match.ref, match.owner, f"nobody wants its {parent.table} {parent.name}")
            return
        wanted = (draft.uuid(parent.ref), parent.column)
        links = draft.mirror.links(uuid)
        others = [link for link in links if (link.uuid, link.column) != wanted]
        if len(others) == len(links):
            places = ", ".join(draft.name(link.table, link.uuid).name for link in others) or "nowhere"
            draft.add(parent.ref, parent.column, match.ref, match.owner, f"moves here from {places}")
        for link in others:
            there = draft.name(link.table, link.uuid)
            draft.remove(there, link.column, match.ref, match.owner, f"moves from here to {parent.name}")
    full = compare.wanted_columns(draft, match.owner, match.row, match.ref, match.columns, uuid)
    compare.update(draft, match.owner, match.row, match.ref, uuid, full)


def _delete(draft: Draft, owners: Iterable[Owner]) -> None:
    """Rows of these owners that no intent names go; children of a row that goes need nothing of their own."""
    doomed: dict[Place, Owner] = {place: owner for place, owner, _ in draft.orphans.values()}
    for owner in owners:
        for place in draft.mirror.owned(owner):
            if place.uuid not in draft.taken and not _is_taken_over(draft, owner, place):
                doomed[place] = owner
    for place in [place for place in doomed if not draft.mirror.links(place.uuid)]:
        if _strangers(draft, place):
            del doomed[place]
    gone = {place.uuid for place in doomed}
    for place, owner in doomed.items():
        links = draft.mirror.links(place.uuid)
        if links and all(link.uuid in gone for link in links):
            continue
        ref = draft.name(*place)
        parents = tuple((draft.name(link.table, link.uuid), link.column) for link in links)
        children = sum(draft.mirror.owner(*child) is not None for child in draft.mirror.children(*place))
        reason = _why(draft, place)
        was: dict[str, Value] = {"external_ids": dict(draft.mirror.external_ids(*place))}
        if not TABLES[place.table].has_external_ids:
            was = {"name": ref.name} if TABLES[place.table].is_root else {}
        draft.deletes.append(Delete(*ref, owner, reason, parents, children, was))


def _why(draft: Draft, place: Place) -> str:
    """Why the row goes."""
    if place.uuid in draft.orphans:
        return draft.orphans[place.uuid][2]
    named = draft.wanted.owner_of(Ref(place.table, draft.mirror.name(*place) or ""))
    return "no intent names it" if named is None else "another row has the same identity"


def _is_taken_over(draft: Draft, owner: Owner, place: Place) -> bool:
    """Whether the row goes on as another owner's, which is planned now or later."""
    name = draft.mirror.name(*place)
    if name is None:
        return False
    other = draft.wanted.owner_of(Ref(place.table, name))
    return other is not None and other != owner and draft.mirror.find(Ref(place.table, name)) == place.uuid


def _strangers(draft: Draft, place: Place) -> bool:
    """Whether ports of somebody else hang in the row, which would go with it; then it must stay."""
    for child in draft.mirror.children(*place):
        if child.table not in _PORTS or draft.mirror.owner(*child) or draft.mirror.is_kube_ovns(*child):
            continue
        owner = draft.mirror.owner(*place)
        if owner is not None:
            draft.complain(
                owner,
                "HoldsForeignPorts",
                f"{place.table} {draft.mirror.name(*place)} isn't deleted: {child.table} "
                f"{draft.mirror.name(*child)!r} in it is somebody else's; remove that port first",
            )
        return True
    return False
