"""`healthCheckNodePort`: by it a load balancer outside learns whether this node has backends of a Service.

Answers are those of kube-proxy, on every address and path: 200 with, 503 without a ready backend on this node.
https://kubernetes.io/docs/tutorials/services/source-ip/#source-ip-for-services-with-type-loadbalancer
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from aiohttp import web

from ovnloom.api.meta import Key


class Health(NamedTuple):
    """A Service and how many backends it has on this node."""

    service: Key
    backends: int


class HealthChecks:
    """The ports that are listened on, and what each answers."""

    def __init__(self) -> None:
        self._answers: Mapping[int, Health] = {}
        self._open: dict[int, web.AppRunner] = {}

    async def serve(self, wanted: Mapping[int, Health]) -> list[str]:
        """Exactly these ports answer, each for its Service; what is in the way of one is a sentence."""
        self._answers = wanted
        for port in self._open.keys() - wanted.keys():
            await self._open.pop(port).cleanup()
        problems = []
        for port in sorted(wanted.keys() - self._open.keys()):
            try:
                self._open[port] = await self._listen(port)
            except OSError as problem:
                wrong = f"spec.healthCheckNodePort {port} of Service {wanted[port].service} can't be listened on"
                problems.append(f"{wrong}: {problem.strerror}; end who has it, or give the Service another")
        return problems

    async def _listen(self, port: int) -> web.AppRunner:
        async def answer(_: web.Request) -> web.Response:
            return self._answer(self._answers[port])

        app = web.Application()
        app.router.add_route("*", "/{path:.*}", answer)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
        await runner.setup()
        try:
            await web.TCPSite(runner, port=port).start()
        except OSError:
            await runner.cleanup()
            raise
        return runner

    @staticmethod
    def _answer(health: Health) -> web.Response:
        said = {
            "service": {"namespace": health.service.namespace, "name": health.service.name},
            "localEndpoints": health.backends,
            "serviceProxyHealthy": True,
        }
        headers = {"X-Content-Type-Options": "nosniff", "X-Load-Balancing-Endpoint-Weight": str(health.backends)}
        return web.json_response(said, status=200 if health.backends else 503, headers=headers)
