"""A VpcDns as written by its user: name resolution inside a Vpc."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from ovnloom.api.condition import Condition, decode_conditions
from ovnloom.api.fields import Fields
from ovnloom.api.meta import Object, decode_meta, empty, key_of, part


@dataclass(frozen=True, slots=True)
class VpcDns(Object):
    """`replicas` is 0 and `corefile` empty where the defaults count."""

    vpc: str = ""
    subnet: str = ""
    replicas: int = 0
    corefile: str = ""
    malformed: tuple[str, ...] = ()
    """One sentence for each field of a wrong type; such a field has its default here."""
    conditions: tuple[Condition, ...] = field(default=(), compare=False)
    status: Mapping[str, Any] = field(default_factory=empty, compare=False)

    @classmethod
    def decode(cls, body: Mapping[str, Any]) -> Self:
        """The VpcDns in a JSON body; a field of a wrong type becomes a sentence in `malformed`."""
        malformed: list[str] = []
        spec = Fields(body.get("spec"), "spec", malformed)
        return cls(
            key=key_of(body),
            meta=decode_meta(body),
            vpc=spec.text("vpc"),
            subnet=spec.text("subnet"),
            replicas=spec.number("replicas"),
            corefile=spec.text("corefile"),
            malformed=tuple(malformed),
            conditions=decode_conditions(body),
            status=part(body, "status"),
        )
