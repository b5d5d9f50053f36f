"""What every object carries besides its spec: its key, its metadata, and who owns it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from sys import intern
from types import MappingProxyType
from typing import Any, NamedTuple

EMPTY: Mapping[str, str] = MappingProxyType({})
"""Shared by all objects without labels or annotations: 50,000 of them cost nothing."""


def empty() -> Mapping[str, str]:
    """The shared empty map, as the default of a field."""
    return EMPTY


FINALIZER = "kubeovn.io/kube-ovn-controller"
OLD_FINALIZER = "kube-ovn-controller"
OURS = ("ovn.kubernetes.io/", "ovnloom.io/")
"""Parts of annotation keys that can mean something to us on objects other than Pods."""


class Key(NamedTuple):
    """The name of an object among its kind; `namespace` is empty for kinds that live outside of namespaces."""

    name: str
    namespace: str = ""

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}" if self.namespace else self.name


class OwnerRef(NamedTuple):
    """One entry of `metadata.ownerReferences`; `group` is the API group without its version."""

    kind: str
    group: str
    name: str
    uid: str
    controller: bool = False


@dataclass(frozen=True, slots=True)
class Meta:
    """The metadata that somebody can depend on; the resource version doesn't count when two are compared."""

    uid: str = ""
    generation: int = 0
    created: str = ""
    labels: Mapping[str, str] = field(default_factory=empty)
    annotations: Mapping[str, str] = field(default_factory=empty)
    deletion_time: float | None = None
    """Unix time in seconds at which the grace period ends; None while nobody asked for deletion."""
    finalizers: tuple[str, ...] = ()
    owners: tuple[OwnerRef, ...] = ()
    resource_version: str = field(default="", compare=False)

    @property
    def deleting(self) -> bool:
        return self.deletion_time is not None

    @property
    def controller(self) -> OwnerRef | None:
        """The owner that makes and unmakes the object, if it has one."""
        for ref in self.owners:
            if ref.controller:
                return ref
        return None


NO_META = Meta()


@dataclass(frozen=True, slots=True)
class Object:
    """What the slim views share. Two are equal when nothing differs that anybody may depend on."""

    key: Key
    meta: Meta = NO_META

    @property
    def name(self) -> str:
        return self.key.name

    @property
    def uid(self) -> str:
        return self.meta.uid

    @property
    def labels(self) -> Mapping[str, str]:
        return self.meta.labels

    @property
    def annotations(self) -> Mapping[str, str]:
        return self.meta.annotations

    @property
    def deleting(self) -> bool:
        return self.meta.deletion_time is not None

    @property
    def finalizers(self) -> tuple[str, ...]:
        return self.meta.finalizers


def metadata(body: Mapping[str, Any]) -> Mapping[str, Any]:
    return part(body, "metadata")


def part(body: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """The JSON object under a name, empty when there is none or when it is something else."""
    found = body.get(name) if isinstance(body, dict) else None
    return found if isinstance(found, dict) else EMPTY


def text(body: Mapping[str, Any], name: str) -> str:
    """The string under a name, empty when there is none or when it is something else."""
    found = body.get(name)
    return found if isinstance(found, str) else ""


def word(body: Mapping[str, Any], name: str) -> str:
    """Like `text`, for strings that many objects share: equal ones are stored once."""
    found = body.get(name)
    return intern(found) if type(found) is str else ""


def texts(body: Mapping[str, Any], name: str) -> tuple[str, ...]:
    """The strings of a list, without what isn't one."""
    found = body.get(name)
    return tuple(intern(item) for item in found if type(item) is str) if isinstance(found, list) and found else ()


def strings(found: Any) -> Mapping[str, str]:
    """A map of strings to strings (labels), without entries that aren't; equal maps of many objects are one."""
    if not isinstance(found, dict) or not found:
        return EMPTY
    try:
        items = tuple(found.items())
        shared = _SHARED.get(items)
    except TypeError:  # a value that isn't even hashable
        items, shared = (), None
    if shared is not None:
        return shared
    read = {intern(key): intern(value) for key, value in found.items() if type(key) is str and type(value) is str}
    if items:
        _share(items, read)
    return read


_SHARED: dict[tuple[tuple[str, str], ...], Mapping[str, str]] = {}
MOST_SHARED = 2048
"""Label maps remembered for sharing; the Pods of a Deployment have the same, those of a StatefulSet don't."""


def _share(items: tuple[tuple[str, str], ...], read: Mapping[str, str]) -> None:
    if len(_SHARED) >= MOST_SHARED:
        _SHARED.clear()
    _SHARED[items] = read


def key_of(body: Mapping[str, Any]) -> Key:
    """The key of any object; empty names when the body has none."""
    found = metadata(body)
    return Key(text(found, "name"), word(found, "namespace"))


def decode_meta(body: Mapping[str, Any], keep: tuple[str, ...] = OURS) -> Meta:
    """The metadata of an object, with the annotations whose key contains one of `keep`."""
    found = metadata(body)
    generation = found.get("generation")
    return Meta(
        uid=text(found, "uid"),
        generation=generation if type(generation) is int else 0,
        created=word(found, "creationTimestamp"),
        labels=strings(found.get("labels")),
        annotations=_kept(found.get("annotations"), keep),
        deletion_time=deletion_time(found),
        finalizers=texts(found, "finalizers"),
        owners=owners(found.get("ownerReferences")),
        resource_version=text(found, "resourceVersion"),
    )


def _kept(found: Any, keep: tuple[str, ...]) -> Mapping[str, str]:
    if not isinstance(found, dict) or not found:
        return EMPTY
    kept = {
        intern(key): value
        for key, value in found.items()
        if type(key) is str and type(value) is str and any(some in key for some in keep)
    }
    return kept or EMPTY


def deletion_time(found: Mapping[str, Any]) -> float | None:
    """Unix seconds of `deletionTimestamp`, which already includes the grace period; unreadable counts as long ago."""
    when = found.get("deletionTimestamp")
    if when is None:
        return None
    try:
        return datetime.fromisoformat(when).timestamp()
    except (TypeError, ValueError, OverflowError):
        return 0.0


def owners(found: Any) -> tuple[OwnerRef, ...]:
    """The owner references of an object, in their order."""
    if not isinstance(found, list) or not found:
        return ()
    return tuple(_owner(item) for item in found if isinstance(item, dict))


def _owner(item: Mapping[str, Any]) -> OwnerRef:
    group = text(item, "apiVersion").rpartition("/")[0]
    owning = item.get("controller") is True
    return OwnerRef(word(item, "kind"), intern(group), word(item, "name"), word(item, "uid"), owning)


def controlling(found: Any) -> OwnerRef | None:
    """The owner that makes and unmakes an object, from its raw owner references."""
    if not isinstance(found, list):
        return None
    for item in found:
        if isinstance(item, dict) and item.get("controller") is True:
            return _owner(item)
    return None
