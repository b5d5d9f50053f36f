"""What a document means to a plan: an object that ovnloom watches, one whose Pods it will see, or nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ovnloom.api.meta import Key
from ovnloom.api.models.check import complaints
from ovnloom.api.models.kind import GROUP
from ovnloom.cli.manifest import Document
from ovnloom.cli.wrong import Wrong
from ovnloom.world.tables import BY_KIND, TABLES, Table

WORKLOADS: Mapping[tuple[str, str], str] = {
    ("apps/v1", "Deployment"): "replicas",
    ("apps/v1", "ReplicaSet"): "replicas",
    ("apps/v1", "StatefulSet"): "replicas",
    ("apps/v1", "DaemonSet"): "",
    ("v1", "ReplicationController"): "replicas",
    ("batch/v1", "Job"): "parallelism",
}
"""Kinds whose Pods somebody else makes, and the field that says how many (a DaemonSet: one for each Node)."""

# fmt: off
NOT_SERVED = frozenset({
    "QoSPolicy", "RouterLBRule", "DNSNameResolver", "OvnEip", "OvnFip",
    "OvnSnatRule", "OvnDnatRule", "IptablesEIP", "IptablesFIPRule",
    "IptablesDnatRule", "IptablesSnatRule", "VpcNatGateway", "VpcEgressGateway", "BgpConf", "EvpnConf",
})
# fmt: on
"""Kinds of Kube-OVN that ovnloom doesn't serve; everything else in the group is a mistake."""


@dataclass(frozen=True, slots=True)
class Given:
    """One object of the files, complete: it has a name, and a namespace if its kind has."""

    place: str
    kind: str
    api_version: str
    key: Key
    body: Mapping[str, Any]

    @property
    def table(self) -> Table | None:
        """The table of the world that it goes to."""
        return BY_KIND.get((self.api_version, self.kind))

    @property
    def is_workload(self) -> bool:
        """Whether it means Pods."""
        return (self.api_version, self.kind) in WORKLOADS

    def __str__(self) -> str:
        return f"{self.kind}/{self.key}"


@dataclass(slots=True)
class Manifests:
    """All objects of the files: those that matter, and those that no row depends on."""

    given: list[Given] = field(default_factory=list)
    ignored: list[Given] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def has_any(self) -> bool:
        """Whether there is a question about them at all."""
        return bool(self.given or self.ignored)


def judge(documents: Iterable[Document], namespace: str) -> Manifests:
    """Every document is sorted; namespaced ones without a namespace are in `namespace`.

    Raises Wrong with a sentence for each field that the API server would refuse, as far as types go.
    """
    found = Manifests()
    sentences: list[str] = []
    places: dict[tuple[str, Key], int] = {}
    for document in documents:
        wrong = list(_complaints(document.body))
        if wrong:
            sentences.extend(f"{document.place}: {sentence}" for sentence in wrong)
            continue
        given = _given(document, namespace)
        if given.table is None and not given.is_workload:
            found.ignored.append(given)
            continue
        before = places.get((given.kind, given.key))
        if before is None:
            places[given.kind, given.key] = len(found.given)
            found.given.append(given)
        else:
            found.notes.append(f"{given} is there twice: {found.given[before].place} is not used, {given.place} is")
            found.given[before] = given
    if sentences:
        raise Wrong(*sentences)
    return found


def _given(document: Document, namespace: str) -> Given:
    body = document.body
    kind, version = body["kind"], body["apiVersion"]
    meta = dict(body["metadata"])
    name = meta.get("name") or f"{meta['generateName']}1"
    table = BY_KIND.get((version, kind))
    is_inside = table.namespaced if table else (version, kind) in WORKLOADS or bool(meta.get("namespace"))
    key = Key(name, (meta.get("namespace") or namespace) if is_inside else "")
    meta["name"] = key.name
    if key.namespace:
        meta["namespace"] = key.namespace
    else:
        meta.pop("namespace", None)
    return Given(document.place, kind, version, key, {**body, "metadata": meta})


def _complaints(body: Mapping[str, Any]) -> Iterator[str]:
    kind, version = body.get("kind"), body.get("apiVersion")
    for field_name, value in (("apiVersion", version), ("kind", kind)):
        if not isinstance(value, str) or not value:
            yield f"{field_name} is missing; add it" if value is None else f"{field_name} is {value!r}; write a word"
    if not (isinstance(kind, str) and isinstance(version, str) and kind and version):
        return
    yield from _wrong_kind(kind, version)
    meta = body.get("metadata")
    if not isinstance(meta, dict):
        yield "metadata is missing; add it with a name" if meta is None else "metadata is not an object; write name: …"
        return
    name = meta.get("name") or meta.get("generateName")
    if not isinstance(name, str) or not name:
        yield "metadata.name is missing; add it" if name is None else f"metadata.name is {name!r}; write it in quotes"
    if meta.get("namespace") is not None and not isinstance(meta["namespace"], str):
        yield f"metadata.namespace is {meta['namespace']!r}; write it in quotes"
    yield from _texts(meta, "metadata")
    table = BY_KIND.get((version, kind))
    if table is None and (version, kind) not in WORKLOADS:
        return
    spec = body.get("spec")
    if spec is not None and not isinstance(spec, dict):
        yield f"spec is {str(spec)[:40]!r}; write an object"
        return
    template = (spec or {}).get("template") if (version, kind) in WORKLOADS else None
    if isinstance(template, dict) and isinstance(template.get("metadata"), dict):
        yield from _texts(template["metadata"], "spec.template.metadata")
    count = WORKLOADS.get((version, kind))
    if count and type((spec or {}).get(count) or 0) is not int:
        yield f"spec.{count} is {(spec or {})[count]!r}; write a whole number"
    yield from complaints(body)


def _texts(meta: Mapping[str, Any], where: str) -> Iterator[str]:
    """Labels and annotations are text: `port: 80` without quotes is a number, and the API server refuses it."""
    for part in ("labels", "annotations"):
        values = meta.get(part)
        if values is None:
            continue
        if not isinstance(values, dict):
            yield f"{where}.{part} is not an object; write name: value"
            continue
        for name, value in values.items():
            if not isinstance(name, str) or not isinstance(value, str):
                yield f"{where}.{part}[{name}] is {value!r}, which is not text; write it in quotes"


def _wrong_kind(kind: str, version: str) -> Iterator[str]:
    if (version, kind) in BY_KIND or (version, kind) in WORKLOADS:
        return
    group = version.rpartition("/")[0]
    # Other projects have a Subnet too, so only a group that nobody can mean is a mistake.
    meant = group in ("", "apps", "batch", "extensions") or "ovn" in group
    right = [table for table in TABLES if table.kind == kind and (meant or table.group == group != "kubevirt.io")]
    for table in right:
        yield f"kind {kind} has apiVersion {table.api_version}, not {version}; change it"
    if not right and group == GROUP and kind not in NOT_SERVED:
        known = ", ".join(table.kind for table in TABLES if table.group == GROUP)
        yield f"kind {kind} does not exist in {GROUP}; ovnloom serves {known}"
