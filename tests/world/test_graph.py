"""Who read what: nobody is missed."""

from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ovnloom.api.meta import Key, Meta
from ovnloom.api.namespace import Namespace
from ovnloom.settings import Settings
from ovnloom.world.graph import Graph, Reader
from ovnloom.world.world import Index, World

NUMBERS = 5
"""Cells of a table, each with a small number or absent."""
BY_NUMBER = Index("by number", Namespace, lambda cell: (number(cell),))
SETTINGS = Settings()

View = Callable[[Reader, Any], int]


def number(cell: Namespace | None) -> int:
    return int(cell.labels["number"]) if cell else 0


def cell(at: int, value: int) -> Namespace:
    return Namespace(Key(f"cell-{at}"), Meta(labels={"number": str(value)}))


def views(shapes: list[tuple[str, int, int, int]]) -> list[View]:
    """Functions of which each reads cells, an index, the keys, or views before it; which ones may depend on that."""
    made: list[View] = []
    for shape in shapes:
        made.append(view(shape, list(made)))
    return made


def view(shape: tuple[str, int, int, int], others: list[View]) -> View:
    kind, one, two, modulus = shape

    def below(read: Reader, which: int) -> int:
        if not others or which % 3 == 0:
            return number(read.get(Namespace, Key(f"cell-{which % NUMBERS}")))
        return read.view(others[which % len(others)], which % 2)

    def answer(read: Reader, argument: int) -> int:
        match kind:
            case "sum":
                return below(read, one) + below(read, two) + argument
            case "branch":
                return below(read, two) if below(read, one) % 2 else argument
            case "cut":
                return below(read, one) % modulus
            case "find":
                return len(read.find(BY_NUMBER, one % modulus)) * 10 + below(read, two)
            case "keys":
                return len(read.keys(Namespace))
        return sum(number(found) for found in read.find(BY_NUMBER, below(read, one) % 4))

    return answer


shapes = st.lists(
    st.tuples(
        st.sampled_from(["sum", "branch", "cut", "find", "keys", "follow"]),
        st.integers(0, 30),
        st.integers(0, 30),
        st.integers(1, 4),
    ),
    min_size=1,
    max_size=10,
)
edits = st.lists(st.tuples(st.integers(0, NUMBERS - 1), st.none() | st.integers(0, 5)), max_size=4)


@given(shapes, st.lists(edits, min_size=1, max_size=8))
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True, max_examples=300)
def test_whoever_is_not_due_would_say_the_same_again(
    described: list[tuple[str, int, int, int]], history: list[list[tuple[int, int | None]]]
) -> None:
    """A reader that is missed keeps rows of a world that is gone, until a restart."""
    made = views(described)
    world = World((BY_NUMBER,))
    graph = Graph(world, SETTINGS)
    readers: dict[tuple[str, int], View] = {("reader", at): found for at, found in enumerate(made)}
    said = {who: graph.evaluate(who, lambda read, found=found: read.view(found, 1)) for who, found in readers.items()}
    for batch in history:
        for at, value in batch:
            world.put(Namespace, Key(f"cell-{at}"), None if value is None else cell(at, value))
        for who in graph.settle(world.take_changed()):
            said[who] = graph.evaluate(who, lambda read, found=readers[who]: read.view(found, 1))

        fresh = Graph(world, SETTINGS)
        assert said == {who: Reader(fresh).view(found, 1) for who, found in readers.items()}


def test_a_view_that_nobody_reads_any_more_is_forgotten() -> None:
    """A cluster makes namespaces all day; what was known of those that are gone must not stay."""
    world = World(())
    graph = Graph(world, SETTINGS)

    def inner(read: Reader, at: int) -> int:
        return number(read.get(Namespace, Key(f"cell-{at}")))

    def outer(read: Reader, at: int) -> int:
        return read.view(inner, at) + 1

    graph.evaluate("reader", lambda read: read.view(outer, 1))
    graph.forget("reader")
    graph.settle([])

    assert not graph._answers
    assert not graph._readers
    assert not graph._reads


def test_a_view_that_raises_fails_its_readers_and_recovers_with_what_it_read() -> None:
    """A bug in what many share must neither stop the pipeline nor stay when its cause is gone."""
    world = World(())
    graph = Graph(world, SETTINGS)

    def picky(read: Reader, _: None) -> int:
        return 10 // number(read.get(Namespace, Key("cell-0")))

    def ask(read: Reader) -> int | str:
        try:
            return read.view(picky)
        except ZeroDivisionError:
            return "failed"

    assert graph.evaluate("reader", ask) == "failed"
    world.put(Namespace, Key("cell-0"), cell(0, 5))
    assert graph.settle(world.take_changed()) == ["reader"]
    assert graph.evaluate("reader", ask) == 2
    world.put(Namespace, Key("cell-0"), cell(0, 0))
    assert graph.settle(world.take_changed()) == ["reader"]
    assert graph.evaluate("reader", ask) == "failed"


def test_readers_are_due_in_the_order_in_which_they_came() -> None:
    """Pods that wait for a Subnet get its addresses in the order in which they were made, in every run alike."""
    world = World(())
    graph = Graph(world, SETTINGS)
    names = [f"reader-{at * 7919 % 100}" for at in range(100)]
    for name in names:
        graph.evaluate(name, lambda read: read.get(Namespace, Key("cell-0")))

    world.put(Namespace, Key("cell-0"), cell(0, 1))

    assert graph.settle(world.take_changed()) == names
