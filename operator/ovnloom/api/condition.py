"""One item of `status.conditions`, in the shape that kube-ovn's tools read."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ovnloom.api.meta import part, text


@dataclass(frozen=True, slots=True)
class Condition:
    """What is the case for an object, why, and since when (RFC 3339 times)."""

    type: str
    status: str
    reason: str = ""
    message: str = ""
    observed_generation: int = 0
    last_update_time: str = ""
    last_transition_time: str = ""
    node: str = ""
    """The node that it is about; only ProviderNetworks have conditions of nodes."""

    def encode(self) -> dict[str, Any]:
        """The item as it is written; times that nobody set are left out."""
        item: dict[str, Any] = {
            "type": self.type,
            "status": self.status,
            "reason": self.reason,
            "message": self.message,
            "observedGeneration": self.observed_generation,
        }
        if self.last_update_time:
            item["lastUpdateTime"] = self.last_update_time
        if self.last_transition_time:
            item["lastTransitionTime"] = self.last_transition_time
        if self.node:
            item["node"] = self.node
        return item


def decode_conditions(body: Mapping[str, Any]) -> tuple[Condition, ...]:
    """The conditions in the status of an object, in their order; items that can't be read are left out."""
    found = part(body, "status").get("conditions")
    if not isinstance(found, list):
        return ()
    return tuple(_decode(item) for item in found if isinstance(item, dict))


def _decode(item: dict[str, Any]) -> Condition:
    generation = item.get("observedGeneration")
    return Condition(
        type=text(item, "type"),
        status=text(item, "status"),
        reason=text(item, "reason"),
        message=text(item, "message"),
        observed_generation=generation if type(generation) is int else 0,
        last_update_time=text(item, "lastUpdateTime"),
        last_transition_time=text(item, "lastTransitionTime"),
        node=text(item, "node"),
    )
