"""What this host should have, and has: one line for each thing."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

from ovnloom.api.pod import Pod
from ovnloom.errors import Unavailable
from ovnloom.host.controller import CONNECTED, connection
from ovnloom.host.netns import in_thread
from ovnloom.host.ovs import OpenVSwitch
from ovnloom.host.ovs_rows import Rows
from ovnloom.host.ports import INSTALLED, PORT_NAME
from ovnloom.node.board import Board
from ovnloom.node.loop import Loop
from ovnloom.node.nic import POD_UID
from ovnloom.node.view import FIELDS
from ovnloom.settings import NodeSettings

MOST = 20
"""Pods that are named; a page should stay one."""


@dataclass(frozen=True, slots=True)
class Line:
    """One thing, what there is of it, and what is wrong with it."""

    what: str
    has: str = ""
    wrong: str = ""

    def encode(self) -> dict[str, str]:
        """As JSON has it."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class _Port:
    pod: str
    uid: str
    name: str
    bound: str
    is_installed: bool


class Status:
    """The page, made anew for each request."""

    def __init__(self, settings: NodeSettings, board: Board, ovs: OpenVSwitch, loop: Loop) -> None:
        self._settings = settings
        self._board = board
        self._ovs = ovs
        self._loop = loop

    async def lines(self) -> list[Line]:
        """Every line, in the order in which one thing needs the other."""
        return [line async for line in self._lines()]

    async def _lines(self) -> AsyncIterator[Line]:
        view = self._board.view
        missing = ", ".join(kind.__name__ for kind in self._board.missing)
        seen = ", ".join(f"{len(getattr(view, where))} {where}" for where in FIELDS.values())
        yield Line("cluster", seen, f"not listed yet: {missing}" if missing else "")
        node = view.node
        yield Line("node", view.name, "" if node else f"there is no Node {view.name}; see OVNLOOM_NODE_NAME")
        try:
            has, ports = await self._ovs.read(partial(_switch, bridge=self._settings.integration_bridge))
        except Unavailable as problem:
            yield Line("Open vSwitch", "", str(problem))
        else:
            yield Line("Open vSwitch", has)
            for line in self._pods(ports):
                yield line
        yield await _controller()
        for turn in self._loop.turns:
            yield Line(f"part {turn.part.name}", "" if turn.problem else "as it should be", turn.problem or "")
        yield await in_thread(_file, "CNI configuration", self._settings.cni_conf)

    def _pods(self, ports: list[_Port]) -> list[Line]:
        pods = [pod for pod in self._board.view.pods.values() if _has_network(pod)]
        uids = {pod.kubelet_uid for pod in pods}
        found: dict[str, _Port] = {port.uid: port for port in ports}
        wrong = [
            Line(f"Pod {port.pod}", f"port {port.name}", why)
            for port in ports
            if (why := _problem(port)) and port.uid in uids
        ]
        wrong += [
            Line("port", port.name, f"its Pod {port.pod} isn't on this node any more")
            for port in ports
            if port.uid and port.uid not in uids
        ]
        wrong += [
            Line(f"Pod {pod.key}", pod.phase, "it runs, and has no port; delete it")
            for pod in pods
            if pod.phase == "Running" and pod.kubelet_uid not in found
        ]
        more = [Line("more", f"{len(wrong) - MOST} like these", "")] if len(wrong) > MOST else []
        return [Line("Pods", f"{sum(uid in found for uid in uids)} of {len(pods)} connected"), *wrong[:MOST], *more]


def _has_network(pod: Pod) -> bool:
    return not pod.host_network and not pod.finished


def _problem(port: _Port) -> str:
    if not port.bound:
        return "a newer sandbox of the Pod has its logical port"
    return "" if port.is_installed else f"OVN has not connected {port.bound}"


def _switch(rows: Rows, bridge: str) -> tuple[str, list[_Port]]:
    row, ids = rows.bridge(bridge), rows.root.external_ids
    version = rows.root.ovs_version[0] if rows.root.ovs_version else "?"
    tunnel = f"{ids.get('ovn-encap-type', 'no tunnel')} {ids.get('ovn-encap-ip', '')}".strip()
    words = f"{version}, {bridge} {row.datapath_type or 'system'}, {tunnel}, chassis {ids.get('system-id', '?')}"
    ports = [
        _Port(f"{ids['pod_namespace']}/{ids['pod_name']}", ids[POD_UID], each.name, *_binding(ids))
        for each in rows.every("Interface")
        if POD_UID in (ids := dict(each.external_ids))
    ]
    return words, ports


def _binding(ids: Mapping[str, Any]) -> tuple[str, bool]:
    return str(ids.get(PORT_NAME, "")), ids.get(INSTALLED) == "true"


async def _controller() -> Line:
    try:
        word = await in_thread(connection)
    except Unavailable as problem:
        return Line("ovn-controller", "", str(problem))
    return Line("ovn-controller", word, "" if word == CONNECTED else "it doesn't follow the southbound database")


def _file(what: str, name: str) -> Line:
    if not name:
        return Line(what, "none is wanted")
    return Line(what, name, "" if Path(name).exists() else "it isn't there; no Pod is started by ovnloom")
