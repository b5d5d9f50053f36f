"""The values that travel: rows, memberships, problems and what one owner wants of the northbound database."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from ovnloom.api.meta import Key


class Owner(NamedTuple):
    """The Kubernetes object whose compile emits a row; every row we write belongs to exactly one."""

    kind: str
    key: Key

    def __str__(self) -> str:
        """The text that a row carries in `external_ids:ovnloom.io/owner`: `Kind/name` or `Kind/namespace/name`."""
        if self.key.namespace:
            return f"{self.kind}/{self.key.namespace}/{self.key.name}"
        return f"{self.kind}/{self.key.name}"

    @classmethod
    def parse(cls, text: str) -> Owner | None:
        """The Owner that `str()` wrote, or None for text that isn't one."""
        parts = text.split("/")
        if len(parts) == 2 and all(parts):
            return cls(parts[0], Key(parts[1]))
        if len(parts) == 3 and all(parts):
            return cls(parts[0], Key(parts[2], parts[1]))
        return None


class Ref(NamedTuple):
    """A row by what is known before it has a UUID: its table and its identity (see `ovn.schema.identity`)."""

    table: str
    name: str


Scalar = str | int | float | bool
Element = str | int | Ref | tuple[str, str]
"""What a set column holds, or a (key, value) pair of a map column."""
Value = Scalar | Ref | frozenset[Any] | Mapping[str, str] | None
"""A column: scalar, reference, set (frozenset of scalars or Refs), map; None is an optional column left empty."""


class Parent(NamedTuple):
    """Where a row hangs: the set column of another row that refers to it, such as Logical_Switch.ports."""

    table: str
    name: str
    column: str

    @property
    def ref(self) -> Ref:
        """The row that holds the column."""
        return Ref(self.table, self.name)


_NOTHING: Mapping[str, Value] = {}


class Row(NamedTuple):
    """One row that must exist.

    `name` is the row's identity in its table; `columns` are the whole content, so a column of ours that isn't named
    has its default. `kept` columns (a MAC address drawn once) keep the value of a row that is adopted.
    """

    table: str
    name: str
    columns: Mapping[str, Value] = _NOTHING
    parent: Parent | None = None
    kept: tuple[str, ...] = ()

    @property
    def ref(self) -> Ref:
        """How other rows name this one."""
        return Ref(self.table, self.name)


class Member(NamedTuple):
    """One element in a set or map column of a row that somebody else owns.

    A Pod joins a Port_Group this way, so its change costs one mutate and never a rewrite of the set.
    """

    target: Ref
    column: str
    element: Element


class Manifest(NamedTuple):
    """A Kubernetes object that must exist; `content` is its body but for apiVersion, kind, name and namespace.

    Fields that it doesn't name are the API server's or somebody else's. Several owners may need one that `is_shared`
    and must say the same of it; it goes with the last of them.
    """

    api_version: str
    kind: str
    key: Key
    content: Mapping[str, Any]
    is_shared: bool = False


class Problem(NamedTuple):
    """What is wrong with an object, for its user: a CamelCase reason that never changes and a sentence that says
    which field, what is wrong and what to do. `condition` is the one that it shows in: what is written can't be used
    (Validated), something is missing (Ready), or a part has no effect and all else works (Error)."""

    reason: str
    message: str
    condition: Literal["Validated", "Ready", "Error"] = "Ready"


class NodeCondition(NamedTuple):
    """Whether an object works on one node, and why."""

    node: str
    is_ready: bool
    reason: str
    message: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """What the owner's object should say about itself: merged into spec (defaults), status and annotations.

    A value of None in `annotations` or `labels` means that the key must be absent.
    """

    spec: Mapping[str, Any] = field(default_factory=dict)
    status: Mapping[str, Any] = field(default_factory=dict)
    annotations: Mapping[str, str | None] = field(default_factory=dict)
    labels: Mapping[str, str | None] = field(default_factory=dict)
    ready: str = ""
    """Reason of the Ready=True condition; empty where the kind has no conditions."""
    blockers: str = ""
    """Why a deletion waits, or empty when the finalizer may go."""
    nodes: tuple[NodeCondition, ...] = ()
    """How it is on single nodes, for kinds that have conditions of nodes."""


_NO_REPORT = Report()


@dataclass(frozen=True, slots=True)
class Intent:
    """All that must exist for one owner, the problems to tell its user, and what its object should say.

    `is_held` means: touch nothing of this owner, its last good rows stay.
    """

    rows: tuple[Row, ...] = ()
    members: tuple[Member, ...] = ()
    problems: tuple[Problem, ...] = ()
    report: Report = _NO_REPORT
    is_held: bool = False
    objects: tuple[Manifest, ...] = ()
    """Kubernetes objects that the owner needs."""

    @classmethod
    def held(cls, *problems: Problem, report: Report = _NO_REPORT) -> Intent:
        """The owner's rows stay as they are; the problems are told."""
        return cls(problems=problems, report=report, is_held=True)


EMPTY = Intent()
