"""A StatefulSet: how long the addresses of its Pods are kept."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from ovnloom.api.meta import Object, decode_meta, empty, key_of, part


@dataclass(frozen=True, slots=True)
class StatefulSet(Object):
    """Ordinals run from `start` to `start + replicas - 1`; Pods of others give their addresses back."""

    replicas: int = 1
    start: int = 0
    template_annotations: Mapping[str, str] = field(default_factory=empty)
    """What its Pods will ask of the network, by full annotation key."""

    @property
    def namespace(self) -> str:
        return self.key.namespace

    def keeps(self, ordinal: int) -> bool:
        """A Pod of this ordinal will come back under the same name."""
        return self.start <= ordinal < self.start + self.replicas

    @classmethod
    def decode(cls, body: Mapping[str, Any]) -> Self:
        """The StatefulSet in a JSON body, with the API server's defaults for what is absent."""
        spec = part(body, "spec")
        replicas, start = spec.get("replicas"), part(spec, "ordinals").get("start")
        return cls(
            key=key_of(body),
            meta=decode_meta(body),
            replicas=replicas if type(replicas) is int else 1,
            start=start if type(start) is int else 0,
            template_annotations=decode_meta(part(spec, "template"), (".kubernetes.io/", "cni.cncf.io/")).annotations,
        )
