"""What the kernel tells of changes to this host's network, as it happens.

Read straight from the sockets: each Pod that comes makes dozens of messages, of which nearly all concern nobody, and
decoding them in full costs more than everything else that the agent does for that Pod.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
import struct
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from ovnloom.host.nft_kernel import OWN

Kind = Literal["link", "address", "route", "rule", "table", "unknown"]
KINDS: dict[int, Kind] = {16: "link", 17: "link", 20: "address", 21: "address", 24: "route", 25: "route"}
KINDS |= {32: "rule", 33: "rule"}
"""rtnetlink(7): RTM_NEW… and RTM_DEL… of each."""
GROUPS = 1 | 0x10 | 0x100 | 0x40 | 0x400 | 0x80 | 0x40000
"""RTMGRP_LINK, then addresses and routes of IPv4 and IPv6, then rules of IPv4 and (1 << 18) IPv6."""
NETLINK_ROUTE, NETLINK_NETFILTER = 0, 12
NFT_GROUP, NFT_SUBSYSTEM, NFT_NEWGEN = 7, 10, 15
"""linux/netfilter/nfnetlink.h and nf_tables.h."""
BUFFER = 4 * 1024 * 1024
"""Bytes: 100 Pods at once fit."""
FORCE_BUFFER = 33
"""SO_RCVBUFFORCE: beyond what the host allows everybody."""
ROUTE_TYPE, UNICAST, RTA_DST = 7, 1, 1
"""Offset of rtm_type, and what matters of it."""
HEADER = struct.Struct("=IHHII")
IFLA_IFNAME, NFTA_TABLE = 3, 1
ADDRESS_SCOPE = 3
"""Offset of ifa_scope, which ifa_index follows."""
LINK_SCOPE = 253
"""Each interface of a Pod brings a link-local address, which concerns nobody."""


@dataclass(frozen=True, slots=True)
class Event:
    """Something changed; `unknown` means that events were lost, so anything may have."""

    kind: Kind
    name: str = ""
    """Of the link or the table, where that is said."""
    index: int = 0
    """Of the link, for links and addresses."""


async def events() -> AsyncIterator[Event]:
    """Changes of links, addresses, routes, rules and nftables tables (but for those that we made), for ever.

    Begins with `unknown`, once the kernel is sure to tell: who looks then misses nothing.
    """
    loop = asyncio.get_running_loop()
    queue: asyncio.Queue[Event] = asyncio.Queue()
    with contextlib.ExitStack() as stack:
        for protocol, groups, read in ((NETLINK_ROUTE, GROUPS, _route), (NETLINK_NETFILTER, 0, Tables())):
            opened = stack.enter_context(_open(protocol, groups))
            loop.add_reader(opened, _drain, opened, read, queue)
            stack.callback(loop.remove_reader, opened)
        queue.put_nowait(Event("unknown"))
        while True:
            yield await queue.get()


Read = Callable[[int, memoryview, int], Iterator[Event]]


def _open(protocol: int, groups: int) -> socket.socket:
    opened = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC, protocol)
    with contextlib.suppress(OSError):  # without CAP_NET_ADMIN in the first namespace; lost events are noticed
        opened.setsockopt(socket.SOL_SOCKET, FORCE_BUFFER, BUFFER)
    opened.bind((0, groups))
    if protocol == NETLINK_NETFILTER:
        opened.setsockopt(270, 1, NFT_GROUP)  # SOL_NETLINK, NETLINK_ADD_MEMBERSHIP
    return opened


def _drain(opened: socket.socket, read: Read, queue: asyncio.Queue[Event]) -> None:
    while True:
        try:
            said = memoryview(opened.recv(1 << 18))
        except BlockingIOError:
            return
        except OSError as problem:
            if problem.errno != errno.ENOBUFS:
                raise
            queue.put_nowait(Event("unknown"))
            continue
        for kind, content, sender in _messages(said):
            for event in read(kind, content, sender):
                queue.put_nowait(event)


def _messages(said: memoryview) -> Iterator[tuple[int, memoryview, int]]:
    """The kind and the content of each, and the socket of who made the change: netlink(7) numbers it as its process."""
    while len(said) >= HEADER.size:
        length, kind, _, _, sender = HEADER.unpack_from(said)
        if length < HEADER.size:
            return
        yield kind, said[HEADER.size : length], sender
        said = said[length + 3 & ~3 :]


def _attribute(content: memoryview, offset: int, wanted: int) -> bytes | None:
    """The content of one attribute; they begin at an offset."""
    while offset + 4 <= len(content):
        length, kind = struct.unpack_from("=HH", content, offset)
        if length < 4:
            return None
        if kind & 0x3FFF == wanted:
            return bytes(content[offset + 4 : offset + length])
        offset += length + 3 & ~3
    return None


def _route(kind: int, content: memoryview, _: int) -> Iterator[Event]:
    what = KINDS.get(kind)
    if what == "link":
        (index,) = struct.unpack_from("=i", content, 4)
        yield Event("link", (_attribute(content, 16, IFLA_IFNAME) or b"").rstrip(b"\0").decode(), index)
    elif what == "address":
        scope, index = struct.unpack_from("=BI", content, ADDRESS_SCOPE)
        if scope != LINK_SCOPE:
            yield Event("address", index=index)
    elif what == "rule" or (what == "route" and _is_plain(content)):
        yield Event(what)


def _is_plain(content: memoryview) -> bool:
    """Whether a route is one to a network: each interface of a Pod brings local, link-local and multicast ones."""
    if content[ROUTE_TYPE] != UNICAST:
        return False
    target = _attribute(content, 12, RTA_DST)
    is_link_local = target is not None and len(target) == 16 and (target[0], target[1] & 0xC0) == (0xFE, 0x80)
    return not is_link_local


class Tables:
    """Collects the tables of one transaction; its last message says who made it."""

    def __init__(self) -> None:
        self._names: set[str] = set()

    def __call__(self, kind: int, content: memoryview, sender: int) -> Iterator[Event]:
        """Events of a transaction that isn't ours.

        The message also has a process (NFTA_GEN_PROC_PID), but as the first namespace of processes numbers it, which is
        another number for an agent in a container.
        """
        if kind >> 8 != NFT_SUBSYSTEM:
            return
        if kind & 0xFF != NFT_NEWGEN:
            # The first attribute of every message is the name of its table.
            self._names.add((_attribute(content, 4, NFTA_TABLE) or b"").rstrip(b"\0").decode())
            return
        names = sorted(self._names)
        self._names.clear()
        if sender in OWN:
            return
        yield from (Event("table", name) for name in names)
