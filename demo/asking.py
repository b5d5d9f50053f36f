"""The same question to OVN, by a packet, and to ovnloom, by its rows."""

from collections.abc import Sequence
from dataclasses import dataclass

from demo.questions import Question
from demo.samples import Port, Samples
from demo.trace import Traced, trace
from demo.verdicts import Answer, Verdicts
from sandbox import Sandbox, SandboxError


@dataclass(frozen=True)
class Asked:
    """A question with both answers."""

    question: Question
    ends: tuple[str, str, str]
    """From, to and port, as `ovnloom verdict` takes them."""
    way: str
    """The addresses."""
    traced: Traced
    answer: Answer

    @property
    def is_right(self) -> bool:
        """The packet went where it should."""
        return self.traced.reached == self.question.arrives

    @property
    def is_agreed(self) -> bool:
        """Both answers are the same."""
        return self.traced.reached == self.answer.allowed


@dataclass(frozen=True)
class Asking:
    """Who asks: one moment of a cluster."""

    sandbox: Sandbox
    ports: tuple[Port, ...]
    verdicts: Verdicts

    def find(self, namespace: str, beginning: str) -> Port:
        """The first Pod there whose name begins so. Raises SandboxError."""
        for port in self.ports:
            if port.namespace == namespace and port.pod.startswith(beginning):
                return port
        raise SandboxError(
            f"no Pod {namespace}/{beginning}… has an address; was it deleted? `make demo` applies it again"
        )

    def ask(self, question: Question) -> Asked:
        """Both answers to the question."""
        source, target = self.find(*question.source), self.find(*question.target)
        to, address = target.end, target.ipv4
        if question.service:
            to = f"svc/{target.namespace}/{question.service}"
            address = Samples(self.sandbox).address(target.namespace, question.service)
        ends = source.end, to, f"{question.port}/tcp"
        return Asked(
            question,
            ends,
            f"{source.ipv4} to {address}:{question.port}",
            trace(self.sandbox, source, target, address, question.port),
            self.verdicts.ask(*ends),
        )


def check(asked: Sequence[Asked]) -> None:
    """Every packet went where it should, and every verdict said so. Raises SandboxError."""
    wrong = sum(not each.is_right for each in asked)
    contradictory = sum(not each.is_agreed for each in asked)
    if wrong:
        raise SandboxError(f"{wrong} of {len(asked)} packets went another way than they should: see above")
    if contradictory:
        raise SandboxError(f"{contradictory} of {len(asked)} verdicts contradict the packet: see above")
