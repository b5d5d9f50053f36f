"""The queue between the watches and the engine."""

import asyncio

from ovnloom.api.meta import Key
from ovnloom.api.namespace import Namespace
from ovnloom.api.node import Node
from ovnloom.controller.inbox import Inbox
from ovnloom.world.tables import BY_TYPE

NODES, SPACES = BY_TYPE[Node], BY_TYPE[Namespace]


def test_an_object_waits_once_with_its_latest_value_at_its_first_place() -> None:
    """A Pod that changes ten times before it is its turn costs one compile, and isn't pushed back each time."""
    inbox = Inbox()
    inbox.put(NODES, Key("a"), "a1")
    inbox.put(NODES, Key("b"), "b1")
    inbox.put(NODES, Key("a"), None)
    inbox.put(SPACES, Key("a"), "another kind")

    assert [change[:3] for change in inbox.take()] == [
        (NODES, Key("a"), None),
        (NODES, Key("b"), "b1"),
        (SPACES, Key("a"), "another kind"),
    ]
    assert len(inbox) == 0


def test_a_batch_takes_those_that_waited_longest() -> None:
    """What is left goes into the next transaction."""
    inbox = Inbox()
    for name in "abc":
        inbox.put(NODES, Key(name), name)

    assert [change.key.name for change in inbox.take(2)] == ["a", "b"]
    assert [change.key.name for change in inbox.take(2)] == ["c"]


async def test_whoever_waits_is_woken_and_sleeps_again_when_all_is_taken() -> None:
    """The engine runs when there is something to do, and only then."""
    inbox = Inbox()
    waiting = asyncio.create_task(inbox.wait())
    await asyncio.sleep(0)
    assert not waiting.done()
    assert inbox.age == 0

    inbox.put(NODES, Key("a"), "a")
    await waiting
    assert inbox.age > 0
    inbox.take()

    again = asyncio.create_task(inbox.wait())
    await asyncio.sleep(0)
    assert not again.done()
    again.cancel()
