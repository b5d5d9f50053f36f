"""Writing a plan: one transaction, split only as far as it takes to find who is at fault when it is refused."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Protocol

from ovnloom import log as logs
from ovnloom import metrics
from ovnloom.intent import Owner, Ref
from ovnloom.northbound.edits import AddElement, Delete, Edit, Insert, Plan, Update
from ovnloom.northbound.operations import Operation, Written
from ovnloom.northbound.reply import Outcome, Reply

log = logs.get("northbound")

NUL = "a text of it has a NUL character, which OVSDB can't hold"


class Northbound(Protocol):
    """What takes transactions: a Connection."""

    @property
    def has_changes(self) -> bool: ...

    def commit(self, operations: list[Operation]) -> Reply: ...


async def apply(plan: Plan, nb: Northbound) -> Outcome:
    """Write one plan as one transaction; what OVN refuses comes back as a value, with its owners.

    When this returns, the changes that it made can be drained.
    """
    return await asyncio.to_thread(write, plan, nb)


def write(plan: Plan, nb: Northbound) -> Outcome:
    """Like `apply`, for callers that may block.

    A refused transaction is made again without the owner at fault, which is told by the operation that failed or found
    by halving. Owners that need a row of somebody who was refused are left for another plan.
    """
    if plan.is_empty:
        return Outcome(written=plan.owners)
    return _Writer(plan, nb).write()


class _Writer:
    def __init__(self, plan: Plan, nb: Northbound) -> None:
        self._plan = plan
        self._nb = nb
        self._uuids: dict[Ref, str] = {}
        self._written: set[Owner] = set()
        self._refused: dict[Owner, str] = {}
        self._postponed: set[Owner] = set()
        self._stop: Reply | None = None

    def write(self) -> Outcome:
        self._refused.update(_unspeakable(self._plan))
        left = self._plan.owners - self._refused.keys()
        while left and self._stop is None:
            self._postponed = set()
            self._settle(left)
            if self._postponed == left:  # what they need is refused
                break
            left = frozenset(self._postponed)
        again = self._plan.owners - self._written - self._refused.keys()
        for owner in self._refused:
            metrics.refused_owners.labels(owner.kind).inc()
        unavailable = self._stop.reason if self._stop and self._stop.status == "unavailable" else ""
        return Outcome(frozenset(self._written), self._refused, again, unavailable)

    def _settle(self, owners: frozenset[Owner]) -> None:
        """Each of the owners is written, refused or postponed, unless the server stops taking anything."""
        part, postponed = self._plan.restricted(owners, self._uuids)
        self._postponed |= postponed
        while part.owners and self._stop is None:
            written = Written(part)
            reply = self._nb.commit(written.operations) if written.operations else Reply("ok")
            if reply.status == "ok":
                self._written |= part.owners
                self._uuids.update({ref: reply.uuids[index] for index, ref in written.inserted.items()})
                _count(part)
                return
            if reply.status != "refused" or (not self._written and self._nb.has_changes):
                # Maybe refused for what somebody else did meanwhile, such as taking a name: nobody is at fault.
                self._stop = reply
                return
            suspects = written.suspects(reply.index) or part.owners
            if len(suspects) > 1:
                self._halve(part.owners)
                return
            (owner,) = suspects
            self._refused[owner] = reply.reason
            log.warning("northbound database refuses an owner's rows", owner=str(owner), reason=reply.reason)
            part, postponed = self._plan.restricted(part.owners - suspects, self._uuids)
            self._postponed |= postponed

    def _halve(self, owners: frozenset[Owner]) -> None:
        ordered = sorted(owners)
        middle = len(ordered) // 2
        self._settle(frozenset(ordered[:middle]))
        self._settle(frozenset(ordered[middle:]))


def _unspeakable(plan: Plan) -> Mapping[Owner, str]:
    """Owners whose rows have text that ovsdb-server hangs up on; asking it would cost everybody the connection."""
    return {edit.owner: NUL for edit in plan.operations if not isinstance(edit, Delete) and _has_nul(edit)}


def _has_nul(value: object) -> bool:
    if isinstance(value, str):
        return "\0" in value
    if isinstance(value, Mapping):
        return any(_has_nul(key) or _has_nul(each) for key, each in value.items())
    if isinstance(value, tuple | frozenset):
        return any(map(_has_nul, value))
    return False


def _count(plan: Plan) -> None:
    for edit in plan.operations:
        metrics.operations.labels(edit.table, kind(edit)).inc()


KINDS: Mapping[type[Edit], str] = {Insert: "insert", Update: "update", Delete: "delete", AddElement: "add"}


def kind(edit: Edit) -> str:
    """The name of an edit's kind in metrics."""
    return KINDS.get(type(edit), "remove")
