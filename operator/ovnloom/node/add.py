"""ADD: a Pod gets an interface, as soon as the cluster has said what it is."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from time import perf_counter
from typing import Any

from ovnloom import log, metrics
from ovnloom.api.meta import Key
from ovnloom.api.node import Node
from ovnloom.api.pod import Pod
from ovnloom.errors import Refused, Unavailable
from ovnloom.host.addresses import default_routes_go
from ovnloom.host.cable import Cables
from ovnloom.host.netns import in_thread, opened
from ovnloom.node import blocked
from ovnloom.node.board import Board
from ovnloom.node.events import CONFIGURE_FAILED, PodEvents
from ovnloom.node.gateway import ask_gateways
from ovnloom.node.nic import Nic, NotYet, wanted
from ovnloom.node.part import Means
from ovnloom.node.request import BadRequest, Request
from ovnloom.ovn import names

logger = log.get("cni")

Answer = dict[str, Any]


class Adding:
    """Answers ADD requests."""

    def __init__(self, means: Means, board: Board, cables: Cables, events: PodEvents) -> None:
        self._means = means
        self._board = board
        self._cables = cables
        self._events = events
        means.findings.followers.append(board.wake)
        self._background: set[asyncio.Task[None]] = set()

    async def add(self, request: Request) -> Answer:
        """The Pod has the interface; what the plugin tells the runtime. Raises Unavailable and Refused.

        Done again for the same container it changes nothing. What fails leaves nothing behind, and says so in an Event.
        """
        stage = "validate-request"
        started = perf_counter()
        try:
            self._check(request)
            stage = "wait-address"
            nic = await self._told(request)
            told = perf_counter() - started
            stage = "configure-nic"
            if not request.is_ovn:
                return await self._lend(request, nic)
            return await self._lay(request, nic, started, told)
        except (Unavailable, Refused) as problem:
            pod = self._board.find(Pod, request.pod)
            self._events.tell(pod, request.pod, CONFIGURE_FAILED, f"stage={stage} {problem}")
            logger.warning("no interface", pod=str(request.pod), interface=request.interface, reason=str(problem))
            raise

    def _check(self, request: Request) -> None:
        if request.device:
            raise BadRequest(f"device {request.device} is asked for; ovnloom makes veth pairs only, remove it")
        if not request.netns:
            raise BadRequest("net_ns is missing; the runtime has to name the container's network namespace")
        if request.provider == names.DEFAULT_PROVIDER or not self._board.complete.is_set():
            return
        providers = {subnet.provider for subnet in self._board.view.subnets.values()}
        if not {request.provider, request.provider.removesuffix(f".{request.interface}")} & providers:
            raise BadRequest(f"provider {request.provider} is not bound to any Subnet; name it in spec.provider of one")

    # -- what it should be --------------------------------------------------------------------------------------------

    async def _told(self, request: Request) -> Nic:
        """Waits for the watch to show it. Raises Refused as soon as the controller says why there will be nothing."""
        waiting = ["the watches of this node are not complete yet"]

        def ask() -> Nic | None:
            try:
                return self._wanted(request)
            except NotYet as missing:
                waiting[0] = str(missing)
                return None

        if (nic := ask()) is not None:
            return nic
        seconds, started = self._means.settings.address_timeout, perf_counter()
        why = asyncio.create_task(self._why(request.pod))
        until = asyncio.create_task(self._board.until(ask, request.pod))
        try:
            waits: list[asyncio.Task[Any]] = [why, until]
            await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
            if until.done():
                return until.result()
            if why.done():
                raise Refused(f"Pod {request.pod} has no address for {request.provider}: {why.result()}")
            raise Unavailable(f"{waiting[0]} (waited {seconds:g} s; see the controller's log and the Pod's Events)")
        finally:
            waited, name = perf_counter() - started, self._means.name
            is_route = "routed" in waiting[0]
            (metrics.cni_wait_route if is_route else metrics.cni_wait_address).labels(name).inc(waited)
            why.cancel()
            until.cancel()
            await asyncio.gather(why, until, return_exceptions=True)

    def _wanted(self, request: Request) -> Nic:
        board, means = self._board, self._means
        pod, node = board.find(Pod, request.pod), board.find(Node, Key(board.name))
        return wanted(request, pod, board.view.subnets, node, means.settings.pod_mtu or means.findings.pod_mtu)

    async def _why(self, key: Key) -> str:
        pod = await self._board.until(lambda: self._board.find(Pod, key), key)
        return await blocked.reason(self._means.client, pod)

    # -- making it ----------------------------------------------------------------------------------------------------

    async def _lay(self, request: Request, nic: Nic, started: float, told: float) -> Answer:
        try:
            with opened(request.netns) as netns:
                routes, waited = await self._cables.lay(nic.wire, netns, nic.localnet)
        except BaseException:
            # Also when this request is cancelled because the runtime has given up on it.
            with suppress(Unavailable):
                await asyncio.shield(self._cables.remove(nic.wire.host, "/".join(request.attachment)))
            raise
        took = perf_counter() - started
        metrics.cni_wait_connectivity.labels(self._means.name).inc(waited)
        for step, seconds in (("told", told), ("installed", waited), ("own", took - told - waited)):
            metrics.pod_seconds.labels(step).observe(seconds)
        logger.info(
            "interface is there", pod=str(nic.pod.key), interface=nic.wire.name, host=nic.wire.host, seconds=took
        )
        if nic.is_gateway_asked and self._means.settings.gateway_check:
            asking = asyncio.create_task(ask_gateways(nic, request.netns, self._events))
            self._background.add(asking)
            asking.add_done_callback(self._background.discard)
        return answer(nic, [{"dst": route.destination, "gw": route.gateway} for route in routes])

    async def _lend(self, request: Request, nic: Nic) -> Answer:
        """Another plugin makes the interface; a default route of an earlier one makes room for its."""
        if any(route.is_default for route in nic.wire.routes):
            families = {6 if ":" in route.destination else 4 for route in nic.wire.routes if route.is_default}
            with opened(request.netns) as netns:
                await in_thread(default_routes_go, netns, families)
        return answer(nic, [{"dst": route.destination, "gw": route.gateway} for route in nic.wire.routes])


def answer(nic: Nic, routes: list[dict[str, str]]) -> Answer:
    """What the plugin is told."""
    wire = nic.wire
    gateways = {6 if ":" in gateway else 4: gateway for gateway in nic.gateways}
    ips: list[Mapping[str, str]] = []
    for address in wire.addresses:
        found = {"protocol": f"IPv{address.version}", "ip": str(address.ip), "cidr": str(address.network)}
        if gateway := gateways.get(address.version):
            found["gateway"] = gateway
        ips.append(found)
    return {
        "ips": ips,
        "mac_address": wire.mac,
        "mtu": wire.mtu,
        "nicname": wire.name,
        "host_nicname": wire.host if nic.wire.mac else "",
        "routes": [{name: value for name, value in route.items() if value} for route in routes],
    }
