"""CHECK: an interface is as it was made."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial
from ipaddress import ip_interface
from typing import Any

from ovnloom.api.meta import Key
from ovnloom.api.node import Node
from ovnloom.api.pod import Pod
from ovnloom.errors import Refused
from ovnloom.host.addresses import read_addresses, read_routes
from ovnloom.host.links import find, netlink
from ovnloom.host.netns import Netns, in_thread, inside, opened
from ovnloom.host.ovs import OpenVSwitch
from ovnloom.host.ovs_rows import Rows
from ovnloom.host.ports import CONTAINER, INSTALLED, PORT_NAME
from ovnloom.host.wire import Wire
from ovnloom.node.board import Board
from ovnloom.node.nic import NotYet, wanted
from ovnloom.node.request import Request


class Wrong(Refused):
    """An interface isn't as it should be."""


class Checking:
    """Answers CHECK requests."""

    def __init__(self, ovs: OpenVSwitch, board: Board) -> None:
        self._ovs = ovs
        self._board = board

    async def check(self, request: Request) -> None:
        """The container has its MAC, addresses and default routes, and its port is OVN's. Raises Wrong, NetnsGone."""
        if not request.is_ovn:
            return
        wire = self._wire(request)
        with opened(request.netns) as netns:
            wrong = [*await in_thread(_inside, wire, netns), *await self._ovs.read(partial(_port, wire=wire))]
        wrong += _previous(request.previous, wire)
        if wrong:
            raise Wrong(f"interface {request.interface} of Pod {request.pod}: {'; '.join(wrong)}; delete the Pod")

    def _wire(self, request: Request) -> Wire:
        board = self._board
        pod, node = board.find(Pod, request.pod), board.find(Node, Key(board.name))
        try:
            # The MTU is what it was when the interface was made: a tunnel's may have changed since.
            return wanted(request, pod, board.view.subnets, node, 1500).wire
        except NotYet as missing:
            raise Wrong(str(missing)) from missing


def _inside(wire: Wire, netns: Netns) -> list[str]:
    with inside(netns), netlink() as socket:
        link = find(socket, wire.name)
        if link is None:
            return ["it is not there"]
        wrong = [] if link.is_up else ["it is down"]
        if link.mac != wire.mac:
            wrong.append(f"its MAC is {link.mac} and not {wire.mac}")
        there = read_addresses(socket, link)
        wrong += [f"it lacks address {address}" for address in wire.addresses if address not in there]
        routes = read_routes(socket, link)
        lacking = [route for route in wire.routes if route.is_default and route not in routes]
        return wrong + [f"it lacks the default route by {route.gateway}" for route in lacking]


def _port(rows: Rows, wire: Wire) -> list[str]:
    interface = rows.find("Interface", wire.host)
    if interface is None:
        return [f"Open vSwitch has no port {wire.host}"]
    ids = interface.external_ids
    if ids.get(CONTAINER, wire.ids[CONTAINER]) != wire.ids[CONTAINER]:
        return [f"port {wire.host} belongs to container {ids[CONTAINER]}"]
    if ids.get(PORT_NAME) != wire.ids[PORT_NAME]:
        return [f"port {wire.host} isn't bound to {wire.ids[PORT_NAME]}: another sandbox of the Pod has taken over"]
    return [] if ids.get(INSTALLED) == "true" else [f"OVN has not connected port {wire.host}"]


def _previous(found: Any, wire: Wire) -> Iterator[str]:
    """What the runtime remembers differently from what the cluster says now."""
    ips: Iterable[Any] = found.get("ips") or () if isinstance(found, dict) else ()
    remembered = {
        str(ip_interface(item["address"]).ip) for item in ips if isinstance(item, dict) and item.get("address")
    }
    now = {str(address.ip) for address in wire.addresses}
    if remembered and now - remembered:
        yield f"its address is {', '.join(sorted(now))} by now, and was {', '.join(sorted(remembered))}"
