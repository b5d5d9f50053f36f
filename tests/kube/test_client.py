"""Requests to a real API server: what comes back, and how each failure is told."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest

from ovnloom import metrics
from ovnloom.api.meta import Key
from ovnloom.errors import Refused, Unavailable
from ovnloom.kube.access import Access
from ovnloom.kube.client import PAGE, Client
from ovnloom.kube.failures import AlreadyExists, Conflict, Invalid, NoAnswer, NotFound
from ovnloom.kube.kind import Kind
from tests.kube.conftest import MAPS, config_map


async def test_an_object_is_created_patched_read_and_deleted(client: Client, namespace: str) -> None:
    """The four things that the controller does to IP objects."""
    key = Key("one", namespace)

    created = await client.create(MAPS, config_map(key, a="1", b="2"))
    patched = await client.patch(MAPS, key, {"data": {"a": None, "c": "3"}})
    found = await client.get(MAPS, key)
    await client.delete(MAPS, key, uid=created.uid)

    assert created.uid == patched.uid == found["metadata"]["uid"]
    assert patched.resource_version == found["metadata"]["resourceVersion"] != created.resource_version
    assert found["data"] == {"b": "2", "c": "3"}
    with pytest.raises(NotFound):
        await client.get(MAPS, key)


async def test_deleting_what_is_gone_is_fine(client: Client, namespace: str) -> None:
    """What was wanted is so; a caller that must tell it from a real deletion would be polling."""
    await client.delete(MAPS, Key("never", namespace))


async def test_an_object_that_was_replaced_by_another_of_its_name_is_not_deleted(
    client: Client, namespace: str
) -> None:
    """A late deletion must not hit the IP object of the Pod's successor."""
    key = Key("reborn", namespace)
    first = await client.create(MAPS, config_map(key))
    await client.delete(MAPS, key)
    await client.create(MAPS, config_map(key))

    with pytest.raises(Conflict):
        await client.delete(MAPS, key, uid=first.uid)

    assert await client.get(MAPS, key)


async def test_a_patch_for_a_version_that_passed_is_a_conflict(client: Client, namespace: str) -> None:
    """The Lease stands on it: of two that saw the same version only one may write."""
    key = Key("contested", namespace)
    seen = await client.create(MAPS, config_map(key))
    await client.patch(MAPS, key, {"data": {"a": "1"}})

    with pytest.raises(Conflict):
        await client.patch(MAPS, key, {"metadata": {"resourceVersion": seen.resource_version}, "data": {"a": "2"}})


async def test_each_refusal_says_in_the_servers_words_why(client: Client, namespace: str) -> None:
    """These sentences end in conditions and logs; a bare 422 helps nobody."""
    key = Key("taken", namespace)
    await client.create(MAPS, config_map(key))

    with pytest.raises(AlreadyExists, match=r'"taken" already exists'):
        await client.create(MAPS, config_map(key))
    with pytest.raises(Invalid, match=r"metadata\.name"):
        await client.create(MAPS, config_map(Key("Not_a_name", namespace)))
    with pytest.raises(NotFound, match="could not find the requested resource"):
        await client.list(Kind("apps", "v1", "nothings", "Nothing", False))


async def test_a_long_list_comes_in_pages_and_whole(client: Client, namespace: str) -> None:
    """One answer with 50,000 Pods would be 200 MB."""
    keys = [Key(f"map-{number:04}", namespace) for number in range(PAGE + 10)]
    await asyncio.gather(*(client.create(MAPS, config_map(key)) for key in keys))

    sizes = [len(page.items) async for page in client.pages(MAPS, namespace)]
    listed = await client.list(MAPS, namespace)
    known = await client.list_keys(MAPS, namespace)

    mine = {key for key in known.found if key.name.startswith("map-")}
    assert sizes[0] == PAGE
    assert sum(sizes) == len(listed.items) == len(known.found)
    assert mine == set(keys)
    assert known.found[keys[0]].uid


async def test_what_the_server_serves_is_found_by_group(client: Client) -> None:
    """NetworkAttachmentDefinitions and VirtualMachines are there in some clusters only."""
    assert "statefulsets" in await client.discover("apps")
    assert "pods" in await client.discover("")
    assert await client.discover("nobody.example.org") == frozenset()


async def test_a_server_that_is_not_there_is_unavailable() -> None:
    """Nothing is lost by it: the caller tries again."""
    async with Client(Access("http://127.0.0.1:1")) as client:
        with pytest.raises(Unavailable, match=r"GET /api/v1/configmaps"):
            await client.list(MAPS)


@contextlib.asynccontextmanager
async def answering(*answers: bytes) -> AsyncIterator[str]:
    """A server that gives these answers, one after the other, and then the last one for ever."""
    left = list(answers)

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(left.pop(0) if len(left) > 1 else left[0])
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1") as server:
        yield "http://{}:{}".format(*server.sockets[0].getsockname())


def said(status: str, body: str, *headers: str) -> bytes:
    lines = (f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close", *headers, "", body)
    return "\r\n".join(lines).encode()


async def test_a_server_that_asks_for_patience_says_how_long() -> None:
    """API priority and fairness does; asking again at once makes it worse for everybody."""
    busy = said("429 Too Many Requests", "slow down", "Retry-After: 7")
    async with answering(busy) as address, Client(Access(address)) as client:
        with pytest.raises(NoAnswer, match="slow down") as caught:
            await client.get(MAPS, Key("a", "b"))

    assert caught.value.retry_after == 7


async def test_a_read_outlives_one_broken_answer() -> None:
    """A load balancer that moves to another API server costs one request, not a restart."""
    ok = said("200 OK", '{"metadata": {"name": "a"}}')
    async with answering(said("502 Bad Gateway", ""), ok) as address, Client(Access(address)) as client:
        assert (await client.get(MAPS, Key("a", "b")))["metadata"] == {"name": "a"}


async def test_something_that_is_no_api_server_is_told_so() -> None:
    """A proxy's login page answers 200."""
    async with answering(said("200 OK", "<html>")) as address, Client(Access(address)) as client:
        with pytest.raises(Refused, match="is this an API server"):
            await client.get(MAPS, Key("a", "b"))


async def test_writes_are_counted_by_what_came_of_them(client: Client, namespace: str) -> None:
    """The first question of everybody who looks at a slow cluster."""
    done = metrics.kube_writes.labels("create", "configmaps", "done")._value.get()
    refused = metrics.kube_writes.labels("create", "configmaps", "refused")._value.get()
    key = Key("counted", namespace)

    await client.create(MAPS, config_map(key))
    with pytest.raises(Refused):
        await client.create(MAPS, config_map(key))

    assert metrics.kube_writes.labels("create", "configmaps", "done")._value.get() == done + 1
    assert metrics.kube_writes.labels("create", "configmaps", "refused")._value.get() == refused + 1
