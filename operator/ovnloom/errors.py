"""How the edges fail: try again, or it won't work as it is."""

from __future__ import annotations


class Unavailable(Exception):
    """The other side could not be asked (connection, timeout, 5xx): nothing is known to have happened, try again."""


class Refused(Exception):
    """The other side understood and said no: the same call will be refused again."""

    def __init__(self, reason: str) -> None:
        """`reason` is a sentence for people, the other side's own words included."""
        super().__init__(reason)
        self.reason = reason
