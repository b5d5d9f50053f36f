"""healthCheckNodePort, asked by a real HTTP client."""

from __future__ import annotations

import socket
from typing import Any

import aiohttp
import pytest

from ovnloom.errors import Refused
from ovnloom.node.services import Services
from ovnloom.settings import NodeSettings
from tests.node.services_site import backend, backends, service, told

WEB = service("web", externalTrafficPolicy="Local", healthCheckNodePort=32000)


async def asked(at: str = "127.0.0.1", path: str = "/") -> tuple[int, dict[str, Any], str]:
    async with aiohttp.ClientSession() as client, client.get(f"http://{at}:32000{path}") as answer:
        return answer.status, await answer.json(), answer.headers["X-Load-Balancing-Endpoint-Weight"]


async def test_a_balancer_learns_whether_the_node_has_backends(alone: str) -> None:
    """In kube-proxy's words, which the balancers of clouds know; one that leaves counts no more."""
    part = Services(NodeSettings(service_proxy="on"))
    await part.converge(told(WEB, backends("web", backend("10.16.0.2"), backend("10.16.0.6", "worker-2"))))
    said = {"service": {"namespace": "shop", "name": "web"}, "localEndpoints": 1, "serviceProxyHealthy": True}
    assert await asked() == (200, said, "1")
    assert await asked("[::1]", "/healthz?x") == (200, said, "1")

    leaving = backend("10.16.0.2", ready=False, serving=True, terminating=True)
    await part.converge(told(WEB, backends("web", leaving, backend("10.16.0.6", "worker-2"))))
    assert await asked() == (503, {**said, "localEndpoints": 0}, "0")

    await part.converge(told())
    with pytest.raises(aiohttp.ClientConnectorError):
        await asked()


async def test_a_port_that_somebody_has_is_told_and_stops_nothing_else(alone: str) -> None:
    """The Service itself is served, and the port is asked for again with the next change."""
    part = Services(NodeSettings(service_proxy="on"))
    found = told(WEB, backends("web", backend("10.16.0.2")))
    said = r"healthCheckNodePort 32000 of Service shop/web can't be listened on"
    with socket.create_server(("", 32000)), pytest.raises(Refused, match=said):
        await part.converge(found)

    await part.converge(found)
    assert (await asked())[0] == 200
    await part.converge(told())
