"""Routes of this host, by interface or by table, and the kernel made to have those that are wanted."""

from __future__ import annotations

import errno
import socket
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

from pyroute2 import AsyncIPRoute
from pyroute2.netlink.exceptions import NetlinkError

from ovnloom import log
from ovnloom.errors import Unavailable

logger = log.get("routes")

MAIN = 254
KERNEL, STATIC, OURS = 2, 4, 111
"""Protocols (who made a route): the kernel itself, an administrator, and routes in tables that nobody else fills."""
UNICAST, LOCAL = 1, 2
LINK_SCOPE = 253
METRICS = {socket.AF_INET: 0, socket.AF_INET6: 1024}
"""What a route costs that names no cost."""
CONNECTED_METRIC = 256
"""The same for IPv6 networks of an interface's own addresses."""
GONE = frozenset({errno.ESRCH, errno.ENOENT, errno.ENODEV})
EVERYTHING = {socket.AF_INET: "0.0.0.0/0", socket.AF_INET6: "::/0"}


@dataclass(frozen=True, slots=True, order=True)
class Route:
    """Where packets to a network go: to a neighbour, or without one straight onto the link."""

    to: str
    via: str = ""
    source: str = ""
    """The address that this host's own packets have; empty: the kernel chooses."""
    link: str = ""
    """Empty: the one on which the neighbour is."""
    table: int = MAIN

    @property
    def family(self) -> int:
        return socket.AF_INET6 if ":" in self.to else socket.AF_INET


async def on_link(link: str) -> frozenset[Route] | None:
    """The routes in the main table that lead over a link, link-local ones left out; None without the link."""
    async with AsyncIPRoute() as kernel:
        index = await index_of(kernel, link)
        if index is None:
            return None
        found: set[Route] = set()
        for family in METRICS:
            async for message in await kernel.get_routes(family=family, oif=index, table=MAIN):
                route = _route(message, MAIN)
                if route is not None:
                    found.add(replace(route, link=link))
        return frozenset(found)


async def in_tables(protocol: int) -> frozenset[Route]:
    """The routes of a protocol in all tables but the main one, without their links."""
    found: set[Route] = set()
    async with AsyncIPRoute() as kernel:
        for family in METRICS:
            async for message in await kernel.get_routes(family=family, proto=protocol):
                table = message.get_attr("RTA_TABLE") or 0
                route = _route(message, table) if table != MAIN and message["proto"] == protocol else None
                if route is not None:
                    found.add(route)
    return frozenset(found)


async def change(add: Collection[Route], remove: Collection[Route], protocol: int = STATIC) -> None:
    """The routes are there, or gone. What there is to the same network gives way.

    Raises Unavailable, once everything else is done, for those that the kernel refuses.
    """
    wrong: list[str] = []
    async with AsyncIPRoute() as kernel:
        links = {link: await index_of(kernel, link) for link in {each.link for each in (*add, *remove)} - {""}}
        # Networks on the link first: a neighbour has to be in one of them.
        for route in sorted(add, key=lambda each: (bool(each.via), each)):
            try:
                await kernel.route("replace", **_words(links, route, protocol))
            except (NetlinkError, Unavailable) as problem:
                wrong.append(f"route to {route.to} via {route.via or route.link}: {problem}")
            else:
                logger.info("route set", to=route.to, via=route.via, interface=route.link, table=route.table)
        for route in sorted(remove):
            try:
                await kernel.route("del", **_words(links, route, None))
            except Unavailable:
                continue  # its link is gone, and the route with it
            except NetlinkError as problem:
                if problem.code not in GONE:
                    wrong.append(f"route to {route.to} via {route.via}: {problem}")
            else:
                logger.info("route removed", to=route.to, via=route.via, interface=route.link, table=route.table)
    if wrong:
        raise Unavailable("; ".join(wrong))


async def is_own(address: str) -> bool:
    """Whether this host answers to an address: only such a one can be a route's source."""
    async with AsyncIPRoute() as kernel:
        try:
            family = socket.AF_INET6 if ":" in address else socket.AF_INET
            found = await kernel.route("get", dst=address, family=family)
        except NetlinkError:
            return False  # nowhere to go, so not here either
        return bool(found) and found[0]["type"] == LOCAL


async def index_of(kernel: AsyncIPRoute, link: str) -> int | None:
    """The index of a link, or None when there is none of that name."""
    try:
        found = await kernel.link("get", ifname=link)
    except NetlinkError as problem:
        if problem.code in GONE:
            return None
        raise
    return int(found[0]["index"]) if found else None


def _words(links: Mapping[str, int | None], route: Route, protocol: int | None) -> dict[str, Any]:
    words: dict[str, Any] = {"dst": route.to, "family": route.family, "table": route.table}
    if route.link:
        index = links[route.link]
        if index is None:
            raise Unavailable(f"there is no interface {route.link}")
        words["oif"] = index
    if route.via:
        words["gateway"] = route.via
    elif route.family == socket.AF_INET6:
        words["priority"] = CONNECTED_METRIC
    else:
        words["scope"] = LINK_SCOPE
    if route.source:
        words["prefsrc"] = route.source
    if protocol is not None:
        words["proto"] = protocol if route.via else KERNEL
    return words


def _route(message: Any, table: int) -> Route | None:
    """The Route in a message, or None for one that isn't a plain route to a network."""
    said = message.get_attr
    family, target = message["family"], said("RTA_DST")
    to = f"{target}/{message['dst_len']}" if target else EVERYTHING[family]
    if message["type"] != UNICAST or to.startswith(("fe80:", "ff00:")):
        return None
    return Route(to, said("RTA_GATEWAY") or "", said("RTA_PREFSRC") or "", "", table)
