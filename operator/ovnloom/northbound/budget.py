"""The deletion budget: a plan that would delete much of what is ours stops until somebody approves it."""

from __future__ import annotations

from dataclasses import dataclass

from ovnloom.northbound.edits import Delete, Plan

SAMPLE = 10
"""Rows that a Stop names, for its log line and its Event."""


@dataclass(frozen=True, slots=True)
class Stop:
    """The plan waits for approval: how many rows it would delete, which share of ours that is, and some of them."""

    count: int
    share: float
    sample: tuple[str, ...]

    def __str__(self) -> str:
        names = ", ".join(self.sample) + (", …" if self.count > len(self.sample) else "")
        return f"{self.count} rows ({self.share:.0%} of ours) would be deleted: {names}"


def check(plan: Plan, owned_rows: int, *, max_share: float, max_rows: int, approved: bool = False) -> Stop | None:
    """A Stop when the plan deletes more than `max_rows` rows and more than `max_share` of the `owned_rows` (1 is all).

    Both must be exceeded: a small cluster may lose half its rows, a big one a thousand. `approved` lets any plan pass.
    """
    count = plan.deleted_rows
    share = count / max(owned_rows, 1)
    if approved or count <= max_rows or share <= max_share:
        return None
    names = [f"{edit.table} {edit.name}" for edit in plan.operations if isinstance(edit, Delete)]
    return Stop(count, min(share, 1.0), tuple(sorted(names)[:SAMPLE]))
