"""The deletion budget: rows whose owner nobody saw go are not deleted in bulk before somebody says so.

An object that a user deletes explains the deletion of its rows, however many. What the budget is for are rows whose
objects were missing when the controller looked: after a restore of etcd from an old backup, against the wrong API
server, or after our own mistake.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable

from ovnloom import log, metrics
from ovnloom.api.meta import Key
from ovnloom.api.namespace import Namespace
from ovnloom.intent import Owner
from ovnloom.kube.client import Client
from ovnloom.northbound import budget
from ovnloom.northbound.edits import Delete, Plan
from ovnloom.pipeline import Pipeline
from ovnloom.settings import Settings

logger = log.get("approval")

ANNOTATION = "ovnloom.io/approve-deletes"
"""On the controller's Namespace; its value is the token of the plan that waits."""


class Approval:
    """Lets plans pass, without what waits for approval."""

    def __init__(
        self, pipeline: Pipeline, client: Client, settings: Settings, tell: Callable[[Owner, str, str], None]
    ) -> None:
        self._pipeline = pipeline
        self._client = client
        self._settings = settings
        self._tell = tell
        self._waiting = ""
        self.withheld: frozenset[Owner] = frozenset()
        """Owners who would be planned again and again while their deletions wait."""

    def passed(self, plan: Plan) -> Plan:
        """The plan, or the part of it that needs no approval; the rest stays due."""
        suspects = self._pipeline.unexplained & plan.owners
        if not suspects:
            self._clear()
            return plan
        deletes = tuple(edit for edit in plan.operations if isinstance(edit, Delete) and edit.owner in suspects)
        token = _token(deletes)
        stop = budget.check(
            Plan(operations=deletes),
            self._pipeline.mirror.owned_rows,
            max_share=self._settings.max_delete_share,
            max_rows=self._settings.max_delete_rows,
            approved=token == self._approved(),
        )
        if stop is None:
            self._clear()
            return plan
        self._wait(token, stop)
        self.withheld = frozenset(edit.owner for edit in deletes)
        part, _ = plan.restricted(plan.owners - self.withheld, {})
        return part

    def _approved(self) -> str:
        namespace: Namespace | None = self._pipeline.world.tables[Namespace].get(Key(self._settings.namespace))
        return namespace.annotations.get(ANNOTATION, "") if namespace else ""

    def _wait(self, token: str, stop: budget.Stop) -> None:
        metrics.budget_waiting.set(stop.count)
        if token == self._waiting:
            return
        self._waiting = token
        metrics.budget_stops.inc()
        where = self._settings.namespace
        how = f"kubectl annotate --overwrite namespace {where} {ANNOTATION}={token}"
        logger.error("deletions wait for approval", rows=stop.count, share=stop.share, sample=stop.sample, approve=how)
        self._tell(Owner("Namespace", Key(where)), "DeletionBudget", f"{stop}. To let them go: {how}")

    def _clear(self) -> None:
        self.withheld = frozenset()
        if self._waiting:
            logger.info("no deletions wait for approval any more")
            self._waiting = ""
            metrics.budget_waiting.set(0)


def _token(deletes: tuple[Delete, ...]) -> str:
    """Short, and another one for other rows, so that an approval is for what its giver has seen."""
    names = sorted(f"{edit.table} {edit.name}" for edit in deletes)
    return hashlib.sha256("\n".join(names).encode()).hexdigest()[:12]
