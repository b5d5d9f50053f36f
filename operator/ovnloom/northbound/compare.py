"""One wanted row against the row that is there: what its columns should say, and what differs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ovnloom.intent import Owner, Ref, Row, Value
from ovnloom.northbound.draft import Draft
from ovnloom.northbound.edits import Update
from ovnloom.northbound.index import OWNER
from ovnloom.northbound.mirror import KUBE_OVN, VENDOR
from ovnloom.northbound.show import show
from ovnloom.ovn.schema import TABLES

KEPT = "ovnloom.io/kept."
"""Start of the keys in external_ids that remember what a row had when we adopted it."""


def is_chosen_by_ovn(name: str, columns: Mapping[str, Value]) -> bool:
    """Whether northd chooses the value: the tag of a port for which one is requested (ovn-nb(5))."""
    return name == "tag" and columns.get("tag_request") is not None


def is_shared(draft: Draft, row: Row, ref: Ref, name: str) -> bool:
    """Whether a set or map is settled element by element: others contribute, or its owner doesn't speak of it."""
    return name not in row.columns or bool(draft.wanted.elements(ref, name))


LAST_TIER = 3
"""The tier that is asked after that of NetworkPolicies."""
ISOLATING = 2000
"""Priority of a NetworkPolicy's drops. Without tiers it counts alone: tier 1 has higher ones, the last tier lower."""


def supported(draft: Draft, owner: Owner, row: Row) -> dict[str, Value]:
    """The wanted columns that the connected database has; its lack of one that matters is told."""
    known = draft.mirror.columns(row.table)
    columns: dict[str, Value] = {}
    for name, value in row.columns.items():
        if name in known:
            allowed = known[name].members
            # selection_fields: an OVN that can't hash a field hashes the others, which is what it did before, too.
            columns[name] = value if allowed is None or not isinstance(value, frozenset) else value & allowed
            continue
        if (row.table, name) == ("ACL", "tier"):
            continue  # see below
        column = TABLES[row.table].columns.get(name) if row.table in TABLES else None
        if value in (None, "") or value == (column.default if column else None) or value in (frozenset(), {}):
            continue
        since = f"needs OVN {column.since} or newer" if column and column.since else "is not known to it"
        draft.complain(
            owner,
            "NotSupportedByOvn",
            f"{row.table}.{name} = {value!r} can't be said to the connected OVN (northbound schema "
            f"{draft.mirror.shape.version or 'unknown'}): the column {since}; upgrade OVN or do without it",
        )
    if "tier" in row.columns and "tier" not in known:
        columns |= _without_tiers(draft, owner, row)
    return columns


def _without_tiers(draft: Draft, owner: Owner, row: Row) -> dict[str, Value]:
    """What an ACL must say where OVN has no tiers, so that nothing passes that tiers would have stopped.

    OVN got tiers and the action `pass` together (ovn-nb(5), ACL). Where they matter, their lack is told.
    """
    version = f"the connected OVN (northbound schema {draft.mirror.shape.version or 'unknown'}) has no tiers of ACLs"
    if row.columns["action"] == "pass":
        draft.complain(
            owner, "NotSupportedByOvn", f"{version}, so what should pass to the next tier is dropped; upgrade OVN"
        )
        return {"action": "drop"}
    return {}


def would_open(draft: Draft, owner: Owner, row: Row) -> bool:
    """Whether an ACL of the last tier would let through what comes before it, where OVN has no tiers: it is left out.

    SecurityGroups of tier 1 and ClusterNetworkPolicies of the baseline have such, with priorities above those of a
    NetworkPolicy. Those that deny stay, and deny more than they should.
    """
    priority = row.columns.get("priority")
    if "tier" in draft.mirror.columns(row.table) or row.columns.get("tier") != LAST_TIER:
        return False
    if not isinstance(priority, int) or priority <= ISOLATING:
        return False
    version = f"the connected OVN (northbound schema {draft.mirror.shape.version or 'unknown'}) has no tiers of ACLs"
    wrong = f"{version}, so what these rules deny comes before NetworkPolicies, and what they allow has no effect"
    draft.complain(owner, "NotSupportedByOvn", f"{wrong}; upgrade OVN")
    return row.columns["action"] not in ("drop", "reject")


def wanted_columns(
    draft: Draft, owner: Owner, row: Row, ref: Ref, columns: Mapping[str, Value], uuid: str | None
) -> dict[str, Value]:
    """What every compared column should say, but for shared ones. A reference that isn't there yet waits."""
    full: dict[str, Value] = {}
    form = draft.mirror.form(row.table)
    for name, column, default in form.compared:
        value = columns.get(name)
        if column.kind in ("set", "map"):
            if is_shared(draft, row, ref, name):
                continue
        elif is_chosen_by_ovn(name, columns):
            continue
        value = default if value is None else value
        if column.refers is not None:
            value = _available(draft, owner, value)
            if value is _LATER:
                continue
        full[name] = value
    if form.has_external_ids:
        ids: dict[str, str] = dict(columns.get("external_ids") or {})  # type: ignore[arg-type]  # a map by its schema
        ids[OWNER] = str(owner)
        ids[VENDOR] = KUBE_OVN
        _keep(draft, row, full, ids, uuid)
        full["external_ids"] = ids
    return full


_LATER: Any = object()


def _available(draft: Draft, owner: Owner, value: Any) -> Any:
    """The value without references to rows that aren't there."""
    if isinstance(value, Ref):
        if draft.exists(value):
            return value
        draft.wait(value, owner)
        return _LATER
    if isinstance(value, frozenset):
        missing = {ref for ref in value if isinstance(ref, Ref) and not draft.exists(ref)}
        for ref in missing:
            draft.wait(ref, owner)
        return value - missing
    return value


def _keep(draft: Draft, row: Row, full: dict[str, Value], ids: dict[str, str], uuid: str | None) -> None:
    """Kept columns have what the row had at its adoption, which external_ids remember from then on."""
    if uuid is None:
        return
    before = draft.mirror.external_ids(row.table, uuid)
    for kept in row.kept:
        value = before.get(KEPT + kept)
        if value is None and draft.mirror.owner(row.table, uuid) is None:
            value = _present(draft, row.table, uuid, kept)
        if not value:
            continue
        ids[KEPT + kept] = value
        column, _, key = kept.partition(":")
        if key:
            full[column] = {**(full.get(column) or {}), key: value}  # type: ignore[dict-item]  # a map by its schema
        else:
            full[column] = value


def _present(draft: Draft, table: str, uuid: str, kept: str) -> str:
    column, _, key = kept.partition(":")
    if column not in draft.mirror.columns(table):
        return ""
    found = draft.mirror.value(table, uuid, column)
    if key:
        found = found.get(key, "")
    return found if isinstance(found, str) else ""


def update(draft: Draft, owner: Owner, row: Row, ref: Ref, uuid: str, full: Mapping[str, Value]) -> None:
    """The draft has an update when a column differs."""
    known = draft.mirror.columns(row.table)
    full = {name: new for name, new in full.items() if not _by_pairs(draft, owner, ref, uuid, name, new)}
    changes: dict[str, tuple[Value, Value]] = {}
    for name, new in full.items():
        old = draft.mirror.value(row.table, uuid, name)
        if old != draft.stored(new):
            changes[name] = (draft.symbolic(known[name], old), new)
    if changes:
        draft.updates.append(Update(*ref, owner, _reason(draft, row.table, uuid, owner, changes), changes))


BY_PAIRS = frozenset({("Load_Balancer", "vips")})
"""Maps whose values are long: of one with a hundred addresses the one that changes is written, not all."""


def _by_pairs(draft: Draft, owner: Owner, ref: Ref, uuid: str, name: str, new: Value) -> bool:
    """Whether the column is such a map and is corrected pair by pair."""
    if (ref.table, name) not in BY_PAIRS or not isinstance(new, Mapping):
        return False
    old = draft.mirror.value(ref.table, uuid, name)
    if old == new or not old:
        return False
    for key in sorted(old.keys() | new.keys()):
        before, after = old.get(key), new.get(key)
        if before == after:
            continue
        if before is not None:
            draft.remove(ref, name, (key, before), owner, "other backends" if after is not None else "no longer wanted")
        if after is not None:
            draft.add(ref, name, (key, after), owner, "other backends" if before is not None else "no such address")
    return True


def _reason(draft: Draft, table: str, uuid: str, owner: Owner, changes: Mapping[str, tuple[Value, Value]]) -> str:
    parts = []
    before = draft.mirror.owner(table, uuid)
    if before is None and "external_ids" in changes:
        parts.append("adopted, it had no owner")
    elif before != owner and before is not None:
        parts.append(f"it was {before}'s")
    names = [name for name in sorted(changes) if name != "external_ids" or not parts]
    for name in names:
        old, new = changes[name]
        parts.append(f"{name} differs: {show(old)} → {show(new)}")
    return "; ".join(parts)
