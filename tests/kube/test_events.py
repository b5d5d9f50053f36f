"""Events on a real API server, as users see them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from ovnloom.api.meta import Key
from ovnloom.kube import events
from ovnloom.kube.access import Access
from ovnloom.kube.client import Client
from ovnloom.kube.events import About, Events
from ovnloom.kube.kind import EVENTS
from sandbox import Sandbox
from tests.kube.conftest import MAPS, NAMESPACES, config_map, until, until_true


@asynccontextmanager
async def running(found: Events) -> AsyncIterator[None]:
    task = asyncio.create_task(found.run())
    try:
        yield
        assert not task.done()
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def listed(client: Client, namespace: str) -> list[dict[str, Any]]:
    return (await client.list(EVENTS, namespace)).items


async def about(client: Client, key: Key) -> About:
    """A new object that something can be said about."""
    created = await client.create(MAPS, config_map(key))
    return About("v1", "ConfigMap", key, created.uid)


async def test_describe_shows_what_was_told(cluster: Sandbox, client: Client, namespace: str) -> None:
    """It is the first place where people look."""
    found = Events(client, "replica-1")
    key = Key("broken", namespace)
    async with running(found):
        found.tell(await about(client, key), "AddressTaken", "10.1.0.5 belongs to default/other; choose another")

        async def is_shown() -> bool:
            shown = await asyncio.to_thread(cluster.kubectl, "describe", "configmap", "broken", "-n", namespace)
            return "AddressTaken" in shown and "choose another" in shown and "ovnloom" in shown

        await until_true(is_shown)


async def test_an_object_outside_of_namespaces_has_its_events_in_default(client: Client, namespace: str) -> None:
    """Subnets and Vpcs are such objects; kubectl looks there."""
    found = Events(client)
    uid = (await client.get(NAMESPACES, Key(namespace)))["metadata"]["uid"]
    async with running(found):
        found.tell(About("v1", "Namespace", Key(namespace), uid), "Bound", "bound to Subnet blue", is_warning=False)

        async def is_there() -> bool:
            shown = await client.list(EVENTS, "default", fields=f"involvedObject.uid={uid}")
            return [item["reason"] for item in shown.items] == ["Bound"]

        await until_true(is_there)


async def test_the_same_thing_told_again_is_counted(client: Client, namespace: str) -> None:
    """A Pod that waits for an address is looked at often, and etcd must not be filled with its sighs."""
    found = Events(client, repeat=0.3)
    subject = await about(client, Key("waits", namespace))
    async with running(found):
        found.tell(subject, "SubnetFull", "no address is free")
        await until_true(lambda: _is_there(client, namespace))
        for _ in range(40):
            found.tell(subject, "SubnetFull", "no address is free")
        found.tell(subject, "SubnetFull", "another sentence")

        async def is_counted() -> bool:
            return sorted(item["count"] for item in await listed(client, namespace)) == [1, 41]

        await until_true(is_counted)


async def _is_there(client: Client, namespace: str) -> bool:
    return bool(await listed(client, namespace))


async def test_an_event_that_was_removed_is_made_again(client: Client, namespace: str) -> None:
    """The API server forgets Events after an hour; trouble can last longer."""
    found = Events(client, repeat=0.0)
    subject = await about(client, Key("again", namespace))
    async with running(found):
        found.tell(subject, "SubnetFull", "no address is free")
        await until_true(lambda: _is_there(client, namespace))
        (first,) = await listed(client, namespace)
        await client.delete(EVENTS, Key(first["metadata"]["name"], namespace))

        found.tell(subject, "SubnetFull", "no address is free")

        await until_true(lambda: _is_there(client, namespace))


async def test_a_message_of_a_megabyte_is_cut(client: Client, namespace: str) -> None:
    """Some are made from what users wrote; the API server takes 1024 bytes."""
    found = Events(client)
    async with running(found):
        found.tell(await about(client, Key("long", namespace)), "Malformed", "ü" * 1_000_000)
        await until_true(lambda: _is_there(client, namespace))

    (event,) = await listed(client, namespace)
    assert event["message"].endswith("ü…")


async def test_a_refused_event_does_not_stop_the_next(client: Client, namespace: str) -> None:
    """A namespace that is going away takes no more Events."""
    found = Events(client)
    async with running(found):
        found.tell(About("v1", "ConfigMap", Key("x", "never-was")), "Lost", "nobody reads this")
        found.tell(await about(client, Key("fine", namespace)), "Told", "this arrives")
        await until_true(lambda: _is_there(client, namespace))


async def test_of_too_many_the_oldest_are_dropped_and_counted() -> None:
    """An API server that is away for hours must not fill our memory with hints."""
    async with Client(Access("http://127.0.0.1:1")) as client:
        found = Events(client)
        for number in range(events.MOST_WAITING + 5):
            found.tell(About("v1", "Pod", Key(f"pod-{number}", "default")), "SubnetFull", "no address is free")

        assert found.dropped == 5
        assert len(found) == events.MOST_WAITING


async def test_a_burst_is_written_at_a_bounded_rate(client: Client, namespace: str) -> None:
    """300 Pods that find no address are no reason to load the API server with 300 writes at once."""
    found = Events(client)
    subject = await about(client, Key("burst", namespace))
    async with running(found):
        for number in range(events.BURST + 10):
            found.tell(subject, "Told", f"sentence {number}")
        await until(lambda: len(found) <= 10)
        assert len(found) > 0
        await until(lambda: len(found) == 0)
