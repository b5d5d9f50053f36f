"""Parts run when something changed, again when they failed, and never disturb each other."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from ovnloom.api.meta import Key
from ovnloom.api.node import Node
from ovnloom.api.pod import Pod
from ovnloom.api.subnet import Subnet
from ovnloom.errors import Refused, Unavailable
from ovnloom.node.board import Board
from ovnloom.node.loop import Loop
from ovnloom.node.view import FIELDS, View

BLUE = Subnet(Key("blue"), cidr_block="10.1.0.0/24")


class Recorder:
    """A part that keeps what it was shown, and fails as it is told."""

    name = "recorder"
    wakes = frozenset({Subnet})
    is_vital = True

    def __init__(self, *failures: Exception) -> None:
        self.failures = list(failures)
        self.views: asyncio.Queue[View] = asyncio.Queue()

    async def converge(self, view: View) -> None:
        self.views.put_nowait(view)
        if self.failures:
            raise self.failures.pop(0)

    async def next(self) -> View:
        async with asyncio.timeout(10):
            return await self.views.get()


def complete(board: Board) -> None:
    for kind in FIELDS:
        board.listed(kind, {})


@asynccontextmanager
async def running(loop: Loop) -> AsyncIterator[None]:
    task = asyncio.create_task(loop.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])


async def turn() -> None:
    """Everything that can run has run."""
    for _ in range(10):
        await asyncio.sleep(0)


async def test_nothing_runs_before_everything_was_listed() -> None:
    """A Pod that isn't known yet looks like one that is gone."""
    board, part = Board("worker-1"), Recorder()
    async with running(Loop([part], board)):
        board.changed(Subnet, BLUE.key, BLUE)
        await turn()
        assert part.views.empty()

        complete(board)

        assert (await part.next()).complete


async def test_only_kinds_that_concern_a_part_wake_it_and_bursts_are_one_call() -> None:
    """A Service that changes each second is no reason to look at routes."""
    board, part = Board("worker-1"), Recorder()
    complete(board)
    async with running(Loop([part], board)):
        await part.next()
        board.changed(Node, Key("other"), Node(Key("other")))
        await turn()
        assert part.views.empty()

        for number in range(100):
            key = Key(f"s{number}")
            board.changed(Subnet, key, Subnet(key))

        assert len((await part.next()).subnets) == 100
        assert part.views.empty()


async def test_what_was_unavailable_is_tried_again_and_keeps_pods_waiting() -> None:
    """Open vSwitch comes up later than the agent; then everything goes on by itself."""
    board, part = Board("worker-1"), Recorder(Unavailable("ovn0 is not there"))
    complete(board)
    loop = Loop([part], board)
    async with running(loop):
        await part.next()
        await turn()
        assert loop.waits_for == "recorder: ovn0 is not there"

        await part.next()
        await turn()

        assert loop.waits_for == ""


async def test_what_was_refused_is_tried_again_when_something_changes() -> None:
    """Asking again for what was refused only fills logs."""
    board, part = Board("worker-1"), Recorder(Refused("no such interface"))
    complete(board)
    async with running(Loop([part], board)):
        await part.next()
        await turn()
        assert part.views.empty()

        board.changed(Subnet, BLUE.key, BLUE)

        assert await part.next()


async def test_a_part_that_breaks_stops_no_other_one() -> None:
    """A bug in masquerading must not stop Pods."""
    board, broken, part = Board("worker-1"), Recorder(KeyError("bug")), Recorder()
    complete(board)
    async with running(Loop([broken, part], board)):
        await broken.next()
        await part.next()
        board.changed(Subnet, BLUE.key, BLUE)

        assert (await part.next()).subnets == {"blue": BLUE}


async def test_a_list_tells_what_is_gone() -> None:
    """A gap in a watch hides deletions."""
    board, pod = Board("worker-1"), Pod(Key("web", "shop"))
    board.listed(Pod, {pod.key: pod})
    before = board.view

    board.listed(Pod, {})

    assert pod.key in before.pods
    assert board.view.pods == {}


async def test_who_waits_for_a_pod_is_woken_by_it_and_by_subnets() -> None:
    """Fifty Pods that start must not be looked at whenever one of them changes."""
    board, asked = Board("worker-1"), []

    def ask() -> bool | None:
        asked.append(1)
        return True if board.find(Pod, Key("web", "shop")) else None

    waiting = asyncio.create_task(board.until(ask, Key("web", "shop")))
    await turn()
    board.changed(Pod, Key("other", "shop"), Pod(Key("other", "shop")))
    await turn()
    assert len(asked) == 1
    board.changed(Subnet, BLUE.key, BLUE)
    await turn()
    assert len(asked) == 2

    board.changed(Pod, Key("web", "shop"), Pod(Key("web", "shop")))

    assert await waiting is True
