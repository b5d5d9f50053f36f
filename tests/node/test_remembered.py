"""What lets a part skip looking at its host."""

from ovnloom.node.remembered import Remembered


def test_the_same_facts_need_no_look_until_the_host_changes() -> None:
    """In a cluster of a thousand nodes some Node changes every second, and nearly none matters here."""
    found, subnets = Remembered(), {"blue": 1}
    assert not found.is_same((subnets,), ("a",))

    found.keep(found.moment, (subnets,), ("a",))

    assert found.is_same((subnets,), ("a",))
    assert not found.is_same((dict(subnets),), ("a",)), "conditions of a Subnet don't count when two are compared"
    assert not found.is_same((subnets,), ("b",))
    found.forget()
    assert not found.is_same((subnets,), ("a",))


def test_what_changes_while_a_part_works_is_not_forgotten() -> None:
    """Somebody removes a route right after it was looked at: the part must come back."""
    found = Remembered()
    moment = found.moment
    found.forget()

    found.keep(moment, (), ("a",))

    assert not found.is_same((), ("a",))
