"""What is true of the pure pipeline whatever happens, in whatever order and batches."""

from random import Random

from hypothesis import event, given
from hypothesis import strategies as st

from ovnloom.api.ip import IP
from ovnloom.northbound import text
from ovnloom.northbound.change import Change
from ovnloom.pipeline import Pipeline
from tests.compile.account import account
from tests.compile.kit import OURS, reach
from tests.northbound.simulation import Database
from tests.pipeline.loop import Loop
from tests.pipeline.small_world import EVENTS, SETTINGS, Late, answer, assert_sound, put, run

events = st.lists(st.sampled_from(sorted(EVENTS)), min_size=1, max_size=12)
histories = st.lists(events, min_size=1, max_size=6)
layouts = st.sampled_from(sorted(SETTINGS))


@given(histories, layouts, st.booleans())
def test_at_every_moment_a_restart_would_change_nothing(history: list[list[str]], layout: str, answers: bool) -> None:
    """A restart that makes another choice, or wants other rows, re-addresses Pods or cuts them off.

    It also proves that nobody is forgotten when something changes: a new pipeline has nothing to remember.
    """
    pipeline = Pipeline(SETTINGS[layout])
    for batch in history:
        for happened in batch:
            put(pipeline, happened)
        run(pipeline)
        if answers:
            answer(pipeline)

        assert_sound(pipeline)
    event(f"{len(pipeline.world.tables[IP]) // 3 * 3} or more IPs at the end")


@given(histories, layouts, st.integers(0, 2**16))
def test_choices_that_are_saved_late_or_never_are_neither_lost_nor_given_twice(
    history: list[list[str]], layout: str, seed: int
) -> None:
    """The API server may be slow, or away, when an address is chosen, and the world goes on meanwhile."""
    chance = Random(seed)
    pipeline = Pipeline(SETTINGS[layout])
    late = Late(pipeline)
    for batch in history:
        for happened in batch:
            put(pipeline, happened)
            if chance.random() < 0.3:
                late.turn()
            if chance.random() < 0.3:
                late.save_one(is_refused=chance.random() < 0.3)
        late.save_all()

        assert_sound(pipeline)


@given(events, events, layouts, st.integers(0, 2**16))
def test_rows_follow_from_the_state_alone(first: list[str], second: list[str], layout: str, seed: int) -> None:
    """Whoever comes to a state by another way, in other batches, with events told twice, wants the same rows."""
    chance = Random(seed)
    pipeline = Pipeline(SETTINGS[layout])
    states = []
    for batch in (first, second):
        for happened in batch:
            put(pipeline, happened)
        run(pipeline)
        found = {(kind, key): value for kind, table in pipeline.world.tables.items() for key, value in table.items()}
        ips = {place: value for place, value in found.items() if place[0] is IP}
        rest = {place: value for place, value in found.items() if place[0] is not IP and place[0] not in OURS}
        states.append((rest, ips, account(pipeline, with_held=False)))

    other = Pipeline(SETTINGS[layout])
    for rest, ips, meaning in chance.choices(states, k=4):
        reach(other, rest, ips, chance, in_batches=chance.random() < 0.5)

        assert account(other, with_held=False) == meaning


@given(histories, layouts)
def test_a_written_plan_leaves_an_empty_plan(history: list[list[str]], layout: str) -> None:
    """Or the database is never at rest, and drift can't be told from our own work."""
    loop = Loop(Pipeline(SETTINGS[layout]))
    for batch in history:
        for happened in batch:
            put(loop.pipeline, happened)
        loop.settle()

        rest = loop.everything()
        assert rest.operations == ()
        if not rest.problems and not rest.waiting and not loop.pipeline.wanted.held():
            assert text.mirror_rows(loop.pipeline.mirror) == text.rows(loop.pipeline.wanted)


@given(histories, layouts)
def test_a_wiped_database_gets_back_what_was_there(history: list[list[str]], layout: str) -> None:
    """Losing the northbound database must cost seconds, not a network."""
    loop = Loop(Pipeline(SETTINGS[layout]))
    for batch in history:
        for happened in batch:
            put(loop.pipeline, happened)
        loop.settle()
    before = text.mirror_rows(loop.pipeline.mirror)

    loop.database = Database()
    loop.pipeline.observe([Change("reset")])
    loop.settle()

    if not loop.pipeline.wanted.held():
        assert text.mirror_rows(loop.pipeline.mirror) == before


@given(histories, layouts)
def test_when_everything_is_gone_nothing_is_left(history: list[list[str]], layout: str) -> None:
    """In whatever order things are deleted, no row, no address and no note about anybody stays behind."""
    loop = Loop(Pipeline(SETTINGS[layout]))
    for batch in history:
        for happened in batch:
            put(loop.pipeline, happened)
        loop.settle()
    places = [(kind, key) for kind, table in loop.pipeline.world.tables.items() for key in table]
    Random(len(places)).shuffle(places)
    for kind, key in places:
        if kind not in OURS:
            loop.pipeline.put(kind, key, None)
            loop.settle()
    for key in list(loop.pipeline.world.tables[IP]):
        loop.pipeline.put(IP, key, None)
    loop.settle()

    assert not any(loop.pipeline.world.tables.values())
    assert not any(loop.database.rows.values())
    assert loop.pipeline.turn().choices == []
    assert not loop.pipeline.graph._reads
    assert not loop.pipeline._told
