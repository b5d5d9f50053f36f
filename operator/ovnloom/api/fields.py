"""Reading JSON that may be rubbish: a value of a wrong type is left out and becomes a sentence, never an exception."""

from collections.abc import Mapping
from sys import intern
from typing import Any

from ovnloom.api.meta import EMPTY

SHOWN = 60
"""Characters of a wrong value that a sentence shows; a megabyte of junk must not become a condition."""
UINT32 = 2**32 - 1


def shown(value: Any) -> str:
    """A wrong value as a user reads it, cut to a length that fits in a condition."""
    found = value[: SHOWN + 1] if isinstance(value, str) else value
    if isinstance(found, list | dict) and len(found) > 4:
        return "a list" if isinstance(found, list) else "a map"
    words = repr(found)
    return words if len(words) <= SHOWN else words[:SHOWN] + "…"


class Fields:
    """One JSON object and the path to it; readers answer with the field's value, or its default and a sentence."""

    __slots__ = ("body", "malformed", "path")

    def __init__(self, body: Any, path: str, malformed: list[str]) -> None:
        self.path = path
        self.malformed = malformed
        self.body: Mapping[str, Any] = EMPTY
        if isinstance(body, dict):
            self.body = body
        elif body is not None:
            malformed.append(f"{path} is {shown(body)}; use a map of fields")

    def _wrong(self, name: str, value: Any, want: str) -> None:
        self.malformed.append(f"{self.path}.{name} is {shown(value)}; use {want}")

    def text(self, name: str) -> str:
        found = self.body.get(name)
        if found is None:
            return ""
        if type(found) is str:
            return intern(found) if len(found) < 64 else found
        self._wrong(name, found, "a string")
        return ""

    def flag(self, name: str) -> bool:
        return self.maybe_flag(name) is True

    def maybe_flag(self, name: str) -> bool | None:
        """True or False, or None when the user said neither."""
        found = self.body.get(name)
        if found is None or isinstance(found, bool):
            return found
        self._wrong(name, found, "true or false")
        return None

    def number(self, name: str, low: int = 0, high: int = UINT32) -> int:
        """A whole number, 0 when absent."""
        found = self.body.get(name)
        if found is None:
            return 0
        if isinstance(found, float) and found.is_integer():
            found = int(found)
        if type(found) is not int:
            self._wrong(name, found, "a number")
            return 0
        if not low <= found <= high:
            self._wrong(name, found, f"a number from {low} to {high}")
            return 0
        return found

    def texts(self, name: str) -> tuple[str, ...]:
        found = self.body.get(name)
        if found is None:
            return ()
        if not isinstance(found, list):
            self._wrong(name, found, "a list of strings")
            return ()
        for place, item in enumerate(found):
            if not isinstance(item, str):
                self._wrong(f"{name}[{place}]", item, "a string")
        return tuple(item for item in found if isinstance(item, str))

    def one(self, name: str) -> "Fields | None":
        """The JSON object under a name, or None when it is absent."""
        found = self.body.get(name)
        return None if found is None else Fields(found, f"{self.path}.{name}", self.malformed)

    def many(self, name: str) -> "list[Fields]":
        """The JSON objects of a list, in order, without what isn't one."""
        found = self.body.get(name)
        if found is None:
            return []
        if not isinstance(found, list):
            self._wrong(name, found, "a list")
            return []
        read = [Fields(item, f"{self.path}.{name}[{place}]", self.malformed) for place, item in enumerate(found)]
        return [fields for fields, item in zip(read, found, strict=True) if isinstance(item, dict)]
