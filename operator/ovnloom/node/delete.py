"""DEL and GC: what a container had is gone. Nothing that is gone already is a failure."""

from __future__ import annotations

from functools import partial

from ovnloom import log, metrics
from ovnloom.api.pod import Pod
from ovnloom.errors import Refused, Unavailable
from ovnloom.host.cable import Cables
from ovnloom.host.links import unplug
from ovnloom.host.netns import in_thread
from ovnloom.host.ovs import OpenVSwitch
from ovnloom.host.ovs_rows import Rows
from ovnloom.host.ports import CONTAINER
from ovnloom.node.board import Board
from ovnloom.node.events import REMOVE_FAILED, PodEvents
from ovnloom.node.nic import PROVIDER
from ovnloom.node.request import Attachment, Request
from ovnloom.node.work import Work

logger = log.get("cni")


class Deleting:
    """Answers DEL and GC requests."""

    def __init__(self, ovs: OpenVSwitch, board: Board, cables: Cables, events: PodEvents, work: Work) -> None:
        self._ovs = ovs
        self._board = board
        self._cables = cables
        self._events = events
        self._work = work

    async def delete(self, request: Request) -> None:
        """Nothing of the interface is left; found by the container, not by the Pod. Raises Refused."""
        host = request.attachment.host
        try:
            was_there = await self._cables.remove(host, "/".join(request.attachment))
        except Unavailable as problem:
            # A Pod must be able to end on a host whose Open vSwitch is gone for good; should it come back, its port is
            # a leftover without an interface.
            was_there = await in_thread(unplug, host)
            logger.warning("port stays until Open vSwitch is back", port=host, reason=str(problem))
        except Refused as problem:
            pod = self._board.find(Pod, request.pod)
            self._events.tell(pod, request.pod, REMOVE_FAILED, f"stage=remove-nic {problem}")
            raise
        if was_there:
            logger.info("interface is gone", pod=str(request.pod), interface=request.interface)

    async def keep(self, valid: frozenset[Attachment], provider: str) -> int:
        """Of the containers of one network only those that the runtime knows have interfaces; how many went.

        Those that are being made now may be newer than the runtime's list.
        """
        wanted = {attachment.host for attachment in valid | self._work.attachments}
        found = await self._ovs.read(partial(_ports_of, provider=provider))
        count = 0
        for name in found:
            if name not in wanted and name not in {each.host for each in self._work.attachments}:
                count += await self._cables.remove(name)
        if count:
            metrics.leftovers.inc(count)
            logger.info("interfaces that no container has are gone", count=count, provider=provider)
        return count


def _ports_of(rows: Rows, provider: str) -> list[str]:
    return [
        row.name
        for row in rows.every("Interface")
        if CONTAINER in row.external_ids and row.external_ids.get(PROVIDER) == provider
    ]
