"""A SwitchLBRule as written by its user: a load balancer in front of Pods or of fixed addresses."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Self

from ovnloom.api.condition import Condition, decode_conditions
from ovnloom.api.fields import Fields
from ovnloom.api.meta import Object, decode_meta, empty, key_of, part


class RulePort(NamedTuple):
    """One port; `target_port` is that of the backends, 0 when it is the same."""

    name: str
    port: int
    target_port: int
    protocol: str


@dataclass(frozen=True, slots=True)
class SwitchLBRule(Object):
    """Raw strings, to be judged by who compiles them; what we write into status doesn't count for equality."""

    vip: str = ""
    namespace: str = ""
    selector: tuple[str, ...] = ()
    endpoints: tuple[str, ...] = ()
    ports: tuple[RulePort, ...] = ()
    session_affinity: str = ""
    malformed: tuple[str, ...] = ()
    """One sentence for each field of a wrong type; such a field has its default here."""
    conditions: tuple[Condition, ...] = field(default=(), compare=False)
    status: Mapping[str, Any] = field(default_factory=empty, compare=False)

    @classmethod
    def decode(cls, body: Mapping[str, Any]) -> Self:
        """The rule in a JSON body; a field of a wrong type becomes a sentence in `malformed`."""
        malformed: list[str] = []
        spec = Fields(body.get("spec"), "spec", malformed)
        return cls(
            key=key_of(body),
            meta=decode_meta(body),
            vip=spec.text("vip").strip(),
            namespace=spec.text("namespace"),
            selector=spec.texts("selector"),
            endpoints=spec.texts("endpoints"),
            ports=tuple(map(_port, spec.many("ports"))),
            session_affinity=spec.text("sessionAffinity"),
            malformed=tuple(malformed),
            conditions=decode_conditions(body),
            status=part(body, "status"),
        )


def _port(fields: Fields) -> RulePort:
    return RulePort(
        fields.text("name"), fields.number("port"), fields.number("targetPort"), fields.text("protocol") or "TCP"
    )
