"""What an assign function answers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from ovnloom.api.ip import IP
from ovnloom.api.meta import Key
from ovnloom.intent import Owner, Problem


class Claim(NamedTuple):
    """The object on whose behalf choices are made; it is due again when something that it read changes."""

    kind: str
    key: Key
    stage: str = "assign"
    """Sets a claim apart from the Owner of the same object, which is a tuple too."""

    @property
    def owner(self) -> Owner:
        """The owner whose rows follow from the choices."""
        return Owner(self.kind, self.key)


@dataclass(frozen=True, slots=True)
class Take:
    """This address is given to its holder: the IP object is created. Only then may rows name the address."""

    ip: IP


@dataclass(frozen=True, slots=True)
class Amend:
    """The IP object stays and says something else (the node that its Pod moved to, the address of a reservation)."""

    ip: IP


@dataclass(frozen=True, slots=True)
class Release:
    """Nobody is entitled to the address any more: the IP object goes, once no port has the address."""

    key: Key


Choice = Take | Amend | Release


class Demand(NamedTuple):
    """What waiting claims of one queue need: an address of one Subnet (and IPPool) in these families."""

    subnet: str
    pool: str
    families: tuple[int, ...]


@dataclass(slots=True)
class Assignment:
    """The choices made for one claim, what its user must be told, and what it waits for (in order, first come)."""

    choices: list[Choice] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    waits: list[Demand] = field(default_factory=list)
