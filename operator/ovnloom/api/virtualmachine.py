"""A VirtualMachine of KubeVirt: while it exists, its Pods keep their addresses."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from ovnloom.api.meta import Object, decode_meta, key_of


@dataclass(frozen=True, slots=True)
class VirtualMachine(Object):
    """Only its existence counts."""

    @property
    def namespace(self) -> str:
        return self.key.namespace

    @classmethod
    def decode(cls, body: Mapping[str, Any]) -> Self:
        """The VirtualMachine in a JSON body."""
        return cls(key=key_of(body), meta=decode_meta(body))
