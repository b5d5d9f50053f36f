"""A ConfigMap: texts by name. Only those whose names Kube-OVN's users know are ever asked for."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from ovnloom.api.meta import Object, empty, key_of, strings


@dataclass(frozen=True, slots=True)
class ConfigMap(Object):
    """Its texts; what isn't a text is left out."""

    texts: Mapping[str, str] = field(default_factory=empty)

    @classmethod
    def decode(cls, body: Mapping[str, Any]) -> Self:
        """The ConfigMap in a JSON body."""
        return cls(key=key_of(body), texts=strings(body.get("data")))
