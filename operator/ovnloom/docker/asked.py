"""A request of dockerd, read field by field; what can't be read is refused with the field's name."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from ipaddress import IPv4Interface, IPv6Interface, ip_interface
from typing import Any

from ovnloom.errors import Refused

Interface = IPv4Interface | IPv6Interface


class Asked:
    """The fields of one JSON object; `place` is how messages call it."""

    def __init__(self, found: Mapping[str, Any], place: str = "") -> None:
        self._found = found
        self._place = place

    @classmethod
    def parse(cls, text: bytes) -> Asked:
        """The body of a request; an empty one has no fields. Raises Refused."""
        try:
            found = json.loads(text or b"{}")
        except (ValueError, RecursionError) as problem:
            raise Refused(f"the request is no JSON ({problem}); send an object such as {{}}") from None
        if not isinstance(found, dict):
            raise Refused(f"the request is a JSON {type(found).__name__}; send an object such as {{}}")
        return cls(found)

    def text(self, name: str) -> str:
        """A string; empty when there is none. Raises Refused."""
        found = self._found.get(name)
        if found is None:
            return ""
        if not isinstance(found, str):
            raise Refused(f"{self._place}{name} is {json.dumps(found)[:60]}; it has to be a string")
        return found.strip()

    def needed(self, name: str) -> str:
        """A string that has to be there. Raises Refused."""
        found = self.text(name)
        if not found:
            raise Refused(f"{self._place}{name} is missing; say which one is meant")
        return found

    def flag(self, name: str) -> bool:
        """A boolean, which Docker also writes as text; False when there is none. Raises Refused."""
        found = self._found.get(name)
        said = str(found).strip().lower() if isinstance(found, bool | str) else found
        if said in (None, "", "false", "0"):
            return False
        if said in ("true", "1"):
            return True
        raise Refused(f"{self._place}{name} is {json.dumps(found)[:60]}; it has to be true or false")

    def one(self, name: str) -> Asked:
        """An object; empty when there is none. Raises Refused."""
        return Asked(self._object(name), f"{self._place}{name}.")

    def many(self, name: str) -> Iterator[Asked]:
        """The objects of a list. Raises Refused."""
        found = self._found.get(name) or []
        if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
            raise Refused(f"{self._place}{name} has to be a list of objects")
        return (Asked(each, f"{self._place}{name}[{at}].") for at, each in enumerate(found))

    def texts(self, name: str) -> dict[str, str]:
        """An object of strings. Raises Refused."""
        inner = Asked(self._object(name), f"{self._place}{name}.")
        return {key: inner.text(key) for key in self._object(name)}

    def address(self, name: str) -> Interface | None:
        """An address, with or without a prefix length; None when there is none. Raises Refused."""
        found = self.text(name)
        if not found:
            return None
        try:
            return ip_interface(found)
        except ValueError:
            raise Refused(f"{self._place}{name} is {found[:60]!r}, no address; write one like 10.77.0.9") from None

    @staticmethod
    def known(options: Mapping[str, str], words: Sequence[str], flag: str) -> Mapping[str, str]:
        """The options when all are known. Raises Refused."""
        for key in options:
            if key not in words:
                raise Refused(f"{flag} {key[:60]} is not known to ovnloom; use {', '.join(words)}, or leave it out")
        return options

    def _object(self, name: str) -> Mapping[str, Any]:
        found = self._found.get(name)
        if found is None:
            return {}
        if not isinstance(found, dict):
            raise Refused(f"{self._place}{name} is {json.dumps(found)[:60]}; it has to be an object")
        return found

    def __contains__(self, name: str) -> bool:
        return name in self._found
