"""What came of one transaction, and of the whole plan that it was part of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from ovnloom.intent import Owner

Status = Literal["ok", "refused", "stale", "unavailable"]

TRANSIENT = frozenset(
    {"not owner", "timed out", "I/O error", "resources exhausted", "not allowed", "permission error", "canceled"}
    | {"cluster error", "not leader", "no database", "not supported", "aborted"}
)
"""Errors that say nothing about what was asked for: another server, or the same one later, takes it (RFC 7047, 5.2)."""

LONGEST_REASON = 400
"""Characters: a server repeats the value that it refuses, and what follows from the refusal is said after it."""


@dataclass(frozen=True, slots=True)
class Reply:
    """The server's answer to one transaction.

    `stale`: a row had changed when the transaction came, so the plan must be made anew. `unavailable`: the transaction
    isn't known to have been executed; what it did, if anything, comes as changes.
    """

    status: Status
    reason: str = ""
    index: int | None = None
    """The operation at fault, when it can be told."""
    uuids: Mapping[int, str] = field(default_factory=dict)
    """UUID of each inserted row, by the index of its operation."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a plan, for each of its owners."""

    written: frozenset[Owner] = frozenset()
    """The database has what they want."""
    refused: Mapping[Owner, str] = field(default_factory=dict)
    """The database refuses what they want, with its reason; nothing of theirs was changed."""
    again: frozenset[Owner] = frozenset()
    """They must be planned again: a row changed meanwhile, they need a row of a refused owner, or nobody answered."""
    unavailable: str = ""
    """Why nobody answered; empty when somebody did."""

    @property
    def is_ok(self) -> bool:
        return not self.refused and not self.again


def read_reply(results: list[Any], first: int = 0) -> Reply:
    """The answer to a transaction from the answers to its operations (RFC 7047, 4.1.3).

    `first` is the number of answers before that to our first operation: they are to what asserts the lock.
    """
    uuids: dict[int, str] = {}
    for index, result in enumerate(results, -first):
        if not isinstance(result, dict):  # not tried, because another one failed
            continue
        error = result.get("error")
        if error is None:
            if "uuid" in result:
                uuids[index] = result["uuid"][1]
            continue
        if error == "timed out":
            return Reply("stale", "a row changed since the plan was made", index)
        details = result.get("details", "")
        reason = _brief(f"{error}: {details}") if details else str(error)
        return Reply("unavailable" if error in TRANSIENT else "refused", reason, index)
    if None in results:
        return Reply("unavailable", "the transaction was given up without a reason")
    return Reply("ok", uuids=uuids)


def _brief(reason: str) -> str:
    """Where the value stands in the middle, between what is wrong and why, the middle goes."""
    half = LONGEST_REASON // 2
    return reason if len(reason) <= LONGEST_REASON else f"{reason[:half]} … {reason[-half:]}"
