"""Who read what: owners find themselves queued when a fact they read has changed.

Nobody writes down what depends on what. A function gets a `Reader`; each question it asks is recorded as a fact. When
the world changes, the readers of the changed facts are due. A *view* is a pure function of the world whose answer is
remembered: its readers are only due when its answer differs, so an edit of a Subnet's `natOutgoing` doesn't reach the
9,000 Pods in it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Hashable, Iterable
from typing import Any, TypeVar, cast

from ovnloom.api.meta import Key
from ovnloom.settings import Settings
from ovnloom.world.fact import Fact
from ovnloom.world.world import Index, World

T = TypeVar("T")
Node = Hashable
"""Who reads: an Owner, a claim, or a view's Fact."""


class Reader:
    """What a pure function sees of the world. It records each question as a fact."""

    __slots__ = ("_graph", "facts", "settings")

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self.settings: Settings = graph.settings
        self.facts: list[Fact] = []

    def get(self, kind: type[T], key: Key) -> T | None:
        """The object, or None when there is none."""
        self.facts.append((kind, key))
        return cast("T | None", self._graph.world.tables[kind].get(key))

    def keys(self, kind: type) -> Collection[Key]:
        """The keys of all objects of a kind; for kinds of which a cluster has few."""
        self.facts.append((kind, None))
        return self._graph.world.tables[kind].keys()

    def find(self, index: Index[T], value: Hashable) -> list[T]:
        """The objects that an index has under a value, oldest first, and then by name."""
        self.facts.append((index, value))
        table = self._graph.world.tables[index.type]
        found = self._graph.world.members(index, value)
        if not found:
            return []
        self.facts.extend((index.type, key) for key in found)
        return index.in_order([table[key] for key in found])

    def keys_of(self, index: Index[Any], value: Hashable) -> Collection[Key]:
        """The keys that an index has under a value, without depending on the objects themselves."""
        self.facts.append((index, value))
        return self._graph.world.members(index, value)

    def fixed(self, index: Index[T], value: Hashable) -> list[T]:
        """The objects that an index has under a value, by key, for kinds whose objects never change: only who belongs
        to the value is recorded."""
        self.facts.append((index, value))
        found = self._graph.world.members(index, value)
        if not found:
            return []
        table = self._graph.world.tables[index.type]
        return [table[key] for key in sorted(found)]

    def view(self, view: Callable[[Reader, Any], T], argument: Hashable = None) -> T:
        """The answer of a view, computed once for all its readers until something that it read changes."""
        fact = (view, argument)
        self.facts.append(fact)
        return cast(T, self._graph.answer(fact))


class _Failed:
    """A view raised: that is its answer, for each of its readers, until something that it read changes."""

    def __init__(self, bug: Exception) -> None:
        self.bug = bug


class Graph:
    """The facts that every reader read, and the remembered answers of views."""

    def __init__(self, world: World, settings: Settings) -> None:
        self.world = world
        self.settings = settings
        self._readers: dict[Fact, Node | dict[Node, None]] = {}
        """In the order in which they came, so that of those who wait for a Subnet the first is served first."""
        self._reads: dict[Node, tuple[Fact, ...]] = {}
        self._answers: dict[Fact, Any] = {}
        self._stale: set[Fact] = set()
        self._pending: deque[Fact] = deque()
        self._due: dict[Node, None] = {}
        self._idle: dict[Fact, None] = {}
        """Views that lost their last reader; they are forgotten unless another one comes until all is settled."""

    def evaluate(self, node: Node, function: Callable[[Reader], T]) -> T:
        """The function's answer; from now on the node is due when a fact changes that the function read."""
        reader = Reader(self)
        try:
            return function(reader)
        finally:
            self._record(node, reader.facts)

    def knows(self, node: Node) -> bool:
        """Whether the node was evaluated, and not forgotten since."""
        return node in self._reads

    def forget(self, node: Node) -> None:
        """The node is never due again."""
        self._record(node, [])

    def settle(self, changed: Iterable[Fact]) -> list[Node]:
        """All nodes that are due after these facts changed, each once, in the order in which that was found."""
        for fact in changed:
            self._spread(fact)
        while self._pending:
            fact = self._pending.popleft()
            if fact in self._stale:
                self._refresh(fact)
        while self._idle:
            fact, _ = self._idle.popitem()
            if fact not in self._readers and fact in self._answers:
                del self._answers[fact]
                self._stale.discard(fact)
                self._record(fact, [])
        due = list(self._due)
        self._due.clear()
        return due

    def answer(self, fact: Fact) -> Any:
        """The answer of a view, computed when there is none or when it is stale."""
        if fact in self._stale:
            self._refresh(fact, wanted=True)
        try:
            found = self._answers[fact]
        except KeyError:
            found = self._answers[fact] = self._compute(fact)
        if type(found) is _Failed:
            raise found.bug
        return found

    def _compute(self, fact: Fact) -> Any:
        view, argument = fact
        try:
            return self.evaluate(fact, lambda read: view(read, argument))
        except Exception as bug:  # noqa: BLE001 # its readers fail, each on its own account, and nobody else
            return _Failed(bug)

    def _refresh(self, fact: Fact, wanted: bool = False) -> None:
        self._stale.discard(fact)
        if not wanted and fact not in self._readers:
            del self._answers[fact]
            self._record(fact, [])
            return
        before = self._answers[fact]
        after = self._answers[fact] = self._compute(fact)
        self._stale.discard(fact)
        if before != after:
            self._spread(fact)

    def _spread(self, fact: Fact) -> None:
        found = self._readers.get(fact)
        if found is None:
            return
        nodes: tuple[Node, ...] = tuple(found) if isinstance(found, dict) else (found,)
        for node in nodes:
            if node in self._answers:
                view: Fact = node
                if view not in self._stale:
                    self._stale.add(view)
                    self._pending.append(view)
            else:
                self._due[node] = None

    def _record(self, node: Node, facts: list[Fact]) -> None:
        after = tuple(dict.fromkeys(facts))
        before = self._reads.get(node, ())
        if before == after:  # as nearly always when something is looked at again
            return
        kept = set(before).intersection(after) if before else ()
        for fact in before:
            if fact not in kept:
                self._unlink(fact, node)
        for fact in after:
            if fact not in kept:
                self._link(fact, node)
        if after:
            self._reads[node] = after
        else:
            del self._reads[node]

    def _link(self, fact: Fact, node: Node) -> None:
        found = self._readers.get(fact)
        if found is None:
            self._readers[fact] = node
        elif isinstance(found, dict):
            found[node] = None
        elif found != node:
            self._readers[fact] = {found: None, node: None}

    def _unlink(self, fact: Fact, node: Node) -> None:
        found = self._readers.get(fact)
        if isinstance(found, dict):
            found.pop(node, None)
            if found:
                return
        elif found != node:
            return
        del self._readers[fact]
        if fact in self._answers:
            self._idle[fact] = None
