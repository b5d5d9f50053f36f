"""What holds for any sequence of wants, and of edits by others."""

from hypothesis import given, settings
from hypothesis import strategies as st

from ovnloom.intent import EMPTY, Intent, Owner, Problem
from ovnloom.northbound import text
from ovnloom.northbound.edits import Plan
from ovnloom.northbound.operations import Written
from ovnloom.northbound.plan import plan
from tests.northbound.rows import group, pod, policy, port, subnet, switch
from tests.northbound.simulation import Room, differences

NAMES = ("a", "b", "c")
HELD = Intent.held(Problem("Wrong", "x"))


def intents() -> st.SearchStrategy[tuple[Owner, Intent]]:
    """An owner and what it wants from now on; also things that are missing, held, or wanted by two."""
    name = st.sampled_from(NAMES)
    groups = st.sets(st.sampled_from(("p.ns", "q.ns")), max_size=2)
    subnets = st.tuples(name.map(subnet), st.builds(switch, name) | st.just(EMPTY) | st.just(HELD))
    priorities = st.sets(st.integers(1, 3), max_size=3)
    rules = st.builds(
        lambda name, numbers, action: group(name, *numbers, action=action),
        st.sampled_from(("p.ns", "q.ns")),
        priorities,
        st.sampled_from(("drop", "allow")),
    )
    policies = st.tuples(name.map(policy), rules | st.just(EMPTY) | st.just(HELD))
    ports = st.builds(
        lambda name, on, groups, ip: port(name, on, *groups, ip=ip), name, name, groups, st.sampled_from("12")
    )
    pods = st.tuples(name.map(pod), ports | st.just(EMPTY) | st.just(HELD))
    return subnets | policies | pods


BATCHES = st.lists(st.lists(intents(), min_size=1, max_size=4), max_size=8)


def become(room: Room, batches: list[list[tuple[Owner, Intent]]]) -> None:
    """The room after these batches, and after everybody was planned who was touched or waited."""
    for batch in batches:
        owners: set[Owner] = set()
        for owner, intent in batch:
            owners |= {owner, *room.wanted.replace(owner, intent)}
        room.run(owners)
    for _ in range(3):  # what went may have been waited for by somebody whose turn was before
        room.write(room.everything())


def foreign(room: Room) -> None:
    """A switch, a port, a group and an ACL of somebody else, with names like ours."""
    ls, changes = room.database.insert("Logical_Switch", name="c", external_ids={"neutron": "yes"})
    room.mirror.apply(changes)
    _, changes = room.database.insert("Logical_Switch_Port", ("Logical_Switch", ls, "ports"), name="c")
    room.mirror.apply(changes)
    pg, changes = room.database.insert("Port_Group", name="theirs")
    room.mirror.apply(changes)
    _, changes = room.database.insert("ACL", ("Port_Group", pg, "acls"), priority=1, match="ip", action="drop")
    room.mirror.apply(changes)


def foreign_rows(room: Room) -> list[object]:
    return [
        (table, uuid, sorted(columns.items(), key=str))
        for table, rows in room.database.rows.items()
        for uuid, columns in rows.items()
        if "ovnloom.io/owner" not in columns.get("external_ids", {})
    ]


@given(BATCHES)
@settings(max_examples=300, deadline=None)
def test_a_plan_that_was_applied_leaves_an_empty_plan(batches: list[list[tuple[Owner, Intent]]]) -> None:
    """An unchanged world gives an empty plan, always."""
    room = Room()

    become(room, batches)

    assert text.plan(Plan(operations=room.everything().operations)) == ""


@given(BATCHES)
@settings(max_examples=200, deadline=None)
def test_rows_of_others_are_never_touched(batches: list[list[tuple[Owner, Intent]]]) -> None:
    """Neutron-like rows beside ours, some with names that we want."""
    room = Room()
    foreign(room)
    before = foreign_rows(room)

    become(room, batches)

    assert foreign_rows(room) == before
    assert room.everything().is_empty


@given(BATCHES)
@settings(max_examples=200, deadline=None)
def test_a_wiped_database_becomes_what_it_was(batches: list[list[tuple[Owner, Intent]]]) -> None:
    """The rows follow from what is wanted, not from how it came to be wanted."""
    room = Room()
    become(room, [[(owner, intent) for owner, intent in batch if not intent.is_held] for batch in batches])
    again = Room()
    again.wanted = room.wanted

    become(again, [])

    assert text.mirror_rows(again.mirror) == text.mirror_rows(room.mirror)


@given(BATCHES)
@settings(max_examples=100, deadline=None)
def test_the_mirror_that_followed_changes_says_what_a_new_one_says(batches: list[list[tuple[Owner, Intent]]]) -> None:
    """A mirror is patched for weeks; the next reconnection must find nothing different."""
    room = Room()
    become(room, batches)
    fresh = Room()
    fresh.mirror.apply(differences({table: {} for table in room.database.rows}, room.database.rows))

    assert text.mirror_rows(fresh.mirror) == text.mirror_rows(room.mirror)
    assert sorted(map(str, fresh.mirror.owners())) == sorted(map(str, room.mirror.owners()))


@given(BATCHES, st.data())
@settings(max_examples=150, deadline=None)
def test_any_part_of_a_plan_can_be_written_alone(
    batches: list[list[tuple[Owner, Intent]]], choice: st.DataObject
) -> None:
    """A refused transaction is split anywhere between owners."""
    room = Room()
    become(room, batches[:-1])
    owners: set[Owner] = set()
    for owner, intent in batches[-1] if batches else []:
        owners |= {owner, *room.wanted.replace(owner, intent)}
    whole = plan(owners, room.wanted, room.mirror)
    chosen = frozenset(choice.draw(st.sets(st.sampled_from(sorted(owners)))) if owners else ())

    part, postponed = whole.restricted(chosen, {})
    room.mirror.apply(room.database.transact(Written(part).operations))

    assert part.owners | postponed == chosen
    become(room, [])
    assert room.everything().is_empty
