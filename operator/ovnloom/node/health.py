"""How the agent is: what STATUS, /livez and /readyz say."""

from __future__ import annotations

import asyncio
from time import monotonic

from ovnloom.errors import Unavailable
from ovnloom.host.controller import CONNECTED, connection
from ovnloom.host.netns import in_thread
from ovnloom.host.ovs import OpenVSwitch
from ovnloom.node.board import Board
from ovnloom.node.loop import Loop

REMEMBERED_SECONDS = 1.0
"""How long an answer of ovn-controller is good for."""


class Health:
    """Whether Pods can be served now, and if not, why."""

    def __init__(self, board: Board, ovs: OpenVSwitch, bridge: str, loop: Loop) -> None:
        self._board = board
        self._ovs = ovs
        self._bridge = bridge
        self._loop = loop
        self._southbound = ""
        self._asked_at = -REMEMBERED_SECONDS
        self._asking = asyncio.Lock()

    @property
    def told(self) -> str:
        """Why the cluster isn't known; empty when it is."""
        missing = ", ".join(kind.__name__ for kind in self._board.missing)
        return f"not listed yet: {missing}" if missing else ""

    async def unready(self) -> str:
        """Why no Pod can get a network now; empty when Pods can."""
        if self.told:
            return self.told
        if not self._ovs.is_connected:
            return "Open vSwitch is not connected; see whether ovsdb-server runs on this host"
        try:
            await self._ovs.read(lambda rows: rows.bridge(self._bridge).name)
        except Unavailable as problem:
            return str(problem)
        return self._loop.waits_for or await self._southbound_problem()

    async def _southbound_problem(self) -> str:
        async with self._asking:
            if monotonic() - self._asked_at > REMEMBERED_SECONDS:
                try:
                    word = await in_thread(connection)
                    right = word == CONNECTED
                    self._southbound = (
                        "" if right else f"ovn-controller's connection to the southbound database: {word}"
                    )
                except Unavailable as problem:
                    self._southbound = str(problem)
                self._asked_at = monotonic()
            return self._southbound
