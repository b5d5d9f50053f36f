"""What the kernel tells of changes, as it happens."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest

from ovnloom.host import nft_kernel
from ovnloom.host.netlink_events import Event, events
from ovnloom.host.nft import Chain, Table
from tests.netns import ip, namespace, wire


class Heard:
    """All events since it listens; the first, which says that anything may have changed, is left out."""

    def __init__(self) -> None:
        self.all: list[Event] = []
        self.ready = asyncio.Event()
        self._news = asyncio.Event()

    async def listen(self) -> None:
        async for event in events():
            if event.kind == "unknown":
                self.ready.set()
            else:
                self.all.append(event)
                self._news.set()

    async def until(self, what: Callable[[Event], bool]) -> None:
        """Such an event came."""
        async with asyncio.timeout(10):
            while not any(map(what, self.all)):
                self._news.clear()
                await self._news.wait()

    async def all_of_it(self) -> None:
        """Everything that was done up to now was heard: the kernel tells in order."""
        ip("link add loomend0 type veth peer name loomend1")
        await self.until(lambda event: event.name == "loomend0")

    def kinds(self) -> list[str]:
        return [event.kind for event in self.all]

    def names(self, kind: str) -> set[str]:
        return {event.name for event in self.all if event.kind == kind}


@pytest.fixture
async def heard(alone: str) -> AsyncIterator[Heard]:
    """What the kernel tells of the test's namespace."""
    found = Heard()
    task = asyncio.create_task(found.listen())
    await found.ready.wait()
    yield found
    task.cancel()


async def test_each_kind_of_change_is_told(heard: Heard) -> None:
    """A part that isn't woken leaves the host as somebody made it."""
    ip("link add one mtu 1400 type veth peer name two")
    ip("link set one up")
    ip("link set two up")
    ip("address add 192.0.2.1/24 dev one")
    ip("address add 2001:db8::1/64 dev one")
    ip("route add 198.51.100.0/24 via 192.0.2.9")
    ip("-6 route add 2001:db8:1::/48 via 2001:db8::9")
    ip("rule add from 192.0.2.1 lookup 77")
    ip("-6 rule add from 2001:db8::1 lookup 77")

    await heard.all_of_it()

    assert {"link", "address", "route", "rule"} <= set(heard.kinds())
    assert heard.kinds().count("rule") == 2
    assert heard.names("link") >= {"one", "two"}


async def test_what_pods_bring_concerns_nobody(heard: Heard, alone: str) -> None:
    """50 Pods a second must not make each part look at all routes 50 times."""
    with namespace() as pod:
        wire(alone, "0123456789ab_h", pod)
        await heard.all_of_it()

    assert set(heard.kinds()) == {"link"}


async def test_who_changes_a_table_is_told_and_we_are_not(heard: Heard) -> None:
    """Our own transactions would wake us without end."""
    await nft_kernel.apply(Table("loomown", chains=(Chain("any"),)))
    process = await asyncio.create_subprocess_exec("nft", "add table inet loomother; add chain inet loomother any")
    assert await process.wait() == 0

    await heard.until(lambda event: event.kind == "table")

    assert heard.names("table") == {"loomother"}


async def test_who_changes_a_table_is_known_by_the_number_that_it_has_itself(heard: Heard) -> None:
    """An agent in a namespace of processes would take its own changes for others', and read its tables for each."""
    nft_kernel.OWN.append(1)
    unshared = ("unshare", "--pid", "--fork", "nft", "add table inet loomown")
    other = ("nft", "add table inet loomother")
    for command in (unshared, other):
        process = await asyncio.create_subprocess_exec(*command)
        assert await process.wait() == 0
    nft_kernel.OWN.remove(1)

    await heard.until(lambda event: event.kind == "table")

    assert heard.names("table") == {"loomother"}
