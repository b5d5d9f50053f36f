"""The rows of NetworkPolicies let through what Kubernetes says, in thousands of small worlds.

`POLICY_WORLDS=50000 pytest tests/policy/test_verdicts.py` looks at more of them, `POLICY_SEED=7` at others.
"""

import pytest

from ovnloom.pipeline import Pipeline
from ovnloom.settings import Settings
from tests.policy.compare import WORLDS, check_telling, check_whole, search
from tests.policy.compiled import Compiled
from tests.policy.reference import Reference
from tests.policy.worlds import World, histories, worlds

PARTS = 10
WHOLE, CHANGED = 40, 20
"""One of that many worlds is asked everything, or changes."""


@pytest.mark.timeout(60 + WORLDS)
@pytest.mark.parametrize("part", range(PARTS))
def test_rows_allow_what_kubernetes_allows_and_nothing_else(part: int) -> None:
    """A hole lets an attacker in, a wall takes a service down; and no list of examples has all that users write."""

    def check(world: World) -> None:
        compiled = Compiled(world)
        check_telling(compiled, Reference(compiled.bodies))

    search(worlds(), check, part, WORLDS // PARTS)


@pytest.mark.timeout(60 + WORLDS)
def test_the_whole_table_of_some_worlds_is_right() -> None:
    """Every pair by every protocol and port: a rule may open more than it should where nobody thought to look."""

    def check(world: World) -> None:
        compiled = Compiled(world)
        check_whole(compiled, Reference(compiled.bodies))

    search(worlds(), check, PARTS, WORLDS // WHOLE)


@pytest.mark.timeout(60 + WORLDS)
def test_rows_are_right_after_labels_pods_and_policies_have_changed() -> None:
    """A Pod that keeps a place in a group which its labels have left is the hole that nobody sees."""

    def check(states: tuple[World, ...]) -> None:
        pipeline = Pipeline(Settings())
        for world in states:
            compiled = Compiled(world, pipeline)
            check_telling(compiled, Reference(compiled.bodies))

    search(histories(), check, PARTS + 1, WORLDS // CHANGED)
