"""Sets of addresses as ranges, against Python's own sets."""

import sys

from hypothesis import given
from hypothesis import strategies as st

from ovnloom.ipam import Ranges, parse_items

NUMBERS = st.sets(st.integers(0, 40))
TOP = (1 << 32) - 1


def ranges(numbers: set[int]) -> Ranges:
    """The set, made one by one."""
    made = Ranges()
    for number in numbers:
        made.add(number)
    return made


@given(NUMBERS, NUMBERS)
def test_ranges_are_sets(one: set[int], other: set[int]) -> None:
    """Pools, excludes and what is in use are joined and cut all the time; an address too many is given twice."""
    left, right = ranges(one), ranges(other)

    assert set(left | right) == one | other
    assert set(left & right) == one & other
    assert set(left - right) == one - other
    assert (left == right) == (one == other)
    for made in (left | right, left & right, left - right):
        assert made.count == len(set(made))
        assert made == Ranges.of_sorted(sorted(made))


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 30)), max_size=80))
def test_adding_and_removing_says_whether_anything_changed(steps: list[tuple[bool, int]]) -> None:
    """Counters follow from the answer."""
    made, model = Ranges(), set[int]()
    for add, number in steps:
        assert (made.add(number) if add else made.discard(number)) == ((number in model) != add)
        (model.add if add else model.discard)(number)
        assert list(made) == sorted(model)
        assert made.count == len(model)
        assert made.first == min(model, default=None)
        assert bool(made) == bool(model)
        assert {tried for tried in range(-1, 32) if tried in made} == model
    for (_, last), (first, _) in zip(made.spans(), list(made.spans())[1:], strict=False):
        assert first > last + 1  # ranges never touch, so equal sets have equal text


@given(st.sets(st.integers(0, TOP), max_size=30))
def test_text_of_ipv4_ranges_can_be_read_back(numbers: set[int]) -> None:
    """status.v4usingIPrange is read by scripts; its form differs from excludeIps only in the dash."""
    made = ranges(numbers)
    items = [item.replace("-", "..") for item in made.text(4).split(",") if item]

    assert parse_items(items).of(4) == made


@given(st.sets(st.integers(0, (1 << 128) - 1), max_size=30))
def test_text_of_ipv6_ranges_can_be_read_back(numbers: set[int]) -> None:
    """The same for status.v6usingIPrange."""
    made = ranges(numbers)
    items = [item.replace("-", "..") for item in made.text(6).split(",") if item]

    assert parse_items(items).of(6) == made


def test_text_is_that_of_the_status_of_kube_ovn() -> None:
    """Dash range, comma separated, a single address alone."""
    ten = 10 << 24

    assert Ranges([(ten + 1, ten + 3), (ten + 9, ten + 9)]).text(4) == "10.0.0.1-10.0.0.3,10.0.0.9"
    assert Ranges().text(4) == ""


def test_a_big_network_takes_no_memory() -> None:
    """An IPv6 /64 has more addresses than there are bytes."""
    spans = parse_items(["fd00::/64", "10.0.0.0/8"])

    assert spans.of(6).count == 1 << 64
    assert sys.getsizeof(spans.of(6)) < 200
    assert len(list(spans.of(4).spans())) == 1
