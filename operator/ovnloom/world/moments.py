"""What the API server does not say and is in the world all the same: time that passed, what was decided here."""

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


@dataclass(frozen=True, slots=True)
class Leaving:
    """Nobody is entitled to this IP any more: no row names its address, and once that is so the IP object goes."""

    key: Key


@dataclass(frozen=True, slots=True)
class Refused:
    """The database refused the rows of an owner, and said why; it holds until the object changes."""

    key: Key
    words: str

    @staticmethod
    def key_of(kind: str, key: Key) -> Key:
        """Where it stands for an owner: owners of all kinds share one table."""
        return Key(f"{kind}/{key.name}", key.namespace)


@dataclass(frozen=True, slots=True)
class Absent:
    """The connected OVN is too old to have this table; what would be said in it is said otherwise, or not at all."""

    key: Key


@dataclass(frozen=True, slots=True)
class Taken:
    """A row that isn't ours has the usual name of this policy's group, so the policy takes another one."""

    key: Key


MOMENTS: tuple[type, ...] = (Taken, Absent, Overdue, Strays, Leaving, Refused)
CHOSEN = frozenset({Taken, Absent, Strays, Leaving, Refused})
"""What the pipeline put there itself, and will put there again."""
