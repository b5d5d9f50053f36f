"""What a container finds on its interface: addresses, routes. All of this blocks, and is called in a thread."""

from __future__ import annotations

import errno
import socket as sockets
from collections.abc import Sequence
from contextlib import suppress
from ipaddress import ip_interface, ip_network
from pathlib import Path
from typing import Any

from pyroute2.netlink.exceptions import NetlinkError

from ovnloom import log
from ovnloom.errors import Refused
from ovnloom.host.ethernet import announce
from ovnloom.host.links import Link, find, netlink
from ovnloom.host.netns import Netns, inside
from ovnloom.host.offload import stop_checksum_offload
from ovnloom.host.wire import Address, Route, Wire

logger = log.get("host")

NODAD = 0x02
"""IFA_F_NODAD: the address can be used at once."""
MAIN = 254
LINK_LOCAL = ip_network("fe80::/10")
FAMILIES = (sockets.AF_INET, sockets.AF_INET6)


def furnish(wire: Wire, netns: Netns, *, is_userspace: bool) -> tuple[Route, ...]:
    """The container's end is up and has exactly its addresses and routes; the routes that the kernel has then.

    `is_userspace` says that packets never pass the kernel's own checksums: the container has to compute them.
    """
    with inside(netns), netlink() as socket:
        link = find(socket, wire.name)
        if link is None:
            raise Refused(f"the container lost its interface {wire.name}; its Pod is being started anew")
        if is_userspace:
            stop_checksum_offload(wire.name)
        if any(address.version == 6 for address in wire.addresses):
            _enable_ipv6(wire.name)
        with suppress(NetlinkError):
            socket.link("set", index=socket.link_lookup(ifname="lo")[0], state="up")
        socket.link("set", index=link.index, state="up")
        _set_addresses(socket, link, wire)
        for route in wire.routes:
            _add_route(socket, link, route, wire)
        return read_routes(socket, link)


def proclaim(wire: Wire, netns: Netns) -> None:
    """Switches and neighbours know where the addresses are now."""
    with inside(netns):
        announce(wire.name, wire.mac, [address.ip for address in wire.addresses])


def read_addresses(socket: Any, link: Link) -> frozenset[Address]:
    """The addresses of an interface, those of IPv6 that every interface has left out."""
    found = set()
    for message in socket.get_addr(index=link.index):
        address = ip_interface(f"{message.get_attr('IFA_ADDRESS')}/{message['prefixlen']}")
        if address.ip not in LINK_LOCAL:
            found.add(address)
    return frozenset(found)


def read_routes(socket: Any, link: Link) -> tuple[Route, ...]:
    """The routes of an interface that somebody set, with those of its own networks."""
    found: list[Route] = []
    for family in FAMILIES:
        everything = "0.0.0.0/0" if family == sockets.AF_INET else "::/0"
        for message in socket.get_routes(family=family, table=MAIN, oif=link.index):
            target, gateway = message.get_attr("RTA_DST"), message.get_attr("RTA_GATEWAY") or ""
            destination = f"{target}/{message['dst_len']}" if target else everything
            if not target and not gateway:
                continue
            if message["type"] == 1 and not (family == sockets.AF_INET6 and ip_network(destination)[0] in LINK_LOCAL):
                found.append(Route(destination, gateway))
    return tuple(found)


def _enable_ipv6(name: str) -> None:
    """Runtimes switch IPv6 off in new namespaces; router advertisements must not change what was given."""
    for where, value in ((f"conf/{name}/disable_ipv6", "0"), (f"conf/{name}/accept_ra", "0")):
        with suppress(OSError):  # a host without IPv6, or a read-only /proc: the address will say so
            Path("/proc/sys/net/ipv6", where).write_text(value)


def _set_addresses(socket: Any, link: Link, wire: Wire) -> None:
    there = read_addresses(socket, link)
    for address in there - set(wire.addresses):
        socket.addr("del", index=link.index, address=str(address.ip), prefixlen=address.network.prefixlen)
    for address in wire.addresses:
        if address in there:
            continue
        more: dict[str, Any] = {}
        if address.version == 6 and not wire.is_probed:
            more["flags"] = NODAD
        if address.version == 4 and address.network.prefixlen < 31:
            more["broadcast"] = str(address.network.broadcast_address)
        try:
            socket.addr("add", index=link.index, address=str(address.ip), prefixlen=address.network.prefixlen, **more)
        except NetlinkError as problem:
            if problem.code != errno.EEXIST:
                raise Refused(f"the kernel refuses address {address} on {wire.name}: {problem}") from problem


def _add_route(socket: Any, link: Link, route: Route, wire: Wire) -> None:
    """A route that was asked for and can't be is told in the log; without its default route no container starts."""
    more = {"gateway": route.gateway} if route.gateway else {"scope": "link"}
    family = sockets.AF_INET6 if ":" in route.destination else sockets.AF_INET
    try:
        socket.route("replace", dst=route.destination, oif=link.index, family=family, **more)
    except NetlinkError as problem:
        if route.is_default:
            raise Refused(
                f"the kernel refuses the default route of {wire.name} by {route.gateway}: {problem}; "
                f"the gateway has to be in the Subnet's cidrBlock"
            ) from problem
        logger.warning(
            "route refused", interface=wire.name, to=route.destination, by=route.gateway, reason=str(problem)
        )


def gateways(routes: Sequence[Route]) -> tuple[str, ...]:
    """Where the default routes go."""
    return tuple(route.gateway for route in routes if route.is_default and route.gateway)


def default_routes_go(netns: Netns, families: set[int]) -> None:
    """The container has no default route of these families (4, 6)."""
    with inside(netns), netlink() as socket:
        for family in FAMILIES:
            if (4 if family == sockets.AF_INET else 6) not in families:
                continue
            for message in socket.get_routes(family=family, table=MAIN, dst_len=0):
                if message["dst_len"] == 0 and message["type"] == 1:
                    with suppress(NetlinkError):
                        socket.route("del", family=family, dst="default", oif=message.get_attr("RTA_OIF"))
