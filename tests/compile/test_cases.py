"""Every case of this folder: what its states mean, and that this follows from the state alone."""

from random import Random

from ovnloom.northbound import text
from ovnloom.pipeline import Pipeline
from tests.compile.account import account, missed
from tests.compile.kit import Case, Objects, reach, step
from tests.pipeline.loop import Loop

ROUNDS = 3
"""Replays of each case; a property of all orders needs many runs, and every run of the suite adds some."""


def test_rows(case: Case, is_rewriting: bool) -> None:
    """The rows, problems and reports of each state are those that were reviewed."""
    for path, meaning in zip(case.paths, case.meanings, strict=True):
        golden = path.with_suffix(".rows")
        if is_rewriting:
            golden.write_text(meaning.text)
        assert golden.read_text() == meaning.text


def test_a_state_means_the_same_however_it_was_reached(case: Case) -> None:
    """Any order, batching and repetition of events ends in the same rows, or a restart would change the network."""
    for seed in range(ROUNDS):
        chance = Random(seed)
        pipeline = Pipeline(case.settings)
        order = [*range(len(case.states)), *chance.choices(range(len(case.states)), k=2)]
        chance.shuffle(order)
        for at in order:
            reach(pipeline, *case.pinned(at), chance, in_batches=seed % 2 == 1)

            assert account(pipeline, with_held=False) == case.meanings[at].comparable
            assert list(missed(pipeline)) == []


def test_the_database_gets_what_is_wanted_and_then_rests(case: Case) -> None:
    """A plan that was applied leaves an empty plan, in each state."""
    loop = Loop(Pipeline(case.settings))
    before: Objects = {}
    for state in case.states:
        step(loop.pipeline, before, state)
        before = state
        loop.settle()

        rest = loop.everything()
        assert rest.operations == ()
        if not rest.waiting and not rest.problems and not loop.pipeline.wanted.held():
            assert text.mirror_rows(loop.pipeline.mirror) == text.rows(loop.pipeline.wanted)
