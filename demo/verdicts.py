"""What `ovnloom verdict` answers: by its own code, once for many questions, as reading the cluster takes longest."""

from dataclasses import dataclass
from functools import cached_property

from ovnloom.cli import verdict_question
from ovnloom.cli.verdict_prose import sentence
from ovnloom.cli.wrong import Wrong
from ovnloom.ovn import names
from ovnloom.settings import Settings
from ovnloom.verdict import Branch, Step
from ovnloom.verdict.contents import mapping
from sandbox import Sandbox, SandboxError

BALANCED = "balancer"
"""The stage at which a Service's address becomes that of a backend."""


@dataclass(frozen=True)
class Answer:
    """Whether it is allowed, and by whose rules, in words."""

    allowed: bool
    why: str

    @property
    def words(self) -> str:
        """The answer, for people."""
        return f"{'allowed' if self.allowed else 'not allowed'}: {self.why}"


@dataclass(frozen=True)
class Verdicts:
    """The cluster as it was at the first question."""

    sandbox: Sandbox

    def ask(self, source: str, target: str, port: str) -> Answer:
        """The answer for two ends, written as for `ovnloom verdict`."""
        try:
            judgement = verdict_question.ask(self._situation, source, target, port).judgement
        except Wrong as wrong:
            raise SandboxError(f"ovnloom verdict {source} {target} --port {port}: {wrong}") from wrong
        branches = [branch for verdict in judgement.verdicts for branch in verdict.branches]
        return Answer(judgement.allowed, "; ".join(dict.fromkeys(map(_why, branches))))

    @cached_property
    def _situation(self) -> verdict_question.Situation:
        settings = Settings(kubeconfig=str(self.sandbox.kubeconfig))
        try:
            return verdict_question.situation([], "cluster", settings, recursive=False, namespace="default")
        except Wrong as wrong:
            raise SandboxError(f"ovnloom verdict: {wrong}") from wrong


def _why(branch: Branch) -> str:
    """The steps at which somebody's rule decided, or else the end of the way."""
    decided = [_decision(step) for step in branch.steps if step.row is not None and _is_decided(step)]
    return ", ".join(decided) or sentence(branch.steps[-1])


def _is_decided(step: Step) -> bool:
    return step.stage == BALANCED or (step.row is not None and step.row.table == "ACL")


def _decision(step: Step) -> str:
    """Without the row itself, which `ovnloom verdict` shows as well."""
    rule = mapping(step.row, "external_ids").get(names.KEY_RULE, "") if step.row is not None else ""
    return f"{step.words} by {step.owner} {rule}".rstrip()
