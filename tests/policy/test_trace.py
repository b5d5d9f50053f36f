"""What the reference allows and the rows mean is also what OVN does: northd and ovn-trace, in dozens of worlds."""

import os
from collections.abc import Callable
from itertools import count
from random import Random

import pytest

from ovnloom.verdict import Network
from sandbox import Ovn
from tests.northbound.conftest import Controller
from tests.policy.compare import asked, search, telling
from tests.policy.compiled import Compiled
from tests.policy.reference import Reference
from tests.policy.worlds import World, worlds
from tests.verdict.tracing import trace, write

WORLDS = int(os.environ.get("POLICY_TRACED", "36"))
"""How many a run traces."""
ASKED = 10
"""Questions about each: ovn-trace takes its time."""


@pytest.mark.timeout(120 + 2 * WORLDS)
def test_ovn_lets_through_what_kubernetes_allows_and_the_rows_say(
    own_ovn: Ovn, controllers: Callable[..., Controller]
) -> None:
    """Our reading of rows could be wrong in the same way as the rows are; OVN's can't."""
    controller = controllers(own_ovn.nb).lock()
    numbers = count()

    def check(world: World) -> None:
        compiled = Compiled(world)
        reference, network = Reference(compiled.bodies), Network.of(compiled.pipeline.wanted)
        write(own_ovn, controller, compiled.pipeline.wanted)
        questions = [one for one in telling(compiled, reference) if one.source != one.target]
        for question in Random(next(numbers)).sample(questions, min(ASKED, len(questions))):
            ours = asked(question, compiled)
            said, verdict = trace(own_ovn, network, ours), network.verdict(ours)
            expected = compiled.names.get(question.target, "node-")
            arrives = bool(said.port) and said.port.startswith(expected)
            answers = {"Kubernetes": reference.allowed(question), "rows": verdict.allowed, "OVN": arrives}
            assert len(set(answers.values())) == 1, f"{question} {answers}\n{said.text}"

    search(worlds(), check, 100, WORLDS)
