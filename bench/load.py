"""The load: Pods that are created, and the same writes as the controller's without the controller."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from ipaddress import IPv4Address
from typing import Any, Self

import aiohttp
from yarl import URL

from ovnloom.api.ip import IP, labels
from ovnloom.api.meta import FINALIZER, Key, Meta
from ovnloom.kube import access
from ovnloom.kube.client import MERGE, META, OBJECT, session

NAMESPACE = "bench"
IN_FLIGHT = 32
"""Requests under way at once: as many as the controller's default."""
ALLOCATED = "ovn.kubernetes.io/allocated"
DONE = f'"{ALLOCATED}":"true"'.encode()
NAME = re.compile(rb'"metadata":{"name":"([^"]+)"')
PATIENCE = 300.0
"""Seconds until a Pod that isn't served counts as lost."""


class Lost(Exception):
    """Pods were not served; the figures would mean nothing."""


@dataclass(frozen=True)
class Api:
    """An API server, asked with as little code as possible."""

    server: str
    session: aiohttp.ClientSession

    @classmethod
    @asynccontextmanager
    async def open(cls, kubeconfig: str) -> AsyncIterator[Self]:
        found = await access.load(kubeconfig)
        async with session(found, 60.0, IN_FLIGHT) as pool:
            yield cls(found.server, pool)

    async def write(
        self, method: str, path: str, body: Mapping[str, Any], content: str = OBJECT, accept: str = META
    ) -> None:
        """Done. Raises Lost with the server's words when it refuses."""
        headers = {"Accept": accept, "Content-Type": content}
        address = URL(self.server + path, encoded=True)
        said = json.dumps(body, separators=(",", ":")).encode()
        async with self.session.request(method, address, data=said, headers=headers) as answer:
            text = await answer.read()
            if answer.status >= 300:
                raise Lost(f"{method} {path}: {text.decode()[:500]}")

    async def read(self, path: str) -> dict[str, Any]:
        async with self.session.get(URL(self.server + path, encoded=True)) as answer:
            found: dict[str, Any] = await answer.json()
            return found

    async def add_namespace(self, name: str = NAMESPACE, labels: Mapping[str, str] | None = None) -> None:
        """The namespace is there, with the service account that every Pod needs."""
        await self.write("POST", "/api/v1/namespaces", {"metadata": {"name": name, "labels": labels or {}}})
        account = f"/api/v1/namespaces/{name}/serviceaccounts/default"
        async with asyncio.timeout(PATIENCE):
            while (await self.read(account)).get("kind") != "ServiceAccount":  # noqa: ASYNC110  (a controller makes it)
                await asyncio.sleep(0.05)


PODS = f"/api/v1/namespaces/{NAMESPACE}/pods"
IPS = "/apis/kubeovn.io/v1/ips"


def pod(name: str, node: str) -> dict[str, Any]:
    """A Pod that was bound already, so no scheduler takes part."""
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": NAMESPACE, "labels": {"app": "bench"}},
        "spec": {
            "nodeName": node,
            "automountServiceAccountToken": False,
            "terminationGracePeriodSeconds": 0,
            "containers": [{"name": "main", "image": "pause"}],
        },
    }


async def each(names: Iterable[str], do: Callable[[str], Awaitable[None]]) -> None:
    """Done for all names, in order, a bounded number at a time."""
    left = iter(names)

    async def work() -> None:
        for name in left:
            await do(name)

    async with asyncio.TaskGroup() as group:
        for _ in range(IN_FLIGHT):
            group.create_task(work())


async def write_floor(api: Api, names: Iterable[str], nodes: int, first: int) -> None:
    """The three writes of each Pod are done by nobody's controller: the least that any can cost.

    `first` numbers the addresses, which the bare loop counts up.
    """
    numbers = {name: at for at, name in enumerate(names, first)}

    async def write(name: str) -> None:
        at = numbers[name]
        node = f"worker-{at % nodes + 1}"
        address, mac = str(IPv4Address("10.16.0.2") + at), f"0a:00:00:{at >> 16:02x}:{at >> 8 & 255:02x}:{at & 255:02x}"
        await api.write("POST", PODS, pod(name, node))
        meta = Meta(labels=labels("ovn-default", node), finalizers=(FINALIZER,))
        ip = IP(Key(f"{name}.{NAMESPACE}"), meta, "ovn-default", name, NAMESPACE, node, address, "", mac)
        await api.write("POST", IPS, ip.encode())
        await api.write("PATCH", f"{PODS}/{name}", {"metadata": {"annotations": answer(address, mac)}}, MERGE)

    await each(numbers, write)


def answer(address: str, mac: str) -> dict[str, str]:
    """What the controller writes on a Pod of the default Subnet."""
    words = {
        "allocated": "true",
        "ip_address": address,
        "cidr": "10.16.0.0/16",
        "gateway": "10.16.0.1",
        "mac_address": mac,
        "logical_switch": "ovn-default",
        "logical_router": "ovn-cluster",
        "pod_nic_type": "veth-pair",
        "routed": "true",
    }
    return {f"ovn.kubernetes.io/{word}": value for word, value in words.items()}


class Served:
    """Sees Pods being served, through a watch that asks for what the controller's asks for, so it is encoded once."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._waiting: set[str] = set()
        self._seen: set[str] = set()
        self._done = asyncio.Event()

    async def follow(self) -> None:
        """For ever, until cancelled; a watch that the server ends is begun again."""
        while True:
            found = await self._api.read(PODS)
            for each in found["items"]:
                if each["metadata"].get("annotations", {}).get(ALLOCATED) == "true":
                    self._see(each["metadata"]["name"])
            await self._watch(found["metadata"]["resourceVersion"])

    async def _watch(self, version: str) -> None:
        address = URL(f"{self._api.server}{PODS}?watch=true&resourceVersion={version}", encoded=True)
        limit = aiohttp.ClientTimeout(total=None)
        async with self._api.session.get(address, headers={"Accept": OBJECT}, timeout=limit) as answer:
            async for line in answer.content:
                name = NAME.search(line) if DONE in line else None
                if name is not None:
                    self._see(name[1].decode())

    def _see(self, name: str) -> None:
        self._seen.add(name)
        self._waiting.discard(name)
        if not self._waiting:
            self._done.set()

    async def all(self, names: Iterable[str]) -> None:
        """Returns when all of these Pods carry the controller's answer. Raises Lost when it takes too long."""
        self._waiting = set(names) - self._seen
        self._done.clear()
        if not self._waiting:
            return
        try:
            async with asyncio.timeout(PATIENCE):
                await self._done.wait()
        except TimeoutError:
            raise Lost(f"{len(self._waiting)} Pods aren't served, such as {min(self._waiting)}") from None
