"""The two ends of a container's cable. All of this blocks, and is called in a thread."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from pyroute2 import IPRoute
from pyroute2.netlink.exceptions import NetlinkError

from ovnloom.errors import Refused, Unavailable
from ovnloom.host.netns import Netns, inside
from ovnloom.host.wire import Wire

QUEUE = 1000
"""Packets in the queue of a host's end."""
GONE = frozenset({errno.ENODEV, errno.ENOENT, errno.ENXIO})


@dataclass(frozen=True, slots=True)
class Link:
    """What the kernel says of an interface."""

    index: int
    name: str
    kind: str
    """`veth`, `bridge`…; empty for hardware."""
    mac: str
    mtu: int
    is_up: bool
    peer: int
    """The index of a veth's other end, where that is; 0 for others."""

    @classmethod
    def of(cls, message: Any) -> Link:
        found = message.get_attr("IFLA_LINKINFO")
        kind = found.get_attr("IFLA_INFO_KIND") if found else ""
        return cls(
            message["index"],
            message.get_attr("IFLA_IFNAME") or "",
            kind or "",
            (message.get_attr("IFLA_ADDRESS") or "").lower(),
            message.get_attr("IFLA_MTU") or 0,
            bool(message["flags"] & 1),
            message.get_attr("IFLA_LINK") or 0 if kind == "veth" else 0,
        )


@contextmanager
def netlink() -> Iterator[Any]:
    """A netlink socket in the namespace that this thread is in."""
    with IPRoute() as socket:
        yield socket


def find(socket: Any, name: str) -> Link | None:
    """The interface of a name."""
    try:
        for message in socket.link("get", ifname=name):
            return Link.of(message)
    except NetlinkError as problem:
        if problem.code not in GONE:
            raise
    return None


def plug(wire: Wire, netns: Netns) -> bool:
    """The pair is there, its host's end up; whether it was made anew. Ends that are there and right stay.

    Raises Refused when another interface has one of the names.
    """
    with netlink() as host:
        outer = find(host, wire.host)
        if outer is not None:
            if outer.kind != "veth":
                raise Refused(
                    f"interface {wire.host} of this host is a {outer.kind or 'device'}, and its name is needed for "
                    f"a Pod's; rename it"
                )
            if _is_right(wire, netns, outer):
                _raise(host, outer.index)
                return False
            _delete(host, outer)
        _add(host, wire, netns)
        return True


def unplug(name: str) -> bool:
    """No veth of this name is on the host; whether there was one."""
    with netlink() as host:
        found = find(host, name)
        if found is None or found.kind != "veth":
            return False
        return _delete(host, found)


def look(name: str) -> Link | None:
    """An interface of the namespace that this thread is in."""
    with netlink() as socket:
        return find(socket, name)


def _is_right(wire: Wire, netns: Netns, outer: Link) -> bool:
    with inside(netns):
        inner = look(wire.name)
    if inner is None or inner.kind != "veth" or inner.peer != outer.index or outer.peer != inner.index:
        return False
    return inner.mac == wire.mac.lower() and wire.mtu in (0, inner.mtu)


def _add(host: Any, wire: Wire, netns: Netns) -> None:
    peer: dict[str, Any] = {"ifname": wire.name, "address": wire.mac, "net_ns_fd": netns.descriptor}
    size = {"mtu": wire.mtu} if wire.mtu else {}
    try:
        # The container's end gets all that it needs in the one message that makes it: nobody ever sees it half done.
        host.link("add", kind="veth", ifname=wire.host, txqlen=QUEUE, state="up", peer={**peer, **size}, **size)
    except NetlinkError as problem:
        raise _failure(problem, wire, netns) from problem


def _failure(problem: NetlinkError, wire: Wire, netns: Netns) -> Exception:
    if problem.code == errno.EEXIST:
        with inside(netns):
            taken = look(wire.name)
        if taken is not None:
            return Refused(
                f"the container already has an interface {wire.name} ({taken.kind or 'device'}, {taken.mac}); "
                f"give the Pod's network another interface name"
            )
        return Unavailable(f"interface {wire.host} was made by somebody else at the same moment")
    return Refused(f"the kernel refuses interface {wire.name} with MAC {wire.mac} and MTU {wire.mtu}: {problem}")


def _raise(host: Any, index: int) -> None:
    host.link("set", index=index, state="up")


def _delete(host: Any, found: Link) -> bool:
    try:
        host.link("del", index=found.index)
    except NetlinkError as problem:
        if problem.code not in GONE:
            raise
        return False
    return True
