"""The conditions of an object, from its problems."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ovnloom.api.condition import Condition
from ovnloom.intent import NodeCondition, Problem

LONGEST = 1024
"""Characters of a message; a list of problems may be long."""


def conditions(
    before: Sequence[Condition],
    problems: Sequence[Problem],
    ready: str,
    blockers: str,
    generation: int,
    now: str,
    nodes: Sequence[NodeCondition] = (),
) -> tuple[Condition, ...]:
    """`Validated`, `Ready` and `Error` as they should be said now; times move only when something differs.

    Validated is False for problems with what is written, Ready for those and for what is missing, and Error is True for
    these and for what merely has no effect; it is False again once they are solved. A new status moves
    lastTransitionTime, a new reason or message only lastUpdateTime, and observedGeneration says which spec was looked
    at last. Conditions of nodes that `nodes` doesn't name are gone.
    """
    all_of = problems
    problems = [problem for problem in problems if problem.condition != "Error"]
    if blockers:
        problems = [*problems, Problem("DeletionWaits", blockers)]
    wrong = [problem for problem in problems if problem.condition == "Validated"]
    said = _words(problems)
    wanted = {
        ("Validated", ""): ("False", wrong[0].reason, _words(wrong)) if wrong else ("True", "ValidateSuccess", ""),
        ("Ready", ""): ("False", problems[0].reason, said) if problems else ("True", ready, ""),
        ("Error", ""): ("True", all_of[0].reason, _words(all_of)) if all_of else ("False", ready, ""),
    }
    for node in nodes:
        wanted["Ready", node.node] = ("True" if node.is_ready else "False", node.reason, node.message[:LONGEST])
    found = {(one.type, one.node): one for one in before if not one.node or (one.type, one.node) in wanted}
    for (type_, node_name), (status, reason, message) in wanted.items():
        old = found.get((type_, node_name))
        new = Condition(type_, status, reason, message, generation, now, now, node_name)
        if old is not None:
            if (old.status, old.reason, old.message) == (status, reason, message):
                new = replace(old, observed_generation=generation)
            elif old.status == status:
                new = replace(new, last_transition_time=old.last_transition_time)
        found[type_, node_name] = new
    return tuple(found.values())


def _words(problems: Sequence[Problem]) -> str:
    said = "; ".join(dict.fromkeys(problem.message for problem in problems))
    return said if len(said) <= LONGEST else said[: LONGEST - 1] + "…"
