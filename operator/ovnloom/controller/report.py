"""What objects say about themselves: defaults in spec, status, annotations, finalizers and Events.

Only differences are written, coalesced per object, and never in the way of the pipeline.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any

from ovnloom.api.condition import Condition
from ovnloom.api.ippool import IPPool
from ovnloom.api.meta import FINALIZER, OLD_FINALIZER, Key, Object
from ovnloom.api.pod import Pod
from ovnloom.api.subnet import Subnet
from ovnloom.controller import usage
from ovnloom.controller.conditions import conditions
from ovnloom.errors import Refused
from ovnloom.intent import Intent, Owner, Problem, Ref, Report
from ovnloom.kube.client import Client
from ovnloom.kube.events import About, Events
from ovnloom.kube.failures import Conflict, NotFound
from ovnloom.kube.writer import Writer
from ovnloom.pipeline import KIND_TYPES, SILENT, Pipeline
from ovnloom.world.tables import BY_TYPE

FINALIZED = frozenset({"Subnet", "Vpc", "IPPool", "Vip"})
"""Kinds whose deletion waits for us, IP objects aside: those get their finalizer when they are made."""
WITH_STATUS = FINALIZED | {
    "ProviderNetwork",
    "SecurityGroup",
    "Vlan",
    "AdminNetworkPolicy",
    "BaselineAdminNetworkPolicy",
    "ClusterNetworkPolicy",
    "SwitchLBRule",
    "VpcDns",
}
WHOLE = frozenset({"Vip"})
"""Kinds whose status is a plain field of the object."""
PARTS = ("object", "status")
"""In the order in which they are written."""
Part = tuple[str, Key, str]


class Reporter:
    """Tells the users of objects what came of them."""

    def __init__(self, pipeline: Pipeline, client: Client, writer: Writer[Any], events: Events) -> None:
        self._pipeline = pipeline
        self._client = client
        self._writer = writer
        self._events = events
        self._said: dict[Part, Mapping[str, Any]] = {}
        self._due: dict[Owner, dict[str, Mapping[str, Any]]] = {}
        """Of each object the parts that aren't written yet."""
        self._told: dict[Owner, tuple[Problem, ...]] = {}
        self._reports: dict[Owner, tuple[Report, tuple[Problem, ...]]] = {}

    def seen(self, kind: str, key: Key) -> None:
        """The watch has shown the object as it is now: what was said about it is compared with that from here on."""
        for part in PARTS:
            self._said.pop((kind, key, part), None)

    def is_echo(self, key: Key, found: Any) -> bool:
        """Whether all that is new about a Pod is what we said; ask before it counts as seen."""
        said = self._said.get(("Pod", key, "object")) if type(found) is Pod else None
        before: Pod | None = self._pipeline.world.tables[Pod].get(key)
        if said is None or before is None:
            return False
        answer = {**before.written, **said["metadata"]["annotations"]}
        return bool(found.written == {name: value for name, value in answer.items() if value is not None})

    def report(self, owner: Owner, intent: Intent, problems: tuple[Problem, ...]) -> None:
        """The object says what its intent wants it to say, and its user knows the problems."""
        if owner.kind in SILENT:
            return
        found = self._pipeline.world.tables[KIND_TYPES[owner.kind]].get(owner.key)
        if found is None:
            self._told.pop(owner, None)
            self._reports.pop(owner, None)
            return
        self._tell(owner, found, problems, intent.report.blockers)
        if owner.kind in WITH_STATUS:
            self._reports[owner] = (intent.report, problems)
            self._say_status(owner, found)
        self._say_object(owner, found, intent)

    def report_usage(self, subnet: str) -> None:
        """The Subnet and its IPPools say how many addresses are in use."""
        held = self._pipeline.books.peek(subnet)
        if held is not None:
            usage.measure(subnet, held, self._pipeline.books.waiting(subnet))
        pools = [(IPPool, Key(name)) for name, _ in held.layout.pools] if held else []
        for kind, key in ((Subnet, Key(subnet)), *pools):
            found = self._pipeline.world.tables[kind].get(key)
            if found is not None:
                self._say_status(Owner(kind.__name__, key), found)

    def tell(self, owner: Owner, reason: str, message: str) -> None:
        """One more Event about an object, if it is still there."""
        found = self._pipeline.world.tables[KIND_TYPES[owner.kind]].get(owner.key)
        if found is not None:
            self._events.tell(_about(found), reason, message)

    def _tell(self, owner: Owner, found: Any, problems: tuple[Problem, ...], blockers: str) -> None:
        said = problems if not blockers else (*problems, Problem("DeletionWaits", blockers))
        before = self._told.get(owner, ())
        if said == before:
            return
        if said:
            self._told[owner] = said
        else:
            del self._told[owner]
        for problem in said:
            if problem not in before:
                self._events.tell(_about(found), problem.reason, problem.message)

    # -- the object itself --------------------------------------------------------------------------------------------

    def _say_object(self, owner: Owner, found: Any, intent: Intent) -> None:
        body: dict[str, Any] = {}
        annotations = _differing(_annotations(found), intent.report.annotations)
        if annotations:
            body["metadata"] = {"annotations": annotations}
        labels = _differing(found.labels, intent.report.labels) if intent.report.labels else {}
        if labels and not found.deleting:
            body.setdefault("metadata", {})["labels"] = labels
        if intent.report.spec and not found.deleting:
            body["spec"] = dict(intent.report.spec)
        finalizers = self._finalizers(owner, found, intent.report.blockers)
        if finalizers is not None:
            body.setdefault("metadata", {})["finalizers"] = finalizers
            body["metadata"]["resourceVersion"] = found.meta.resource_version
        if body:
            self._write(owner, "object", body)

    @staticmethod
    def _finalizers(owner: Owner, found: Any, blockers: str) -> list[str] | None:
        """The finalizers that the object should have, None when it has them."""
        if owner.kind not in FINALIZED and not (owner.kind == "IP" and found.deleting):
            return None
        meta: Object = found
        others = [name for name in meta.finalizers if name not in (FINALIZER, OLD_FINALIZER)]
        wanted = [*others, FINALIZER] if not found.deleting or (blockers and FINALIZER in meta.finalizers) else others
        return None if set(wanted) == set(meta.finalizers) else wanted

    # -- status -------------------------------------------------------------------------------------------------------

    def _say_status(self, owner: Owner, found: Any) -> None:
        known = self._reports.get(owner)
        if known is None:
            return
        report, problems = known
        wanted: dict[str, Any] = {name: self._resolved(value) for name, value in report.status.items()}
        wanted |= self._usage(owner, found)
        before: tuple[Condition, ...] = found.conditions
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        # Where the status is a part of the object, writing it makes a new generation: to say which would never end.
        generation = 0 if owner.kind in WHOLE else found.meta.generation
        after = conditions(before, problems, report.ready, report.blockers, generation, now, report.nodes)
        body = _differing(found.status, wanted)
        if after != before:
            body["conditions"] = [condition.encode() for condition in after]
        if body:
            self._write(owner, "status", {"status": body})

    def _usage(self, owner: Owner, found: Any) -> Mapping[str, Any]:
        if owner.kind == "Subnet":
            held = self._pipeline.books.peek(owner.key.name)
            return usage.of_subnet(held) if held else {}
        if owner.kind == "IPPool":
            held = self._pipeline.books.peek(found.subnet)
            return usage.of_pool(held, owner.key.name) if held else {}
        return {}

    def _resolved(self, value: Any) -> Any:
        if isinstance(value, Ref):
            return self._pipeline.mirror.find(value) or ""
        return value

    # -- writing ------------------------------------------------------------------------------------------------------

    def _write(self, owner: Owner, part: str, body: Mapping[str, Any]) -> None:
        place = (owner.kind, owner.key, part)
        if self._said.get(place) == body:
            return
        self._said[place] = body
        self._due.setdefault(owner, {})[part] = body
        self._writer.submit((*owner, "report"), partial(self._send, owner))

    async def _send(self, owner: Owner) -> None:
        """The object says its parts, the status last: who waits for Ready finds defaults and finalizers there.

        Raises Unavailable, and the last Refused when all parts were tried; what is not known to be written stays due.
        """
        refused: Refused | None = None
        due = self._due.get(owner, {})
        for part in PARTS:
            body = due.get(part)
            if body is None:
                continue
            try:
                await self._patch(owner, part, body)
            except Refused as no:
                refused = no
            if due.get(part) is body:
                del due[part]
        if not due:
            self._due.pop(owner, None)
        if refused is not None:
            raise refused

    async def _patch(self, owner: Owner, part: str, body: Mapping[str, Any]) -> None:
        table = BY_TYPE[KIND_TYPES[owner.kind]]
        is_part = part == "status" and owner.kind not in WHOLE
        try:
            await self._client.patch(table, owner.key, body, subresource="status" if is_part else "")
        except NotFound:
            return
        except Conflict:
            self._said.pop((owner.kind, owner.key, part), None)  # somebody was faster: their event brings us here again
            self._pipeline.queue(owner)


def _about(found: Any) -> About:
    table = BY_TYPE[type(found)]
    return About(table.api_version, table.kind, found.key, found.uid)


def _annotations(found: Any) -> Mapping[str, str]:
    if isinstance(found, Pod):
        return {**found.annotations, **found.written}
    annotations: Mapping[str, str] = found.annotations
    return annotations


def _differing(said: Mapping[str, Any], wanted: Mapping[str, Any]) -> dict[str, Any]:
    """What must be written so that `said` says what is wanted; None means: not there."""
    return {key: value for key, value in wanted.items() if said.get(key) != value}
