"""Any sequence of requests, releases and changes, against a model that is too simple to be wrong."""

from dataclasses import replace

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from ovnloom.ipam import (
    FAMILIES,
    Entry,
    Exhausted,
    Family,
    Layout,
    Pair,
    Ranges,
    Spans,
    SubnetPool,
    parse_cidr_block,
)

HOLDERS = st.sampled_from([f"pod-{number}.default" for number in range(12)])
CIDRS = st.sampled_from(
    ["10.0.0.0/28", "10.0.0.0/29", "fd00::/124", "10.0.0.0/28,fd00::/124", "10.0.0.16/28,fd00::/125", "10.0.0.0/30"]
)
BASES: dict[Family, int] = {4: 10 << 24, 6: 0xFD << 120}
OFFSETS = st.integers(min_value=-2, max_value=34)
POOLS = st.sampled_from([None, None, None, "a", "b", "missing"])
WANTED_FAMILIES = st.sampled_from([None, None, None, (4,), (6,), (4, 6)])


@st.composite
def layouts(draw: st.DrawFn) -> Layout:
    """A Layout with excluded ranges and two disjoint IPPools that may reach outside the CIDR."""
    networks = parse_cidr_block(draw(CIDRS))
    gateway = networks.default_gateway
    if draw(st.booleans()):
        gateway = Pair(*(None if number is None else number + draw(st.integers(0, 3)) for number in gateway))
    parts: list[list[tuple[tuple[int, int], ...]]] = []
    for family in FAMILIES:
        cuts = sorted(draw(st.lists(OFFSETS, min_size=6, max_size=6)))
        base = BASES[family]
        spans = [((base + max(cuts[at], 0), base + max(cuts[at + 1], 0) - 1),) for at in (0, 2, 4)]
        parts.append([span if span[0][0] <= span[0][1] else () for span in spans])
    excludes, one, other = (Spans(parts[0][at], parts[1][at]) for at in range(3))
    return Layout(networks, gateway, excludes, (("a", one), ("b", other)) if draw(st.booleans()) else ())


class Model:
    """One family of one Subnet as plain sets."""

    def __init__(self, family: Family) -> None:
        self.family = family
        self.held: dict[str, int] = {}
        self.released: set[int] = set()

    def divide(self, layout: Layout) -> None:
        network = layout.networks.of(self.family)
        self.usable = set(Ranges([network.usable])) if network else set()
        self.gateway = layout.gateway.of(self.family) if network else None
        excluded = set(layout.excludes.of(self.family)) | {self.gateway}
        rest = self.usable - excluded
        self.excluded = self.usable & excluded
        self.pools: dict[str | None, set[int]] = {None: rest}
        for name, spans in layout.pools:
            self.pools[name] = rest & set(spans.of(self.family))
            self.pools[None] = self.pools[None] - self.pools[name]
        self.released = set()

    def next(self, pool: str | None, avoided: set[int]) -> int | None:
        left = self.pools.get(pool, set()) - set(self.held.values()) - avoided
        return min(left - self.released, default=None) if left - self.released else min(left, default=None)

    def take_next(self, holder: str, pool: str | None, number: int) -> None:
        if number in self.released:
            self.released -= self.pools[pool]
        self.held[holder] = number

    def take(self, holder: str, number: int) -> None:
        self.held[holder] = number
        self.released.discard(number)

    def release(self, holder: str) -> None:
        number = self.held.pop(holder, None)
        if number is not None and number in self.usable - self.excluded:
            self.released.add(number)


class Allocation(RuleBasedStateMachine):
    """The pool does what the model does, step by step."""

    @initialize(layout=layouts())
    def begin(self, layout: Layout) -> None:
        self.steps = 0
        self.layout = layout
        self.pool = SubnetPool(layout)
        self.models: dict[Family, Model] = {family: Model(family) for family in FAMILIES}
        for model in self.models.values():
            model.divide(layout)

    @rule(holder=HOLDERS, families=WANTED_FAMILIES, pool=POOLS, avoided=st.sets(OFFSETS, max_size=3))
    def take_next(self, holder: str, families: tuple[Family, ...] | None, pool: str | None, avoided: set[int]) -> None:
        self.ask(holder, families, pool, avoided)

    @rule(number=st.integers(1, 12), pool=st.sampled_from([None, "a"]))
    def many_come(self, number: int, pool: str | None) -> None:
        for at in range(number):
            self.ask(f"pod-{at}.default", None, pool, set())

    @rule(number=st.integers(1, 12))
    def many_go(self, number: int) -> None:
        for at in range(number):
            self.release(f"pod-{at}.default")

    def ask(self, holder: str, families: tuple[Family, ...] | None, pool: str | None, avoided: set[int]) -> None:
        asked = self.layout.networks.families if families is None else families
        avoid = {family: {BASES[family] + offset for offset in avoided} for family in FAMILIES}
        missing = [family for family in asked if holder not in self.models[family].held]
        expected = {family: self.models[family].next(pool, avoid[family]) for family in missing}
        before = self.pool.address_of(holder)

        could = self.pool.can_take_next(missing, pool, lambda family, number: number in avoid[family])
        answer = self.pool.take_next(holder, families, pool, lambda family, number: number in avoid[family])

        assert could == (None not in expected.values())
        if None in expected.values():
            assert not isinstance(answer, Pair)
            assert answer.sentence
            assert self.pool.address_of(holder) == before
            return
        for family, number in expected.items():
            assert number is not None
            self.models[family].take_next(holder, pool, number)
        assert answer == self.expected_of(holder)

    @rule(holder=HOLDERS, four=st.none() | OFFSETS, six=st.none() | OFFSETS)
    def take(self, holder: str, four: int | None, six: int | None) -> None:
        wanted = Pair(None if four is None else BASES[4] + four, None if six is None else BASES[6] + six)
        possible = all(self.may_take(holder, family, wanted.of(family)) for family in wanted.families)
        before = self.pool.address_of(holder)

        answer = self.pool.take(holder, wanted)

        if not possible:
            assert not isinstance(answer, Pair)
            assert answer.sentence
            assert self.pool.address_of(holder) == before
            return
        for family in wanted.families:
            number = wanted.of(family)
            if number is not None and self.models[family].held.get(holder) != number:
                self.models[family].take(holder, number)
        assert answer == self.expected_of(holder)

    @rule(holder=HOLDERS)
    def go(self, holder: str) -> None:
        self.release(holder)

    def release(self, holder: str) -> None:
        before = self.pool.address_of(holder)

        assert self.pool.release(holder) == before

        for model in self.models.values():
            model.release(holder)

    @precondition(lambda self: self.steps > 6)
    @rule(layout=layouts())
    def resize(self, layout: Layout) -> None:
        self.steps = 0
        held = {holder: self.pool.address_of(holder) for holder in self.pool.holders()}
        for family, model in self.models.items():
            if layout.side(family) != self.layout.side(family):
                model.divide(layout)
        self.layout = layout

        self.pool.resize(layout)

        assert {holder: self.pool.address_of(holder) for holder in self.pool.holders()} == held

    @precondition(lambda self: self.steps > 6)
    @rule()
    def restart(self) -> None:
        self.steps = 0
        entries = [Entry(holder, *self.pool.address_of(holder)) for holder in sorted(self.pool.holders())]

        self.pool = SubnetPool(self.layout, entries)

        for model in self.models.values():
            model.released = set()

    @rule()
    def resize_to_the_same(self) -> None:
        self.pool.resize(replace(self.layout))

    @invariant()
    def time_passes(self) -> None:
        """Changes and restarts are rare, so that released addresses live long enough to be given again."""
        self.steps += 1

    @invariant()
    def nobody_shares_an_address(self) -> None:
        for family, model in self.models.items():
            numbers = [self.pool.address_of(holder).of(family) for holder in self.pool.holders()]
            taken = [number for number in numbers if number is not None]
            assert len(taken) == len(set(taken))
            assert sorted(taken) == sorted(model.held.values())
            for holder, number in model.held.items():
                assert self.pool.holder_of(family, number) == holder

    @invariant()
    def the_numbers_are_those_of_the_model(self) -> None:
        for family, model in self.models.items():
            used = set(model.held.values())
            inside = model.usable - model.excluded
            assert set(self.pool.using(family)) == used & inside
            assert set(self.pool.available(family)) == inside - used
            assert self.pool.using_count(family) == len(used & inside)
            network = self.layout.networks.of(family)
            size = network.size if network else 0
            assert self.pool.available_count(family) == size - len(model.excluded) - len(used & inside)
            for name, numbers in model.pools.items():
                if name is not None:
                    assert set(self.pool.using(family, name)) == used & numbers
                    assert set(self.pool.available(family, name)) == numbers - used
                    assert self.pool.available_count(family, name) == len(numbers - used)

    @invariant()
    def strays_are_those_that_the_subnet_does_not_offer(self) -> None:
        expected = {
            (holder, family, number)
            for family, model in self.models.items()
            for holder, number in model.held.items()
            if number not in model.usable or number == model.gateway
        }
        assert {(stray.holder, stray.family, stray.address) for stray in self.pool.strays()} == expected

    def may_take(self, holder: str, family: Family, number: int | None) -> bool:
        model = self.models[family]
        if model.held.get(holder) == number:
            return True
        if holder in model.held or number in model.held.values():
            return False
        return number in model.usable and number != model.gateway

    def expected_of(self, holder: str) -> Pair:
        return Pair(self.models[4].held.get(holder), self.models[6].held.get(holder))


TestAllocation = Allocation.TestCase
TestAllocation.settings = settings(max_examples=100, stateful_step_count=40, deadline=None)


def test_a_full_subnet_says_that_it_is_exhausted() -> None:
    """The Pod gets an Event with this reason, and waits."""
    pool = SubnetPool(Layout(parse_cidr_block("10.0.0.0/30"), Pair((10 << 24) + 1)))
    assert pool.take_next("one") == Pair((10 << 24) + 2)

    assert pool.take_next("two") == Exhausted(4)
