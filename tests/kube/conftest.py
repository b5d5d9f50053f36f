"""What the tests against a real API server share: clients, and a namespace for each test."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from uuid import uuid4

import pytest

from ovnloom.api.meta import Key
from ovnloom.kube.client import Client
from ovnloom.kube.kind import Kind
from sandbox import Sandbox

NAMESPACES = Kind("", "v1", "namespaces", "Namespace", False)
MAPS = Kind("", "v1", "configmaps", "ConfigMap", True)


@pytest.fixture
async def client(cluster: Sandbox) -> AsyncIterator[Client]:
    """A client of the shared API server."""
    async with await Client.open(str(cluster.kubeconfig)) as found:
        yield found


@pytest.fixture
async def namespace(client: Client) -> AsyncIterator[str]:
    """A namespace of the test's own."""
    name = f"test-{uuid4().hex[:8]}"
    await client.create(NAMESPACES, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    yield name
    await client.delete(NAMESPACES, Key(name))


def config_map(key: Key, **content: str) -> dict[str, object]:
    """A ConfigMap: the least object that can hold something."""
    meta = {"name": key.name, "namespace": key.namespace}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": content}


async def until(condition: Callable[[], bool], seconds: float = 10.0) -> None:
    """The condition holds; TimeoutError when it doesn't in time."""

    async def ask() -> bool:
        return condition()

    await until_true(ask, seconds)


async def until_true(condition: Callable[[], Awaitable[bool]], seconds: float = 10.0) -> None:
    """As `until`, for conditions that have to ask somebody."""
    async with asyncio.timeout(seconds):
        while not await condition():  # noqa: ASYNC110  (the server sends no asyncio.Event)
            await asyncio.sleep(0.02)
