"""Writes that must not get lost, must not overtake each other, and must not cost much."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from ovnloom.api.meta import Key
from ovnloom.errors import Refused
from ovnloom.kube.client import Client
from ovnloom.kube.failures import Invalid, NoAnswer
from ovnloom.kube.writer import Outcome, Write, Writer
from sandbox import Sandbox
from tests.kube.conftest import MAPS, config_map, until


@asynccontextmanager
async def running(writer: Writer[Key]) -> AsyncIterator[None]:
    task = asyncio.create_task(writer.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_of_many_values_the_last_is_written_and_everybody_is_told(client: Client, namespace: str) -> None:
    """A Subnet's usage changes 180 times in a second of a burst; its status needs one write."""
    key = Key("usage", namespace)
    await client.create(MAPS, config_map(key))
    writer: Writer[Key] = Writer()
    outcomes: list[Outcome[Key]] = []

    for number in range(100):
        writer.submit(key, partial(client.patch, MAPS, key, {"data": {"used": str(number)}}), outcomes.append)
    async with running(writer):
        await writer.drained()

    found = await client.get(MAPS, key)
    assert found["data"] == {"used": "99"}
    assert len(outcomes) == 100
    assert all(outcome.is_written for outcome in outcomes)
    assert found["metadata"]["resourceVersion"] == outcomes[0].answer.resource_version  # type: ignore[attr-defined]


async def test_one_object_is_never_written_twice_at_a_time() -> None:
    """The older value could land last."""
    writer: Writer[Key] = Writer(8)
    key, now, most = Key("one"), 0, 0

    async def write() -> None:
        nonlocal now, most
        now += 1
        most = max(most, now)
        await asyncio.sleep(0)
        now -= 1

    def again(outcome: Outcome[Key]) -> None:
        if len(told) < 5:
            told.append(outcome)
            writer.submit(key, write, again)

    told: list[Outcome[Key]] = []
    async with running(writer):
        writer.submit(key, write, again)
        await writer.drained()

    assert most == 1
    assert len(told) == 5


async def test_nothing_is_lost_while_the_api_server_is_away(cluster: Sandbox) -> None:
    """Upgrades of a control plane with one API server take half a minute."""
    keys = [Key(f"outage-{number}", "default") for number in range(50)]
    writer: Writer[Key] = Writer(8)
    outcomes: list[Outcome[Key]] = []
    async with await Client.open(str(cluster.kubeconfig), 5.0) as client:
        await asyncio.to_thread(cluster.stop_apiserver)
        try:
            async with running(writer):
                for key in keys:
                    writer.submit(key, partial(client.create, MAPS, config_map(key, a="old")), outcomes.append)
                await asyncio.sleep(1)  # of outage
                newest = partial(client.create, MAPS, config_map(keys[0], a="new"))
                writer.submit(keys[0], newest, outcomes.append)
                assert not outcomes
                await asyncio.to_thread(cluster.start_apiserver)
                async with asyncio.timeout(20):
                    await writer.drained()
        finally:
            await asyncio.to_thread(cluster.start_apiserver)
        listed = await client.list(MAPS, "default")
        for key in keys:
            await client.delete(MAPS, key)

    found = {item["metadata"]["name"]: item.get("data") for item in listed.items}
    assert found["outage-0"] == {"a": "new"}
    assert {key.name for key in keys} <= set(found)
    assert len(outcomes) == 51
    assert all(outcome.is_written for outcome in outcomes)


async def test_a_refusal_is_told_once_and_stops_nobody_else(client: Client, namespace: str) -> None:
    """The same request will be refused again; its owner has to hear why."""
    bad, good = Key("Bad_Name", namespace), Key("good", namespace)
    writer: Writer[Key] = Writer(1)
    outcomes: dict[Key, Outcome[Key]] = {}

    for key in (bad, good):
        write = partial(client.create, MAPS, config_map(key))
        writer.submit(key, write, lambda outcome: outcomes.__setitem__(outcome.key, outcome))
    async with running(writer):
        await writer.drained()

    assert isinstance(outcomes[bad].refused, Invalid)
    assert outcomes[good].is_written


async def test_a_server_error_for_one_object_does_not_hold_up_the_others() -> None:
    """One namespace's broken webhook answers 500 for ever."""
    writer: Writer[Key] = Writer(1)
    done: list[Key] = []

    async def broken() -> None:
        raise NoAnswer("webhook is down", is_answer=True)

    async def fine() -> None:
        return

    async with running(writer):
        writer.submit(Key("broken"), broken)
        for number in range(20):
            writer.submit(Key(f"fine-{number}"), fine, lambda outcome: done.append(outcome.key))
        await until(lambda: len(done) == 20, 1)

    assert writer.is_waiting(Key("broken"))


async def test_a_bug_in_one_write_or_report_stops_nobody_else() -> None:
    """The queue serves all owners."""
    writer: Writer[Key] = Writer(1)
    outcomes: list[Outcome[Key]] = []

    async def buggy() -> None:
        raise KeyError("spec")

    async def fine() -> None:
        return

    def failing(outcome: Outcome[Key]) -> None:
        raise ValueError(outcome.key)

    async with running(writer):
        writer.submit(Key("buggy"), buggy, outcomes.append)
        writer.submit(Key("told badly"), fine, failing)
        writer.submit(Key("fine"), fine, outcomes.append)
        await writer.drained()

    assert isinstance(outcomes[0].failed, KeyError)
    assert outcomes[1].is_written


async def test_what_is_forgotten_is_not_written() -> None:
    """A replica that lost the Lease must not write what it decided before."""
    writer: Writer[Key] = Writer()
    written: list[int] = []

    async def write() -> None:
        written.append(1)

    writer.submit(Key("a"), write)
    writer.submit(Key("b"), write)
    writer.forget_all()
    writer.submit(Key("b"), write)
    async with running(writer):
        await writer.drained()

    assert len(written) == 1
    assert len(writer) == 0


async def test_a_replica_that_was_frozen_writes_nothing_of_what_it_had_decided() -> None:
    """After the thaw the queue goes on before anybody has told it that the Lease is gone."""
    is_held = True
    writer: Writer[Key] = Writer(1, lambda: is_held)
    written: list[str] = []

    def write(name: str) -> Write:
        async def once() -> None:
            written.append(name)

        return once

    writer.submit(Key("before"), write("before"))
    async with running(writer):
        await writer.drained()
        is_held = False
        writer.submit(Key("after"), write("after"))
        await writer.drained()

    assert written == ["before"]
    assert len(writer) == 0


async def test_what_a_stopped_writer_had_in_hand_is_written_by_the_next_run() -> None:
    """Cancelling is how the engine pauses."""
    writer: Writer[Key] = Writer(2)
    started, release = asyncio.Event(), asyncio.Event()
    written: list[str] = []

    async def write() -> None:
        started.set()
        await release.wait()
        written.append("done")

    async with running(writer):
        writer.submit(Key("slow"), write)
        await started.wait()
    assert not written

    release.set()
    async with running(writer):
        await writer.drained()

    assert written == ["done"]


async def test_queueing_a_write_costs_less_than_a_tenth_of_sending_it() -> None:
    """Two writes a Pod are paid from 3.5 ms of CPU; this is a bound on the way, not a benchmark."""
    writer: Writer[Key] = Writer()
    keys = [Key(f"n-{number}") for number in range(5000)]

    async def write() -> None:
        return

    def told(outcome: Outcome[Key]) -> None:
        if outcome.refused is not None:
            raise Refused("unexpected")

    began = time.process_time()
    async with running(writer):
        for key in keys:
            writer.submit(key, write, told)
        await writer.drained()

    assert (time.process_time() - began) / len(keys) < 100e-6
