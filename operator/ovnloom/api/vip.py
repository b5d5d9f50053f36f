"""A Vip: an address of a Subnet that is nobody's yet, several Pods', a load balancer's or a virtual machine's."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from ovnloom.api.condition import Condition, decode_conditions
from ovnloom.api.fields import Fields
from ovnloom.api.meta import Object, decode_meta, empty, key_of, part, text

SWITCH_LB = "switch_lb_vip"
HOST_VM = "kube_host_vm_vip"
TYPES = ("", SWITCH_LB, HOST_VM)


@dataclass(frozen=True, slots=True)
class Vip(Object):
    """The wanted address, or what it got; `v4` and `v6` fall back to what an older controller wrote into status."""

    subnet: str = ""
    namespace: str = ""
    v4: str = ""
    v6: str = ""
    mac: str = ""
    type: str = ""
    selector: tuple[str, ...] = ()
    malformed: tuple[str, ...] = ()
    """One sentence for each field of a wrong type; such a field has its default here."""
    conditions: tuple[Condition, ...] = field(default=(), compare=False)
    status: Mapping[str, Any] = field(default_factory=empty, compare=False)

    @property
    def said_v4(self) -> str:
        """The IPv4 address of spec, else of status."""
        return self.v4 or text(self.status, "v4ip")

    @property
    def said_v6(self) -> str:
        return self.v6 or text(self.status, "v6ip")

    @property
    def said_mac(self) -> str:
        return self.mac or text(self.status, "mac")

    @classmethod
    def decode(cls, body: Mapping[str, Any]) -> Self:
        """The Vip in a JSON body; a field of a wrong type becomes a sentence in `malformed`."""
        malformed: list[str] = []
        spec = Fields(body.get("spec"), "spec", malformed)
        return cls(
            key=key_of(body),
            meta=decode_meta(body),
            subnet=spec.text("subnet"),
            namespace=spec.text("namespace"),
            v4=spec.text("v4ip"),
            v6=spec.text("v6ip"),
            mac=spec.text("macAddress"),
            type=spec.text("type"),
            selector=spec.texts("selector"),
            malformed=tuple(malformed),
            conditions=decode_conditions(body),
            status=part(body, "status"),
        )
