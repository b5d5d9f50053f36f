"""Where a kind of object lives in the API."""

from dataclasses import dataclass
from typing import Protocol


class Resource(Protocol):
    """What has to be known of a kind to ask for its objects; `Kind` is one, and so is a table of the world."""

    @property
    def group(self) -> str: ...
    @property
    def version(self) -> str: ...
    @property
    def plural(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of object by its names; `group` is empty for the core API."""

    group: str
    version: str
    plural: str
    kind: str
    namespaced: bool

    @property
    def api_version(self) -> str:
        """As `apiVersion` of an object says it."""
        return api_version(self)


def api_version(resource: Resource) -> str:
    return f"{resource.group}/{resource.version}" if resource.group else resource.version


def path(resource: Resource, namespace: str = "", name: str = "", subresource: str = "") -> str:
    """The path of all objects of a kind, of those in one namespace, of one object or of a part of it."""
    root = f"/apis/{resource.group}/{resource.version}" if resource.group else f"/api/{resource.version}"
    inside = f"/namespaces/{namespace}" if namespace else ""
    found = f"{root}{inside}/{resource.plural}"
    if name:
        found = f"{found}/{name}"
    return f"{found}/{subresource}" if subresource else found


LEASES = Kind("coordination.k8s.io", "v1", "leases", "Lease", True)
EVENTS = Kind("", "v1", "events", "Event", True)
