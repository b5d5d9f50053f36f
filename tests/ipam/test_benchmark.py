"""What allocation costs in a /16 with 10,000 addresses in use; reported, with no bar.

`pytest tests/ipam/test_benchmark.py --benchmark-only` runs it; without that option it is skipped.
"""

import sys
from itertools import count

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from ovnloom.ipam import Entry, Pair, SubnetPool, parse_layout

pytestmark = pytest.mark.skipif("--benchmark-only" not in sys.argv, reason="only with --benchmark-only")

LAYOUT = parse_layout("10.16.0.0/16,fd00::/112")
FOUR, SIX = (network.address for network in LAYOUT.networks)
ENTRIES = [Entry(f"pod-{at}.default", FOUR + 2 + at * 3, SIX + 2 + at * 3) for at in range(10_000)]


def test_taking_and_releasing_one_address(benchmark: BenchmarkFixture) -> None:
    """What one Pod's coming and going costs."""
    pool = SubnetPool(LAYOUT, ENTRIES)
    numbers = count()

    def come_and_go() -> None:
        holder = f"new-{next(numbers)}"
        assert isinstance(pool.take_next(holder), Pair)
        pool.release(holder)

    benchmark(come_and_go)


def test_taking_a_static_address(benchmark: BenchmarkFixture) -> None:
    """The same where the address lies in the middle of what is free."""
    pool = SubnetPool(LAYOUT, ENTRIES)
    wanted = Pair(FOUR + 30_003, SIX + 30_003)

    def come_and_go() -> None:
        assert pool.take("static", wanted) == wanted
        pool.release("static")

    benchmark(come_and_go)


def test_building_from_ten_thousand_ip_objects(benchmark: BenchmarkFixture) -> None:
    """What a restart costs one Subnet."""
    benchmark(SubnetPool, LAYOUT, ENTRIES)


def test_the_status_of_a_subnet(benchmark: BenchmarkFixture) -> None:
    """Range strings of a Subnet whose addresses lie scattered, the worst case for their length."""
    pool = SubnetPool(LAYOUT, ENTRIES)

    benchmark(lambda: (pool.using(4).text(4), pool.available(4).text(4), pool.using(6).text(6)))
