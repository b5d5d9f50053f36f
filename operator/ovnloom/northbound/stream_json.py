"""Fast JSON for the Python `ovs` package: without its C extension, which PyPI lacks, its parser is seven times slower.

The end of a message is found by a regular expression over braces and strings, the rest is the standard library's.
"""

from __future__ import annotations

import json
import re
from typing import Any

import ovs.json

# Possessive, so that a string that isn't closed in its piece costs no second look.
_STEP = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"|["{}\[\]]', re.DOTALL)
_STRING_END = re.compile(r'[^"\\]*+(?:\\.[^"\\]*+)*+', re.DOTALL)


class StreamParser:
    """What `ovs.json.Parser` does: takes text in any pieces, stops after one value.

    With `check_trailer` all input belongs to the value, and what follows it is an error. An error is answered as text
    by `finish`, as ovs does.
    """

    def __init__(self, check_trailer: bool = False) -> None:
        self._check_trailer = check_trailer
        self._pieces: list[str] = []
        self._depth = 0
        self._in_string = False
        self._escaped = False
        self._done = False
        self._error = ""

    def feed(self, text: str) -> int:
        """Take as many characters as belong to the value; the answer is their number."""
        if self._done or not text:
            return 0
        if self._check_trailer:
            self._pieces.append(text)
            return len(text)
        end = self._end(text)
        if end < 0:
            self._pieces.append(text)
            return len(text)
        self._pieces.append(text[:end])
        self._done = True
        return end

    def is_done(self) -> bool:
        return self._done

    def finish(self) -> Any:
        """The value, or a text that says what is wrong with it."""
        if self._error:
            return self._error
        try:
            return json.loads("".join(self._pieces))
        except ValueError as wrong:
            return f"not JSON: {wrong}"

    def _end(self, text: str) -> int:
        """Where the value ends, or -1 when it goes on in the next piece."""
        at = 0
        if self._in_string:
            at = self._string(text, 0)
            if at < 0:
                return -1
        return self._value(text, at)

    def _value(self, text: str, at: int) -> int:
        depth = self._depth
        if depth == 0 and not self._begins(text, at):
            return len(text) if self._done else -1
        for found in _STEP.finditer(text, at):
            mark = found[0]
            if len(mark) > 1:
                continue
            if mark == '"':  # a string that goes on in the next piece
                self._depth = depth
                self._in_string = True
                return self._string(text, found.end())
            if mark in "{[":
                depth += 1
                continue
            depth -= 1
            if depth == 0:
                return found.end()
        self._depth = depth
        return -1

    def _begins(self, text: str, at: int) -> bool:
        """Whether a value starts in this piece; blanks may come before it, anything else is an error."""
        rest = text[at:].lstrip(" \t\r\n")
        if rest and rest[0] not in "{[":
            self._error = f"syntax error at beginning of input: {rest[:20]!r}"
            self._done = True
        return bool(rest) and not self._done

    def _string(self, text: str, at: int) -> int:
        """Where the open string ends, or -1."""
        if self._escaped and at < len(text):
            at += 1
            self._escaped = False
        found = _STRING_END.match(text, at)
        end = found.end() if found else at
        if end < len(text) and text[end] == '"':
            self._in_string = False
            return end + 1
        self._escaped = end < len(text)  # the piece ends in a backslash
        return -1


def install() -> None:
    """From now on ovs reads JSON with StreamParser, unless it has its own C parser."""
    if ovs.json.PARSER != ovs.json.PARSER_C:
        ovs.json.Parser = StreamParser
