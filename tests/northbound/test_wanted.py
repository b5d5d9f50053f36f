"""What is wanted, by owner, row and element."""

from ovnloom.intent import EMPTY, Intent, Member, Problem, Ref
from ovnloom.northbound.wanted import Wanted
from tests.northbound.rows import group, pod, policy, port, subnet

SET = Ref("Address_Set", "s")
GLOBAL = Ref("NB_Global", ".")


def member(element: str) -> Intent:
    return Intent(members=(Member(SET, "addresses", element),))


def option(value: str) -> Intent:
    return Intent(members=(Member(GLOBAL, "options", ("key", value)),))


def test_the_first_of_two_owners_has_the_row_and_the_other_is_planned_when_that_changes() -> None:
    """Whose turn it is must not depend on who came first."""
    wanted = Wanted()
    row = Ref("Port_Group", "g")

    assert wanted.replace(policy("b"), group("g")) == frozenset()
    assert wanted.replace(policy("a"), group("g")) == {policy("b")}
    assert wanted.owner_of(row) == policy("a")
    assert wanted.replace(policy("a"), EMPTY) == {policy("b")}
    assert wanted.owner_of(row) == policy("b")
    wanted.replace(policy("b"), EMPTY)
    assert wanted.owner_of(row) is None


def test_an_element_that_two_want_stays_until_both_have_left() -> None:
    """Two Pods of a StatefulSet may share an address for a moment."""
    wanted = Wanted()
    wanted.replace(pod("a"), member("10.0.0.1"))
    wanted.replace(pod("b"), member("10.0.0.1"))

    wanted.replace(pod("a"), EMPTY)
    assert wanted.claimant(SET, "addresses", "10.0.0.1") == pod("b")
    wanted.replace(pod("b"), EMPTY)

    assert wanted.claimant(SET, "addresses", "10.0.0.1") is None
    assert not wanted.places()


def test_what_was_wanted_before_is_remembered_until_it_is_settled() -> None:
    """Between two intents the database may not answer; what has to go must not be forgotten meanwhile."""
    wanted = Wanted()
    first, second = member("10.0.0.1"), member("10.0.0.2")
    wanted.replace(pod("a"), first)
    wanted.replace(pod("a"), second)
    wanted.replace(pod("a"), EMPTY)

    assert set(wanted.leaving(pod("a"))) == {*first.members, *second.members}
    wanted.replace(pod("a"), second)
    assert set(wanted.leaving(pod("a"))) == set(first.members)
    wanted.settled(pod("a"))
    assert not wanted.leaving(pod("a"))


def test_two_values_for_one_key_are_decided_by_order_and_the_loser_is_planned_later() -> None:
    """A map has one value for a key."""
    wanted = Wanted()
    wanted.replace(subnet("b"), option("2"))

    assert subnet("b") in wanted.replace(subnet("a"), option("1"))
    assert wanted.value(GLOBAL, "options", "key") == "1"
    assert wanted.replace(subnet("a"), EMPTY) == {subnet("b")}
    assert wanted.value(GLOBAL, "options", "key") == "2"


def test_a_held_intent_leaves_what_was_wanted() -> None:
    """The last good rows stay."""
    wanted = Wanted()
    wanted.replace(pod("a"), port("a.ns", "blue", "g"))

    wanted.replace(pod("a"), Intent.held(Problem("Wrong", "x")))

    assert wanted.is_held(pod("a"))
    assert not wanted.is_blind(pod("a"))
    assert wanted.owner_of(Ref("Logical_Switch_Port", "a.ns")) == pod("a")
    assert list(wanted.held()) == [pod("a")]


def test_nothing_is_kept_of_owners_that_are_gone() -> None:
    """A controller runs for months; Pods come and go by the million."""
    wanted = Wanted()
    for number in range(10):
        wanted.replace(pod(str(number)), port(f"{number}.ns", "blue", "g"))
        wanted.replace(pod(str(number)), EMPTY)
        wanted.settled(pod(str(number)))

    assert not wanted.owners()
    assert not wanted.places()
    assert all(not found for found in vars(wanted).values())
