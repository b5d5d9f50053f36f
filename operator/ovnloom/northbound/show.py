"""Values of columns as people read them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ovnloom.intent import Ref


def show(value: Any) -> str:
    """A value as people read it: sorted, rows by their names."""
    if value is None:
        return "nothing"
    if isinstance(value, Ref):
        return value.name
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return value or '""'
    if isinstance(value, frozenset | set):
        return "{" + ", ".join(sorted(show(element) for element in value)) + "}"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}={value[key]}" for key in sorted(value)) + "}"
    return str(value)
