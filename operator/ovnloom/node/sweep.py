"""Leftovers: ports of Pods that are gone, of a host that was started anew, of an agent that was killed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ovnloom import log, metrics
from ovnloom.api.meta import Key
from ovnloom.api.pod import Pod
from ovnloom.host.cable import Cables
from ovnloom.host.netns import in_thread
from ovnloom.host.ovs_rows import Rows
from ovnloom.kube.failures import NotFound
from ovnloom.node.nic import POD_UID, pod_key
from ovnloom.node.part import Means
from ovnloom.node.view import View
from ovnloom.node.work import Work
from ovnloom.world.tables import BY_TYPE

logger = log.get("sweep")

SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Found:
    """The port of a Pod, as Open vSwitch has it."""

    name: str
    pod: Key
    uid: str
    """Empty for ports that another agent made."""
    netns: str
    is_up: bool


class Sweep:
    """A part: every port of a Pod belongs to a Pod that is there."""

    name = "leftovers"
    wakes: frozenset[type] = frozenset()
    is_vital = False

    def __init__(self, means: Means, cables: Cables, work: Work) -> None:
        self._means = means
        self._cables = cables
        self._work = work

    async def follow(self, wake: Callable[[], None]) -> None:
        """Looks each minute: what is left over is in nobody's way."""
        while True:
            await asyncio.sleep(SECONDS)
            wake()

    async def converge(self, view: View) -> None:
        """Removes a port when its network namespace is gone, or when the API server itself says that its Pod is."""
        for found in await self._means.ovs.read(ports):
            if found.name in {attachment.host for attachment in self._work.attachments}:
                continue
            why = await self._why(found, view)
            if why and await self._cables.remove(found.name):
                metrics.leftovers.inc()
                logger.info("leftover is gone", port=found.name, pod=str(found.pod), reason=why)

    async def _why(self, found: Found, view: View) -> str:
        """Why a port is a leftover; empty when it isn't, or when nobody can tell."""
        if found.netns and not await in_thread(Path(found.netns).exists):
            return f"network namespace {found.netns} is gone"
        if not found.uid:
            return ""
        pod = view.pods.get(found.pod)
        if pod is not None and pod.kubelet_uid == found.uid:
            return ""
        if found.is_up and pod is None:
            # A Pod that was deleted by force still runs, until the kubelet has ended it and says DEL.
            return ""
        try:
            there = await self._means.client.get(BY_TYPE[Pod], found.pod)
        except NotFound:
            return "its Pod is gone"
        return "its Pod is another one by now" if Pod.decode(there).kubelet_uid != found.uid else ""


def ports(rows: Rows) -> list[Found]:
    """The ports of Pods."""
    return [
        Found(
            row.name,
            pod_key(row.external_ids),
            row.external_ids.get(POD_UID, ""),
            row.external_ids.get("pod_netns", ""),
            bool(row.link_state and row.link_state[0] == "up"),
        )
        for row in rows.every("Interface")
        if "pod_name" in row.external_ids and "pod_namespace" in row.external_ids
    ]
