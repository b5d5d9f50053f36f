"""Long lists in a sentence."""

from __future__ import annotations

from collections.abc import Sequence

SHOWN = 12
"""Objects or lines of a part that isn't the question, before the rest is only counted."""


def some(names: Sequence[str]) -> str:
    """The first of the names, and how many more there are."""
    rest = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + rest
