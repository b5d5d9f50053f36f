"""A Namespace: its labels, and the annotations that say where its Pods get their addresses."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from ovnloom.api.meta import Object, decode_meta, key_of


@dataclass(frozen=True, slots=True)
class Namespace(Object):
    """Labels are what selectors of Subnets and policies look at."""

    @classmethod
    def decode(cls, body: Mapping[str, Any]) -> Self:
        """The Namespace in a JSON body."""
        return cls(key=key_of(body), meta=decode_meta(body))
