"""The outlook: what the manifests would change, computed by the controller's own pipeline, twice.

objects that are there ──> pipeline ──> pending plan        (what the controller has yet to write without the files)
the files over them    ──> pipeline ──> plan on top of it   (what the files change)
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ovnloom import manifests
from ovnloom.assign.choice import Choice
from ovnloom.cli.imagine import Imagination
from ovnloom.intent import EMPTY, Intent, Owner, Problem, Ref
from ovnloom.northbound import budget
from ovnloom.northbound.edits import Delete, Edit, Plan
from ovnloom.northbound.mirror import Mirror
from ovnloom.pipeline import KIND_TYPES, Pipeline
from ovnloom.settings import Settings

ROUNDS = 10
"""Plans one after another until nothing is left to do; a row that waits for its parent needs a second one."""


@dataclass(slots=True)
class Step:
    """What one state of the world means: choices, edits in order, problems and who is held."""

    choices: list[Choice] = field(default_factory=list)
    operations: list[Edit] = field(default_factory=list)
    problems: Mapping[Owner, tuple[Problem, ...]] = field(default_factory=dict)
    waiting: Mapping[Ref, Collection[Owner]] = field(default_factory=dict)
    stop: budget.Stop | None = None
    objects: list[manifests.Edit] = field(default_factory=list)
    """Kubernetes objects that the controller makes, changes and removes."""

    @property
    def plan(self) -> Plan:
        """The edits as one plan."""
        return Plan(operations=tuple(self.operations))

    @property
    def is_empty(self) -> bool:
        """Whether nothing changes."""
        return not self.operations and not self.choices and not self.objects


class Outlook:
    """A pipeline whose plans are imagined instead of written."""

    def __init__(self, settings: Settings, mirror: Mirror, *, all_rows: bool) -> None:
        """With `all_rows` rows of owners without an object would go; without it they are not the question."""
        self.pipeline = Pipeline(settings, mirror)
        self._settings = settings
        self._all_rows = all_rows
        self._imagination = Imagination(mirror)
        self._intents: dict[Owner, Intent] = {}
        self._refusals: dict[Owner, tuple[Problem, ...]] = {}
        self._choices: list[Choice] = []
        self._objects: list[manifests.Edit] = []
        self._is_started = False

    def put(self, objects: Iterable[Any]) -> None:
        """The objects are there."""
        for found in objects:
            self.pipeline.put(type(found), found.key, found)

    def step(self) -> Step:
        """What follows from the objects as they are now, on top of the step before."""
        self.settle()
        found = Step(choices=self._choices, objects=self._objects)
        self._choices, self._objects = [], []
        if not self._is_started:
            self._is_started = True
            self.pipeline.queue_everything()
            if not self._all_rows:
                self._forget_strangers()
        for _ in range(ROUNDS):
            plan = self.pipeline.plan()
            if found.stop is None:
                found.stop = self._stop(plan)
            self._refusals = {owner: said for owner, said in self._refusals.items() if owner not in plan.owners}
            self._refusals.update(plan.problems)
            found.waiting = {**found.waiting, **plan.waiting}
            self.pipeline.settled(plan.owners, plan)
            if plan.is_empty:
                break
            found.operations.extend(plan.operations)
            self.pipeline.observe(self._imagination.changes(plan))
        found.waiting = {ref: who for ref, who in found.waiting.items() if self.pipeline.mirror.find(ref) is None}
        found.problems = self.problems()
        return found

    def blockers(self, owner: Owner) -> str:
        """Why the deletion of an object waits; empty when it may go."""
        return self._intents.get(owner, EMPTY).report.blockers

    def exists(self, owner: Owner) -> bool:
        """Whether the owner's object is there."""
        return owner.kind in KIND_TYPES and owner.key in self.pipeline.world.tables[KIND_TYPES[owner.kind]]

    def settle(self) -> None:
        """Everything that follows from the objects is chosen and compiled; the next step has the choices."""
        while True:
            turn = self.pipeline.turn()
            self._intents.update(turn.intents)
            edits = self.pipeline.manifests.take()
            for edit in edits:
                self._objects.append(edit)
                self.pipeline.imagine(edit)
            for owner, bug in turn.failures.items():
                if not self._intents.get(owner, EMPTY).is_held:
                    wrong = Problem("InternalError", f"ovnloom failed on this object: {bug!r}; please report it")
                    self._intents[owner] = Intent.held(wrong)
            if not turn.choices and not edits:
                return
            for _, choice in turn.choices:
                self._choices.append(choice)
                self.pipeline.save(choice)

    def _forget_strangers(self) -> None:
        for owner in [owner for owner in self.pipeline.unsettled if not self.exists(owner)]:
            del self.pipeline.unsettled[owner]

    def _stop(self, plan: Plan) -> budget.Stop | None:
        """The deletions that the controller would not make unasked: of rows whose object nobody saw go."""
        suspects = self.pipeline.unexplained & plan.owners
        deletes = tuple(edit for edit in plan.operations if isinstance(edit, Delete) and edit.owner in suspects)
        return budget.check(
            Plan(operations=deletes),
            self.pipeline.mirror.owned_rows,
            max_share=self._settings.max_delete_share,
            max_rows=self._settings.max_delete_rows,
        )

    def problems(self) -> Mapping[Owner, tuple[Problem, ...]]:
        """What is wrong with each object that is there."""
        found: dict[Owner, tuple[Problem, ...]] = {}
        for owner, intent in self._intents.items():
            said = (*self.pipeline.problems(owner, intent), *self._refusals.get(owner, ()))
            if intent.report.blockers:
                said = (*said, Problem("DeletionWaits", intent.report.blockers))
            if said and self.exists(owner):
                found[owner] = tuple(dict.fromkeys(said))
        return {owner: found[owner] for owner in sorted(found)}

    def strangers(self) -> list[Owner]:
        """Vpcs, Subnets and Nodes that have rows and no object: others may build on them."""
        owners = {owner for owner in self.pipeline.mirror.owners() if owner.kind in ("Vpc", "Subnet", "Node")}
        return sorted(owner for owner in owners if not self.exists(owner))

    def held(self) -> list[Owner]:
        """The owners whose rows stay as they are."""
        return sorted(owner for owner in self.pipeline.wanted.held() if self.exists(owner))
