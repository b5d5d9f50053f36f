"""A Vlan as written by its user: one network of a physical one."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from ovnloom.api.condition import Condition, decode_conditions
from ovnloom.api.fields import Fields
from ovnloom.api.meta import Object, decode_meta, empty, key_of, part

HIGHEST = 4095


@dataclass(frozen=True, slots=True)
class Vlan(Object):
    """Every field of spec; what we write into status doesn't count when two are compared."""

    id: int = 0
    """Tag of its frames; 0 means untagged."""
    provider: str = ""
    """The ProviderNetwork that it is part of."""
    malformed: tuple[str, ...] = ()
    """One sentence for each field of a wrong type; such a field has its default here."""
    conditions: tuple[Condition, ...] = field(default=(), compare=False)
    status: Mapping[str, Any] = field(default_factory=empty, compare=False)

    @classmethod
    def decode(cls, body: Mapping[str, Any]) -> Self:
        """The Vlan in a JSON body; `vlanId` and `providerInterfaceName` are the old names of its two fields."""
        malformed: list[str] = []
        spec = Fields(body.get("spec"), "spec", malformed)
        return cls(
            key=key_of(body),
            meta=decode_meta(body),
            id=spec.number("id", high=HIGHEST) or spec.number("vlanId", high=HIGHEST),
            provider=spec.text("provider") or spec.text("providerInterfaceName"),
            malformed=tuple(malformed),
            conditions=decode_conditions(body),
            status=part(body, "status"),
        )
