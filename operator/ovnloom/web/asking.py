"""What the page asks about traffic. Who answers is given to the server: it is the code of `ovnloom verdict`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, Protocol

from ovnloom.api.meta import Key

Direction = Literal["from", "to"]
"""Whether the Pod that is looked at sends or receives."""


class Asker(Protocol):
    """Answers from the rows as they are wanted at that moment. Every call raises Refused for what can't be asked."""

    def reach(self, pod: Key, direction: Direction, port: str, after: str) -> Mapping[str, Any]:
        """A page of verdicts between a Pod and every other end, from the one behind `after` on.

        `found` has a word for each id (yes, no, part); `next` is where the next page starts, empty for none;
        `isolation` says which policies close the Pod; `version` is that of the rows, perhaps not the newest.
        """

    def why(self, source: str, target: str, port: str) -> Mapping[str, Any]:
        """The verdict for one pair, with its steps; ends are ids."""
