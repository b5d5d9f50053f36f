"""What the API server doesn't say and is in the world all the same: time that passed, what the allocator found."""

from __future__ import annotations

from dataclasses import dataclass

from ovnloom.api.meta import Key


@dataclass(frozen=True, slots=True)
class Overdue:
    """This Pod should have been gone by now: its grace period is over, so what it held is free."""

    key: Key
    uid: str


@dataclass(frozen=True, slots=True)
class Strays:
    """Addresses of a Subnet that are in use although its spec doesn't offer them any more, in words."""

    key: Key
    words: tuple[str, ...]


MOMENTS: tuple[type, ...] = (Overdue, Strays)
