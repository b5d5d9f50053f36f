"""How the judges of the world say what is wrong with an object."""

from __future__ import annotations

from ovnloom.intent import Problem

SHOWN = 80
"""Characters of a user's text that a sentence repeats: an object may carry a megabyte of junk."""


def invalid(reason: str, message: str) -> Problem:
    """The object can't be used as it is written: Validated=False."""
    return Problem(reason, message, "Validated")


def idle(reason: str, message: str) -> Problem:
    """A part of what is written has no effect, all else works: Error=True."""
    return Problem(reason, message, "Error")


def shown(text: str) -> str:
    """A user's text as a sentence quotes it."""
    return repr(text if len(text) <= SHOWN else text[: SHOWN - 3] + "...")
