"""The loop around the pipeline: what the watches and the database say goes in, what follows from it goes out.

One batch: take changes → turn the pipeline → write choices → plan → one transaction → tell users. While a transaction
is under way further changes gather, so a burst of 500 Pods is a few transactions.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from time import monotonic, perf_counter
from typing import Any

from ovnloom import log, metrics
from ovnloom.api.ip import IP
from ovnloom.controller import garbage
from ovnloom.controller.approval import Approval
from ovnloom.controller.census import Census
from ovnloom.controller.clock import Clock
from ovnloom.controller.inbox import Inbox
from ovnloom.controller.objects import Objects
from ovnloom.controller.report import Reporter
from ovnloom.controller.saving import Saving
from ovnloom.controller.usage_timer import UsageTimer
from ovnloom.intent import Intent, Owner, Problem
from ovnloom.kube.client import Client
from ovnloom.kube.events import Events
from ovnloom.kube.writer import Writer
from ovnloom.northbound.apply import apply
from ovnloom.northbound.connection import Connection
from ovnloom.northbound.edits import Plan
from ovnloom.northbound.reply import Outcome
from ovnloom.pipeline import Pipeline, Turn
from ovnloom.settings import Settings
from ovnloom.world.catalog import DERIVED
from ovnloom.world.moments import CHOSEN

logger = log.get("engine")

UNWRITTEN = frozenset({"NameTaken", "OvnRefused"})
"""Reasons of problems for which the database lacks rows of an owner."""
RETRY_SECONDS = 0.5
"""Pause after a transaction that the database could not take: something else than a change may have to happen first."""
LONGEST_REST = 0.25
"""The engine rests after a batch while writes to the API server are under way, and for so many seconds at most.

What follows from them gathers meanwhile. A lone Pod doesn't notice, since its next event comes after the write; in a
burst there are a few large transactions instead of many small ones, each of which ovn-northd answers with work.
"""


class Engine:
    """One replica's engine. A standby's fills its world and does nothing; a leader's acts on it."""

    def __init__(
        self,
        settings: Settings,
        client: Client,
        nb: Connection,
        inbox: Inbox,
        census: Census,
        wake: asyncio.Event,
        may_lead: Callable[[], bool],
    ) -> None:
        """`may_lead` is the truth about the Lease at every moment, right after a freeze too.

        `wake` is set by whoever has something for the engine: the inbox, the database, a timer, the election.
        """
        self._settings = settings
        self._inbox = inbox
        self._census = census
        self._nb = nb
        self._wake = wake
        self._client = client
        self.events = Events(client)
        self.writer: Writer[Any] = Writer(settings.kube_writes, may_lead)
        self._may_lead = may_lead
        self.is_leading = False
        self.is_in_step = False
        """Whether the last plan was written and read back."""
        self._behind_since = monotonic()
        self._start_over(Pipeline(settings))
        metrics.queue_length.set_function(self._queue)
        metrics.queue_age.set_function(self._age)

    def _start_over(self, pipeline: Pipeline) -> None:
        self.pipeline = pipeline
        self._saving = Saving(pipeline, self._client, self.writer, self._tell)
        self._objects = Objects(pipeline, self._client, self.writer, self._wake)
        self._reporter = Reporter(pipeline, self._client, self.writer, self.events)
        self._approval = Approval(pipeline, self._client, self._settings, self._tell)
        self._clock = Clock(pipeline, self._wake)
        self._usage = UsageTimer(pipeline, self._reporter, self._wake, self._settings.status_interval)
        self._unreported: dict[Owner, Intent] = {}
        self._refused: dict[Owner, str] = {}
        self._started = False

    def _queue(self) -> int:
        """What waits; a standby keeps its owners for the day on which it leads."""
        return len(self._inbox) + (len(self.pipeline) if self.is_leading else 0)

    def _age(self) -> float:
        """Seconds since the leader had nothing to do, or since the oldest change came that nobody has looked at."""
        behind = monotonic() - self._behind_since if self.is_leading and len(self.pipeline) else 0.0
        return max(self._inbox.age, behind)

    # -- leadership ---------------------------------------------------------------------------------------------------

    def lead(self) -> None:
        """From now on the engine acts on its world."""
        self.is_leading = True
        self._wake.set()

    def stand_by(self) -> None:
        """The engine only watches. What it chose and did not save is forgotten: the next leader chooses for itself."""
        if not self.is_leading:
            return  # it has chosen nothing since it stood by, or is about to end
        self.halt()
        garbage.again()
        world = self.pipeline.world
        fresh = Pipeline(self._settings, self.pipeline.mirror)
        for kind, table in world.tables.items():
            for key, found in table.items():
                if kind not in CHOSEN and kind not in DERIVED:
                    fresh.put(kind, key, found)
        self._start_over(fresh)

    def halt(self) -> None:
        """The engine writes nothing any more, and keeps what it knows: the process ends."""
        self.is_leading = self.is_in_step = False
        self.writer.forget_all()

    @property
    def may_write(self) -> bool:
        """Whether it leads, holds the database lock and knows the whole world."""
        return self.is_leading and self._may_lead() and self._nb.has_lock and self._census.complete.is_set()

    # -- the loop -----------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """For ever, until cancelled."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            self._take()
            if self.may_write:
                await (self._batch() if self._started else self._start())
            await self._rest()

    async def _start(self) -> None:
        """The first batch of a leader: everything is compiled, and compared with what is there."""
        self._started = True
        self.pipeline.queue_everything()
        with garbage.postponed():
            await self._batch()

    async def _rest(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(LONGEST_REST):
                await self.writer.drained()

    def _take(self) -> None:
        if not len(self.pipeline):
            self._behind_since = monotonic()
        for change in self._inbox.take():
            kind = change.table.type
            is_echo = self._reporter.is_echo(change.key, change.found)
            self._reporter.seen(kind.__name__, change.key)
            if kind is IP:
                self._saving.arrived(change.key, change.found)
            self._objects.arrived(change)
            if self.pipeline.put(kind, change.key, change.found, was_seen=change.was_seen, is_echo=is_echo):
                self._clock.follow(kind, change.key, change.found)
        self.pipeline.observe(self._nb.drain())
        metrics.owned_rows.set(self.pipeline.mirror.owned_rows)

    async def _batch(self) -> None:
        started = perf_counter()
        turn = self.pipeline.turn()
        computed = perf_counter()
        self._note(turn)
        self._saving.take(turn.choices, turn.assigned)
        self._objects.take()
        plan = self._approval.passed(self.pipeline.plan())
        planned = perf_counter()
        if not plan.owners:
            self.is_in_step = self.pipeline.unsettled.keys() <= self._approval.withheld
            self.pipeline.settled((), plan)
            return self._conclude()
        drifted = self.pipeline.drifted & plan.owners
        outcome = await apply(plan, self._nb)
        written = perf_counter()
        self.pipeline.observe(self._nb.drain())
        self._settle(plan, outcome, drifted)
        self._conclude()
        metrics.batch_size.observe(len(plan.owners))
        metrics.stage_seconds.labels("turn").observe(computed - started)
        metrics.stage_seconds.labels("plan").observe(planned - computed)
        metrics.stage_seconds.labels("apply").observe(written - planned)
        if plan.operations:
            logger.info(
                "plan applied",
                owners=len(outcome.written),
                operations=len(plan.operations),
                seconds=round(written - started, 4),
            )
        return None

    def _note(self, turn: Turn) -> None:
        self._unreported.update(turn.intents)
        for owner in turn.intents:
            self._refused.pop(owner, None)
        for owner, bug in turn.failures.items():
            metrics.compile_failures.labels(owner.kind).inc()
            logger.error("unexpected failure; the owner's rows stay as they are", owner=str(owner), exc_info=bug)

    def _settle(self, plan: Plan, outcome: Outcome, drifted: set[Owner]) -> None:
        """What was written is done; who was refused waits for a change of its object; the others are planned again."""
        self.pipeline.settled(outcome.written, plan)
        self.pipeline.given_up(outcome.refused)
        self._refused.update(outcome.refused)
        if outcome.refused:
            self._wake.set()  # policies deny all then
        for edit in plan.operations:
            if edit.owner in drifted and edit.owner in outcome.written:
                metrics.drift_repaired.labels(edit.table).inc()
        self.is_in_step = not outcome.again
        if outcome.unavailable:
            logger.warning("northbound database does not take the plan", reason=outcome.unavailable)
        if outcome.again:
            asyncio.get_running_loop().call_later(RETRY_SECONDS if outcome.unavailable else 0, self._wake.set)
        self._report(plan, outcome)

    def _report(self, plan: Plan, outcome: Outcome) -> None:
        waiting = {owner for owners in plan.waiting.values() for owner in owners}
        for owner in (*outcome.written, *outcome.refused):
            intent = self._unreported.get(owner)
            if intent is None:
                intent = self.pipeline.intent(owner)
            if owner in waiting and not intent.problems:
                continue  # its port isn't there yet, so nobody is told that it is
            self._unreported.pop(owner, None)
            problems = self._problems(owner, intent, plan)
            if any(problem.reason in UNWRITTEN for problem in problems):
                # The rows aren't there, so nobody is told what to expect of them.
                intent = replace(intent, report=replace(intent.report, annotations={}))
            self._reporter.report(owner, intent, problems)

    def _problems(self, owner: Owner, intent: Intent, plan: Plan) -> tuple[Problem, ...]:
        found = (*self.pipeline.problems(owner, intent), *plan.problems.get(owner, ()))
        refused = self._refused.get(owner)
        if not refused:
            return found
        return (*found, Problem("OvnRefused", f"OVN refuses the rows of this object: {refused}; change it"))

    def _conclude(self) -> None:
        self._saving.release()
        self._usage.look()
        for kind, count in self.pipeline.held().items():
            metrics.held_owners.labels(kind).set(count)

    def _tell(self, owner: Owner, reason: str, message: str) -> None:
        self._reporter.tell(owner, reason, message)
