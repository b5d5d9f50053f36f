"""An IPPool as written by its user: a part of a Subnet set aside."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from ovnloom.api.condition import Condition, decode_conditions
from ovnloom.api.fields import Fields
from ovnloom.api.meta import Object, decode_meta, empty, key_of, part


@dataclass(frozen=True, slots=True)
class IPPool(Object):
    """Every field of spec; what we write into status doesn't count when two are compared."""

    subnet: str = ""
    namespaces: tuple[str, ...] = ()
    ips: tuple[str, ...] = ()
    enable_address_set: bool = False
    malformed: tuple[str, ...] = ()
    """One sentence for each field of a wrong type; such a field has its default here."""
    conditions: tuple[Condition, ...] = field(default=(), compare=False)
    status: Mapping[str, Any] = field(default_factory=empty, compare=False)

    @classmethod
    def decode(cls, body: Mapping[str, Any]) -> Self:
        """The IPPool in a JSON body; a field of a wrong type becomes a sentence in `malformed`."""
        malformed: list[str] = []
        spec = Fields(body.get("spec"), "spec", malformed)
        return cls(
            key=key_of(body),
            meta=decode_meta(body),
            subnet=spec.text("subnet"),
            namespaces=spec.texts("namespaces"),
            ips=spec.texts("ips"),
            enable_address_set=spec.flag("enableAddressSet"),
            malformed=tuple(malformed),
            conditions=decode_conditions(body),
            status=part(body, "status"),
        )
