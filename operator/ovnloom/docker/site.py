"""Where the objects are kept: in the northbound database alone, or with the API server."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeVar

from ovnloom.docker.state import State

Answer = TypeVar("Answer")


class Site(Protocol):
    """The objects that this host's Docker networks and endpoints are."""

    @property
    def is_cluster(self) -> bool:
        """Whether an API server has the objects; else the plugins alone do."""
        ...

    async def change(self, act: Callable[[State], Answer]) -> Answer:
        """What `act` answers; all that it changed is written as a whole, and OVN's rows follow.

        `act` may be called more than once. What it raises is raised here, and nothing is changed then. Raises
        Unavailable when the objects can't be reached.
        """
        ...

    async def read(self, look: Callable[[State], Answer]) -> Answer:
        """What `look` finds. Raises Unavailable."""
        ...

    async def run(self) -> None:
        """What others change is known, until cancelled."""
        ...

    def unready(self) -> str:
        """Why nothing can be changed now; empty when everything can."""
        ...
