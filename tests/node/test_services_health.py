"""healthCheckNodePort, asked by a real HTTP client."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest

from ovnloom.api.node import Node
from ovnloom.errors import Refused
from ovnloom.host import nft_kernel
from ovnloom.node.services import Services
from ovnloom.settings import NodeSettings
from tests.node.services_site import SUBNET, backend, backends, service, told

WEB = service("web", externalTrafficPolicy="Local", healthCheckNodePort=32000)


@asynccontextmanager
async def serving(**settings: Any) -> AsyncIterator[Services]:
    part = Services(NodeSettings(**settings))
    try:
        yield part
    finally:
        await part.close()


async def asked(at: str = "127.0.0.1:32000", path: str = "/") -> tuple[int, dict[str, Any], str]:
    async with aiohttp.ClientSession() as client, client.get(f"http://{at}{path}") as answer:
        return answer.status, await answer.json(), answer.headers.get("X-Load-Balancing-Endpoint-Weight", "")


async def test_a_balancer_learns_whether_the_node_has_backends(alone: str) -> None:
    """In kube-proxy's words, which the balancers of clouds know; one that leaves counts no more."""
    async with serving(service_proxy="on") as part:
        await part.converge(told(WEB, backends("web", backend("10.16.0.2"), backend("10.16.0.6", "worker-2"))))
        said = {"service": {"namespace": "shop", "name": "web"}, "localEndpoints": 1, "serviceProxyHealthy": True}
        assert await asked() == (200, said, "1")
        assert await asked("[::1]:32000", "/healthz?x") == (200, said, "1")

        leaving = backend("10.16.0.2", ready=False, serving=True, terminating=True)
        await part.converge(told(WEB, backends("web", leaving, backend("10.16.0.6", "worker-2"))))
        assert await asked() == (503, {**said, "localEndpoints": 0}, "0")

        await part.converge(told())
        with pytest.raises(aiohttp.ClientConnectorError):
            await asked()


async def test_a_port_that_somebody_has_is_told_and_stops_nothing_else(alone: str) -> None:
    """The Service itself is served, and the port is asked for again with the next change."""
    async with serving(service_proxy="on") as part:
        found = told(WEB, backends("web", backend("10.16.0.2")))
        said = r"healthCheckNodePort 32000 of Service shop/web can't be listened on"
        with socket.create_server(("", 32000)), pytest.raises(Refused, match=said):
            await part.converge(found)

        await part.converge(found)
        assert (await asked())[0] == 200
        await part.converge(told())


@pytest.mark.parametrize("going", [{"spec": {"taints": [{"key": "ToBeDeletedByClusterAutoscaler"}]}}, {}])
async def test_a_balancer_learns_that_a_node_is_about_to_go(alone: str, going: dict[str, Any]) -> None:
    """Balancers with policy Cluster ask kube-proxy's port; without an answer they'd take every node for dead."""
    async with serving(service_proxy="on") as part:
        await part.converge(told())
        status, said, _ = await asked("127.0.0.1:10256", "/healthz")
        assert (status, said["nodeEligible"]) == (200, True)
        assert (await asked("[::1]:10256", "/healthz"))[0] == 200

        meta = {"name": "worker-1", **({} if going else {"deletionTimestamp": "2026-01-01T00:00:00Z"})}
        await part.converge(told(around=(SUBNET, Node.decode({"metadata": meta, **going}))))
        status, said, _ = await asked("127.0.0.1:10256", "/healthz")
        assert (status, said["nodeEligible"]) == (503, False)


async def test_the_own_port_is_left_to_kube_proxy(alone: str) -> None:
    """It listens there as soon as it can."""
    async with serving() as part:
        await part.converge(told())
        await nft_kernel.write(["add table ip kube-proxy"])
        await part.converge(told())

        with socket.create_server(("", 10256)):
            pass


async def test_what_the_own_port_lacks_is_told(alone: str) -> None:
    """A typo must not end the agent, nor be silent."""
    async with serving(service_proxy="on", service_health=":http") as part:
        with pytest.raises(Refused, match=r"service_health :http can't be listened on"):
            await part.converge(told())
