"""What the rows let through, compared with what the reference allows."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from itertools import cycle
from random import Random
from typing import TypeVar

from hypothesis import Phase, given, seed, settings
from hypothesis import strategies as st

from ovnloom.verdict import Network, Verdict
from ovnloom.verdict import Question as Asked
from ovnloom.verdict.question import Protocol
from sandbox import Ovn
from tests.northbound.conftest import Controller
from tests.policy.compiled import QUESTIONS, Compiled
from tests.policy.reference import Question, Reference
from tests.verdict.tracing import trace, write

T = TypeVar("T")
WORLDS = int(os.environ.get("POLICY_WORLDS", "2000"))
"""How many a run looks at."""
TRACED = int(os.environ.get("POLICY_TRACED", "36"))
"""How many of NetworkPolicies it gives to OVN."""
SEED = int(os.environ.get("POLICY_SEED", "0"))
"""Another number gives other worlds; the same always gives the same."""
TRACED_QUESTIONS = 10
"""Questions that OVN gets about each world: each is a program started."""
LOWER: dict[str, Protocol] = {"TCP": "tcp", "UDP": "udp", "SCTP": "sctp"}


def search(strategy: st.SearchStrategy[T], check: Callable[[T], None], part: int, count: int) -> None:
    """The check holds for that many worlds; each part sees others."""
    chosen = settings(
        max_examples=count, database=None, phases=(Phase.generate, Phase.shrink), report_multiple_bugs=False
    )
    seed(SEED * 1000 + part)(chosen(given(strategy)(check)))()


def check_whole(compiled: Compiled, reference: Reference) -> None:
    """Every question about the world has the same answer from both."""
    _agree(compiled, reference, (Question(*pair, *what) for pair in compiled.pairs() for what in QUESTIONS))


def check_telling(compiled: Compiled, reference: Reference) -> None:
    """For each pair something that is allowed and something that isn't, if there is, has the same answer from both.

    Which protocol and port those are differs from pair to pair and from world to world.
    """
    _agree(compiled, reference, telling(compiled, reference))


def telling(compiled: Compiled, reference: Reference) -> Iterator[Question]:
    """One question of each answer for each pair."""
    places = cycle(range(len(QUESTIONS)))
    for _ in range(sum(len(str(body)) for body in compiled.bodies) % len(QUESTIONS)):
        next(places)
    for source, target in compiled.pairs():
        start, found = next(places), set[bool]()
        for protocol, port in (*QUESTIONS[start:], *QUESTIONS[:start]):
            question = Question(source, target, protocol, port)
            answer = reference.allowed(question)
            if answer not in found:
                found.add(answer)
                yield question
            if len(found) == 2:
                break


def _agree(compiled: Compiled, reference: Reference, questions: Iterator[Question]) -> None:
    network = Network.of(compiled.pipeline.wanted)
    for question in questions:
        verdict = network.verdict(asked(question, compiled))
        wanted = reference.allowed(question)
        assert verdict.allowed is wanted, _words(compiled, question, verdict, wanted)


def check_traced(compiled: Compiled, reference: Reference, ovn: Ovn, controller: Controller) -> None:
    """OVN, which has these rows from now on, says of some questions what the reference and the rows say."""
    network = Network.of(compiled.pipeline.wanted)
    write(ovn, controller, compiled.pipeline.wanted)
    questions = list(telling(compiled, reference))
    for question in Random(len(questions)).sample(questions, min(TRACED_QUESTIONS, len(questions))):
        ours = asked(question, compiled)
        said, verdict = trace(ovn, network, ours), network.verdict(ours)
        arrives = bool(said.port) and said.port.startswith(compiled.names.get(question.target, "node-"))
        answers = {"Kubernetes": reference.allowed(question), "rows": verdict.allowed, "OVN": arrives}
        assert len(set(answers.values())) == 1, f"{question} {answers}\n{said.text}"


def asked(question: Question, compiled: Compiled) -> Asked:
    """The question in other words. What a node sends comes in by its own port, what others send by any node's."""
    source = compiled.names.get(question.source)
    entry = "" if source else f"node-{compiled.nodes.get(question.source, 'n1')}"
    number = LOWER[question.protocol], question.port, 6 if ":" in question.source else 4
    return Asked(source or question.source, question.target, *number, entry=entry)


def _words(compiled: Compiled, question: Question, verdict: Verdict, wanted: bool) -> str:
    names = compiled.names
    ends = " to ".join(f"{names.get(end, 'outside')} {end}" for end in (question.source, question.target))
    steps = [f"  {step.stage} {step.place}: {step.words}" for branch in verdict.branches for step in branch.steps]
    problems = [
        f"  {owner} says {problem.reason}: {problem.message}"
        for owner, intent in compiled.pipeline.intents()
        for problem in intent.problems
    ]
    says = f"Kubernetes {'allows' if wanted else 'denies'} {question.protocol} {question.port} from {ends}; the rows:"
    return "\n".join((says, *steps, *problems))
