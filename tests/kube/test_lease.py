"""Two replicas and one Lease on a real API server."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from ovnloom.api.meta import Key
from ovnloom.kube import lease
from ovnloom.kube.access import Access
from ovnloom.kube.client import Client
from ovnloom.kube.failures import NotFound
from ovnloom.kube.kind import LEASES
from ovnloom.kube.lease import Lease
from sandbox import Sandbox
from tests.kube.conftest import until, until_true

SECONDS = 3.0


class Replica:
    """One candidate with what it was told."""

    def __init__(self, client: Client, key: Key, name: str) -> None:
        self.lease = Lease(client, key, name, SECONDS)
        self.gained = asyncio.Event()
        self.lost = asyncio.Event()

    async def run(self) -> None:
        await self.lease.run(self.gained.set, self.lost.set)


@asynccontextmanager
async def running(*replicas: Replica) -> AsyncIterator[None]:
    tasks = [asyncio.create_task(replica.run()) for replica in replicas]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def holder(client: Client, key: Key) -> str:
    found = await client.get(LEASES, key)
    return str(found["spec"].get("holderIdentity", ""))


async def within(seconds: float, event: asyncio.Event) -> None:
    async with asyncio.timeout(seconds):
        await event.wait()


async def test_one_of_two_replicas_leads(client: Client, namespace: str) -> None:
    """The other keeps a warm world and writes nothing."""
    key = Key("lead", namespace)
    first, second = Replica(client, key, "first"), Replica(client, key, "second")

    async with running(first):
        await within(SECONDS, first.gained)
        async with running(second):
            with pytest.raises(TimeoutError):
                await within(SECONDS * 1.5, second.gained)
            assert first.lease.is_held
            assert not second.lease.is_held
            assert second.lease.holder == "first"


async def test_a_leader_that_dies_is_replaced_after_its_lease_time(client: Client, namespace: str) -> None:
    """Not before: it may only be slow. Not much later: no Pod gets an address until then."""
    key = Key("dies", namespace)
    first, second = Replica(client, key, "first"), Replica(client, key, "second")
    async with running(second):
        await within(SECONDS, second.gained)  # knows the Lease before it has to judge it
        await second.lease.give_up()
        async with running(first):
            await within(SECONDS * 2, first.gained)
            second.gained.clear()
        ended = time.monotonic()

        await within(SECONDS * 3, second.gained)

    waited = time.monotonic() - ended
    assert SECONDS * 0.6 < waited < SECONDS + 2 * lease.POLL_SECONDS
    assert (await client.get(LEASES, key))["spec"]["leaseTransitions"] == 2


async def test_a_leader_that_steps_down_is_followed_at_once(client: Client, namespace: str) -> None:
    """A rolling update must not stop the network for a lease time."""
    key = Key("steps-down", namespace)
    first, second = Replica(client, key, "first"), Replica(client, key, "second")
    async with running(first):
        await within(SECONDS, first.gained)
        async with running(second):
            await until(lambda: second.lease.holder == "first")

            await first.lease.give_up()

            assert not first.lease.is_held
            await within(2, second.gained)
            await within(1, first.lost)
            assert await holder(client, key) == "second"


async def test_a_leader_that_ends_gives_its_lease_back(client: Client, namespace: str) -> None:
    """A stopping program has often cancelled its tasks by the time it tidies up."""
    key = Key("ends", namespace)
    first = Replica(client, key, "first")
    async with running(first):
        await within(SECONDS, first.gained)

    await first.lease.give_up()

    assert await holder(client, key) == ""


async def test_a_leader_that_was_frozen_knows_so_before_it_does_anything(client: Client, namespace: str) -> None:
    """Thawed after SIGSTOP it goes on where it was, in the middle of a write. Asking `is_held` is what saves us."""
    key = Key("frozen", namespace)
    first = Replica(client, key, "first")
    async with running(first):
        await within(SECONDS, first.gained)
        assert first.lease.is_held

        time.sleep(SECONDS)  # noqa: ASYNC251  (the freeze: not even the loop runs)

        assert not first.lease.is_held
        assert not first.lost.is_set()
        await within(1, first.lost)


async def test_a_leader_without_the_api_server_resigns_before_others_may_lead(cluster: Sandbox) -> None:
    """Two leaders for a moment are two addresses for a Pod."""
    key = Key("cut-off", "default")
    async with await Client.open(str(cluster.kubeconfig)) as client:
        first = Replica(client, key, "first")
        async with running(first):
            await within(SECONDS, first.gained)
            started = time.monotonic()
            await asyncio.to_thread(cluster.stop_apiserver)
            try:
                await within(SECONDS, first.lost)
                assert time.monotonic() - started < SECONDS
            finally:
                first.gained.clear()
                await asyncio.to_thread(cluster.start_apiserver)
            await within(SECONDS * 3, first.gained)
        await client.delete(LEASES, key)


async def test_a_lease_that_somebody_deletes_is_made_again_by_its_holder(client: Client, namespace: str) -> None:
    """Or anybody who tidies up would take the network down."""
    key = Key("deleted", namespace)
    first = Replica(client, key, "first")
    async with running(first):
        await within(SECONDS, first.gained)
        await client.delete(LEASES, key)
        await until_true(lambda: _exists(client, key), SECONDS)
        assert await holder(client, key) == "first"
        assert not first.lost.is_set()


async def _exists(client: Client, key: Key) -> bool:
    try:
        return bool(await client.get(LEASES, key))
    except NotFound:
        return False


async def test_a_lease_changed_by_others_stays_with_its_holder(client: Client, namespace: str) -> None:
    """A label is no take-over, though it makes the next renewal a conflict."""
    key = Key("labelled", namespace)
    first = Replica(client, key, "first")
    async with running(first):
        await within(SECONDS, first.gained)
        seen = await client.patch(LEASES, key, {"metadata": {"labels": {"a": "b"}}})

        async def renewed() -> bool:
            found = await client.get(LEASES, key)
            return bool(found["metadata"]["resourceVersion"] != seen.resource_version)

        await until_true(renewed, SECONDS)
        assert first.lease.is_held
        assert not first.lost.is_set()


async def test_a_lease_taken_by_force_is_lost(client: Client, namespace: str) -> None:
    """kube-ovn's controller uses the same Lease; who patches it by hand means it."""
    key = Key("forced", namespace)
    first = Replica(client, key, "first")
    async with running(first):
        await within(SECONDS, first.gained)
        await client.patch(LEASES, key, {"spec": {"holderIdentity": "someone"}})
        await within(SECONDS, first.lost)
        assert not first.lease.is_held


async def test_a_candidate_without_a_server_waits(namespace: str) -> None:
    """It is no reason to end."""
    async with Client(Access("http://127.0.0.1:1")) as client:
        alone = Replica(client, Key("alone", namespace), "alone")
        async with running(alone):
            with pytest.raises(TimeoutError):
                await within(1, alone.gained)
        assert not alone.lease.is_held


def test_every_replica_has_a_name_of_its_own() -> None:
    """Two containers with hostNetwork share the host's name."""
    assert lease.name() != lease.name()
    assert lease.name("chosen") == "chosen"
