"""The deletion budget."""

from ovnloom.intent import EMPTY
from ovnloom.northbound.budget import check
from ovnloom.northbound.edits import Plan
from ovnloom.northbound.plan import plan
from tests.northbound.rows import pod, port, subnet, switch
from tests.northbound.simulation import Room


def losing(gone: int, of: int) -> tuple[Plan, int]:
    """A plan that deletes so many of so many Pods' ports, and how many rows are ours before it."""
    room = Room()
    room.wanted.replace(subnet("blue"), switch("blue"))
    for number in range(of):
        room.wanted.replace(pod(str(number)), port(f"{number}.ns", "blue"))
    room.run(room.wanted.owners())
    for number in range(gone):
        room.wanted.replace(pod(str(number)), EMPTY)
    owners = {subnet("blue"), *(pod(str(number)) for number in range(of))}
    return plan(owners, room.wanted, room.mirror), room.mirror.owned_rows


def test_a_plan_stops_only_beyond_both_bounds() -> None:
    """A small cluster may lose most of its rows, a big one many, without anybody being asked."""
    found, ours = losing(6, 20)

    assert check(found, ours, max_share=0.1, max_rows=6) is None
    assert check(found, ours, max_share=0.3, max_rows=5) is None
    stop = check(found, ours, max_share=0.1, max_rows=5)
    assert stop is not None
    assert (stop.count, round(stop.share, 2)) == (6, 0.29)
    assert str(stop).startswith("6 rows (29% of ours) would be deleted: Logical_Switch_Port 0.ns, ")


def test_an_approved_plan_passes() -> None:
    """The administrator has seen the list."""
    found, ours = losing(6, 20)

    assert check(found, ours, max_share=0, max_rows=0, approved=True) is None


def test_rows_that_go_with_their_parent_count() -> None:
    """One lost Subnet object would otherwise delete 9,000 ports by one operation."""
    room = Room()
    room.wanted.replace(subnet("blue"), switch("blue"))
    for number in range(9):
        room.wanted.replace(pod(str(number)), port(f"{number}.ns", "blue"))
    room.run(room.wanted.owners())
    room.wanted.replace(subnet("blue"), EMPTY)

    stop = check(plan([subnet("blue")], room.wanted, room.mirror), 10, max_share=0.1, max_rows=5)

    assert stop is not None
    assert stop.count == 10
