"""How the API server fails us, as the two answers that callers know: try again, or it won't work as it is."""

import json
from collections.abc import Mapping
from typing import Any

from ovnloom.errors import Refused, Unavailable

WORDS = 500
"""Characters of the server's own words that are passed on: it repeats an invalid object back in full."""


class NoAnswer(Unavailable):
    """The server could not be asked or wasn't able to do it now."""

    def __init__(self, reason: str, retry_after: float = 0.0, *, is_answer: bool = False) -> None:
        """`retry_after` are the seconds that the server asks us to wait; 0 when it said nothing.

        `is_answer` means that the server is there and failed at this request; otherwise it fails at all of them.
        """
        super().__init__(reason)
        self.reason = reason
        self.retry_after = retry_after
        self.is_answer = is_answer


class NotFound(Refused):
    """There is no such object, or no such kind."""


class Conflict(Refused):
    """The object is not what the request said it was (its resource version or its uid): read it and decide again."""


class AlreadyExists(Refused):
    """There is an object of this name."""


class Expired(Refused):
    """A list that was being read page by page is too old to be continued: start again."""


class Forbidden(Refused):
    """The rights of our service account don't cover the request."""


class Invalid(Refused):
    """The object breaks the rules of its kind."""


_BY_STATUS: Mapping[int, type[Refused]] = {403: Forbidden, 404: NotFound, 409: Conflict, 410: Expired, 422: Invalid}
_LATER = frozenset({401, 408, 429})
"""4xx that say nothing about the request: 401 is a token that expired or an authenticator that is down."""


def failure(what: str, status: int, body: bytes, retry_after: str = "") -> NoAnswer | Refused:
    """The exception for an answer of 300 or more, with the server's own words. `what` is the request, for people."""
    said, reason = _words(body)
    sentence = f"{what}: {said or f'status {status}'}"
    if status in _LATER or status >= 500:
        return NoAnswer(sentence, _seconds(retry_after), is_answer=status != 401)
    if status == 409 and reason == "AlreadyExists":
        return AlreadyExists(sentence)
    return _BY_STATUS.get(status, Refused)(sentence)


def _words(body: bytes) -> tuple[str, str]:
    try:
        found: Any = json.loads(body)
    except ValueError:
        return body[:WORDS].decode(errors="replace").strip(), ""
    if not isinstance(found, dict):
        return "", ""
    return str(found.get("message") or "")[:WORDS], str(found.get("reason") or "")


def _seconds(retry_after: str) -> float:
    try:
        return max(0.0, float(retry_after))
    except ValueError:  # a date, which the API server never sends
        return 0.0
