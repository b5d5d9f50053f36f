"""The Kubernetes objects that we made, as the API server shows them: known by what they say about themselves.

Labels of a Service are copied to its EndpointSlices, and people copy manifests. So one counts as ours only when it also
says, in annotations, for whom it was made and under which name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ovnloom.api.meta import EMPTY, Key, deletion_time, empty, key_of, metadata, part, text

OWNER_KIND = "ovnloom.io/owner-kind"
"""Label with the kind of the owner, for `kubectl get -l`."""
OWNER = "ovnloom.io/owner"
"""Annotation with the owner as rows name it, or `SHARED`."""
SELF = "ovnloom.io/object"
"""Annotation with the object's own key, which a copy of it doesn't have."""
DIGEST = "ovnloom.io/digest"
"""Annotation with the digest of what we applied last: what we don't want any more is told from what others added."""
SHARED = "shared"
"""In place of an owner: several want the object."""
_LEFT_OUT = frozenset({"apiVersion", "kind", "metadata", "status"})


@dataclass(frozen=True, slots=True)
class Made:
    """One object of ours. `content` is what can be compared: the body without what the API server alone writes."""

    key: Key
    """See `key_of`: the objects of all kinds share one table."""
    kind: str
    target: Key
    uid: str = ""
    owner: str = ""
    owner_kind: str = ""
    digest: str = ""
    is_going: bool = False
    content: Mapping[str, Any] = field(default_factory=empty)

    @staticmethod
    def key_of(kind: str, key: Key) -> Key:
        """Where an object of a kind stands."""
        return Key(f"{kind}/{key.name}", key.namespace)

    @classmethod
    def decode(cls, kind: str, body: Mapping[str, Any]) -> Made | None:
        """The object, when it is one of ours."""
        meta = metadata(body)
        labels = meta.get("labels")
        if not isinstance(labels, dict) or OWNER_KIND not in labels:
            return None
        annotations, target = part(meta, "annotations"), key_of(body)
        if text(annotations, SELF) != str(target) or not text(annotations, OWNER):
            return None
        kept = {"labels": labels, "annotations": annotations, "ownerReferences": meta.get("ownerReferences") or []}
        content = {"metadata": kept, **{name: value for name, value in body.items() if name not in _LEFT_OUT}}
        return cls(
            cls.key_of(kind, target),
            kind,
            target,
            text(meta, "uid"),
            text(annotations, OWNER),
            text(labels, OWNER_KIND),
            text(annotations, DIGEST),
            deletion_time(meta) is not None,
            content or EMPTY,
        )
