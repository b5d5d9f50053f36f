"""Elements of sets and maps that several owners share: what each contributes, takes back, and what nobody wants."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ovnloom.intent import Element, Member, Owner, Ref, Row
from ovnloom.northbound.change import Elements
from ovnloom.northbound.compare import is_chosen_by_ovn, is_shared
from ovnloom.northbound.draft import Draft, row_of
from ovnloom.northbound.shape import is_child_column
from ovnloom.northbound.wanted import split
from ovnloom.ovn.column import Column

Key = str | int | Ref


def contribute(draft: Draft, owner: Owner) -> None:
    """What the owner wants in others' rows is there or comes, and what it no longer wants goes."""
    for member in draft.wanted.members(owner):
        _contribute(draft, owner, member)
    for member in draft.wanted.leaving(owner):
        _take_back(draft, owner, member)


def _contribute(draft: Draft, owner: Owner, member: Member) -> None:
    column = _column(draft, member.target, member.column)
    if column is None:
        return
    if not draft.stays(member.target):
        draft.wait(member.target, owner)
        return
    key, value = split(member.element)
    if value is not None and draft.wanted.value(member.target, member.column, key) != value:
        draft.complain(
            owner,
            "NameTaken",
            f"{member.target.table} {member.target.name!r} already has another value for {key!r} in {member.column}, "
            f"which {draft.wanted.claimant(member.target, member.column, key)} wants; give one of them another",
        )
        return
    if _is_settled(draft, owner, member, column):
        return
    _bring(draft, owner, member.target, column, key, value, "wanted and not there")


def _is_settled(draft: Draft, owner: Owner, member: Member, column: Column) -> bool:
    """Whether `settle` has brought it: the row that it comes into is planned as well, as all are at a start."""
    if column.kind != "set" or not (member.target in draft.matched or member.target in draft.inserts):
        return False
    return draft.wanted.claimant(member.target, member.column, split(member.element)[0]) == owner


def _take_back(draft: Draft, owner: Owner, member: Member) -> None:
    column = _column(draft, member.target, member.column)
    uuid = draft.uuid(member.target)
    key, value = split(member.element)
    if column is None or uuid is None or draft.wanted.claimant(member.target, member.column, key) is not None:
        return
    row = row_of(draft.wanted, member.target)
    if row is not None and _in_row(row, column, key) is not None:
        return
    there = _there(draft, member.target, uuid, column, key)
    if there is not None and (value is None or there == value):
        draft.remove(member.target, column.name, member.element, owner, "its owner no longer wants it there")


def settle(draft: Draft, owner: Owner, row: Row, ref: Ref, uuid: str | None) -> None:
    """The shared columns of a row of ours have what anybody wants in them, and nothing else.

    While the intent of a held owner is unknown, as after a restart, elements that may be its own are left alone.
    """
    for name, column in draft.mirror.form(row.table).shareable:
        if not is_shared(draft, row, ref, name):
            continue
        claims = draft.wanted.elements(ref, name)
        for key in claims:
            _correct(draft, owner, row, ref, uuid, column, key)
        own = row.columns.get(name)
        if isinstance(own, frozenset | Mapping):
            for key in own:
                _correct(draft, owner, row, ref, uuid, column, key)
        if uuid is None:
            continue
        for stored in draft.mirror.value(row.table, uuid, name):
            key = draft.symbol(column, stored)
            if key not in claims:
                _correct(draft, owner, row, ref, uuid, column, key)


def look_again(draft: Draft, elements: Elements) -> None:
    """Elements that came or went are as somebody wants them; the rest of their sets isn't looked at."""
    for (target, name), keys in elements.items():
        column = _column(draft, target, name)
        uuid = draft.uuid(target)
        if column is None or uuid is None:
            continue
        owner = draft.wanted.owner_of(target)
        row = row_of(draft.wanted, target)
        if owner is None or row is None:
            for key in keys:
                _claimed(draft, target, column, key)
        elif owner not in draft.owners and not draft.wanted.is_held(owner) and not is_chosen_by_ovn(name, row.columns):
            for key in keys:
                _correct(draft, owner, row, target, uuid, column, key)


def _claimed(draft: Draft, target: Ref, column: Column, key: Key) -> None:
    """An element of a row that isn't ours: brought back when somebody wants it."""
    claimant = draft.wanted.claimant(target, column.name, key)
    if claimant is not None and not draft.wanted.is_held(claimant):
        value = draft.wanted.value(target, column.name, key)
        _bring(draft, claimant, target, column, key, value, "somebody removed it")


def _correct(draft: Draft, owner: Owner, row: Row, ref: Ref, uuid: str | None, column: Column, key: Key) -> None:
    claimant = draft.wanted.claimant(ref, column.name, key)
    in_row = _in_row(row, column, key)
    if claimant is not None or in_row is not None:
        who = claimant or owner
        if draft.wanted.is_held(who):
            return
        value = draft.wanted.value(ref, column.name, key) if claimant else in_row if column.kind == "map" else None
        _bring(draft, who, ref, column, key, value, "wanted and not there")
        return
    there = None if uuid is None else _there(draft, ref, uuid, column, key)
    if there is not None and not _may_be_blinds(draft, key):
        draft.remove(ref, column.name, _element(column, key, there), owner, "nobody wants it there")


def _may_be_blinds(draft: Draft, key: Key) -> bool:
    if not draft.wanted.has_blind:
        return False
    if not isinstance(key, Ref):
        return True
    uuid = draft.uuid(key)
    owner = draft.mirror.owner(key.table, uuid) if uuid else None
    return owner is not None and draft.wanted.is_blind(owner)


def _bring(draft: Draft, owner: Owner, target: Ref, column: Column, key: Key, value: str | None, reason: str) -> None:
    if isinstance(key, Ref) and not draft.exists(key):
        draft.wait(key, owner)
        return
    uuid = draft.uuid(target)
    there = None if uuid is None else _there(draft, target, uuid, column, key)
    if column.kind == "map":
        if there == value:
            return
        if there is not None:
            draft.remove(target, column.name, (str(key), there), owner, f"another value is wanted: {value}")
        draft.add(target, column.name, (str(key), value or ""), owner, reason)
    elif there is None:
        draft.add(target, column.name, key, owner, reason)


def _there(draft: Draft, target: Ref, uuid: str, column: Column, key: Key) -> Any:
    """What the row has under the key: its value in a map, True in a set, None when it isn't there."""
    found = draft.mirror.value(target.table, uuid, column.name)
    if column.kind == "map":
        return found.get(key)
    element = draft.uuid(key) if isinstance(key, Ref) else key
    if column.kind == "set":
        return True if element in found else None
    return True if element == found else None


def _in_row(row: Row, column: Column, key: Key) -> Any:
    """What the row's owner itself wants under the key."""
    own = row.columns.get(column.name)
    if isinstance(own, Mapping):
        return own.get(key)  # type: ignore[arg-type]  # a key of a map is text
    return True if isinstance(own, frozenset) and key in own else None


def _element(column: Column, key: Key, there: Any) -> Element:
    return (str(key), there) if column.kind == "map" else key


def _column(draft: Draft, target: Ref, name: str) -> Column | None:
    """The column if the connected database has it and elements may be shared in it."""
    column = draft.mirror.columns(target.table).get(name)
    return None if column is None or column.reported or is_child_column(column) else column
