"""The answer as values: what became of the packet, and each row that had a say."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

from ovnloom.intent import Owner, Row
from ovnloom.verdict.question import Question

Outcome = Literal["delivered", "left", "denied", "rejected", "lost"]
"""`delivered` to the port that has the address; `left` the logical network by a port (a node's, a physical network's);
`denied` silently and `rejected` with an answer by a rule; `lost` because nobody knows the way."""
Stage = Literal["start", "from-lport", "after-lb", "to-lport", "balancer", "hairpin", "route", "policy", "nat", "end"]


class Step(NamedTuple):
    """One thing that happened to the packet, by which row and whose row that is."""

    stage: Stage
    place: str
    """The switch or router."""
    words: str
    row: Row | None = None
    owner: Owner | None = None


@dataclass(frozen=True, slots=True)
class Branch:
    """One way that the packet may take: load balancers and routes with several next hops have one for each."""

    outcome: Outcome
    steps: tuple[Step, ...]
    port: str = ""
    """The Logical_Switch_Port where it ended, if it got to one."""
    owner: Owner | None = None
    """Whose port that is."""
    address: tuple[int, int] = (4, 0)
    """Its destination address at the end, after load balancing and NAT."""
    dport: int = 0
    is_there: bool = False
    """Whether it ended where it was meant to."""

    @property
    def decision(self) -> Step:
        """What decided: the step that denied it, or the last one."""
        return self.steps[-1]


@dataclass(frozen=True, slots=True)
class Verdict:
    """The answer to a question: one branch for each way."""

    question: Question
    branches: tuple[Branch, ...]

    @property
    def allowed(self) -> bool:
        """Whether the packet gets there whichever way it takes."""
        return bool(self.branches) and all(branch.is_there for branch in self.branches)

    @property
    def is_partly(self) -> bool:
        """Whether that depends on the way."""
        return not self.allowed and any(branch.is_there for branch in self.branches)
