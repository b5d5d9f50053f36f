"""What load balancers outside ask a node, answered in the words of kube-proxy.

At a Service's `healthCheckNodePort`, whether the node has ready backends of it: 200 or 503, on every address and path.
https://kubernetes.io/docs/tutorials/services/source-ip/#source-ip-for-services-with-type-loadbalancer
At kube-proxy's own port, for policy Cluster, whether the node leads traffic at all and isn't about to go.
https://kubernetes.io/docs/reference/networking/virtual-ips/#external-traffic-policy
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from functools import partial
from typing import NamedTuple

from aiohttp import web

from ovnloom.api.meta import Key


class Health(NamedTuple):
    """A Service and how many backends it has on this node."""

    service: Key
    backends: int


class HealthChecks:
    """The ports that are listened on, and what each answers."""

    def __init__(self, own: str) -> None:
        """`own` is `address:port` of the node's own health; empty when nobody is to ask."""
        self._own = own
        self._answers: Mapping[int, Health] = {}
        self._open: dict[int, web.AppRunner] = {}
        self._node: web.AppRunner | None = None
        self._is_eligible = True
        self._updated = ""

    async def serve(self, wanted: Mapping[int, Health], *, is_eligible: bool) -> list[str]:
        """Exactly these ports answer, each for its Service, and the node's own; what is in the way is a sentence."""
        self._answers, self._is_eligible, self._updated = wanted, is_eligible, _now()
        problems = []
        for port in self._open.keys() - wanted.keys():
            await self._open.pop(port).cleanup()
        for port in sorted(wanted.keys() - self._open.keys()):
            try:
                self._open[port] = await _listen(None, port, partial(self._of_service, port))
            except OSError as problem:
                wrong = f"spec.healthCheckNodePort {port} of Service {wanted[port].service} can't be listened on"
                problems.append(f"{wrong}: {problem.strerror}; end who has it, or give the Service another")
        if self._own and self._node is None:
            host, _, number = self._own.rpartition(":")
            try:
                self._node = await _listen(host.strip("[]") or None, int(number), self._of_node)
            except (OSError, ValueError) as problem:
                wrong = f"service_health {self._own} can't be listened on: {problem}"
                problems.append(f"{wrong}; end who has it, or set another `address:port`")
        return problems

    async def close(self) -> None:
        """Nothing is listened on."""
        for runner in (*self._open.values(), *filter(None, (self._node,))):
            await runner.cleanup()
        self._open.clear()
        self._node = None

    async def _of_service(self, port: int, _: web.Request) -> web.Response:
        health = self._answers[port]
        said = {
            "service": {"namespace": health.service.namespace, "name": health.service.name},
            "localEndpoints": health.backends,
            "serviceProxyHealthy": True,
        }
        headers = {"X-Content-Type-Options": "nosniff", "X-Load-Balancing-Endpoint-Weight": str(health.backends)}
        return web.json_response(said, status=200 if health.backends else 503, headers=headers)

    async def _of_node(self, _: web.Request) -> web.Response:
        said = {"lastUpdated": self._updated, "currentTime": _now(), "nodeEligible": self._is_eligible}
        return web.json_response(said, status=200 if self._is_eligible else 503)


async def _listen(
    host: str | None, port: int, answer: Callable[[web.Request], Awaitable[web.Response]]
) -> web.AppRunner:
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
    except OSError:
        await runner.cleanup()
        raise
    return runner


def _now() -> str:
    return datetime.now(UTC).isoformat()
