"""A host's addresses and routes change over from one interface to another. All of this blocks: call it in a thread."""

from __future__ import annotations

import errno
import socket as sockets
from collections.abc import Iterator
from contextlib import suppress
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path
from typing import Any, NamedTuple

from pyroute2.netlink.exceptions import NetlinkError

from ovnloom.errors import Refused
from ovnloom.host.ethernet import announce
from ovnloom.host.links import GONE, Link, find, netlink

TEMPORARY, NODAD, NOPREFIXROUTE = 0x01, 0x02, 0x200
"""IFA_F_…; TEMPORARY is that of IPv6, which for IPv4 means something else."""
KERNEL = 2
"""RTPROT_KERNEL: routes that come and go with an address."""
LOCAL_TABLE = 255
UNICAST = 1
ONLINK = 4
"""RTNH_F_ONLINK."""
FAMILIES = (sockets.AF_INET, sockets.AF_INET6)


class _Address(NamedTuple):
    ip: IPv4Address | IPv6Address
    words: dict[str, Any]
    """How the kernel is asked for it."""


def hand_over(source: str, target: str) -> tuple[IPv4Address | IPv6Address, ...]:
    """The addresses of `source`, but link-local ones, and its routes are those of `target`, and neighbours know.

    `source` loses nothing before `target` has it all, so whoever is interrupted can begin anew. Both are up
    afterwards; addresses that had a lifetime have none any more. Raises Refused.
    """
    with netlink() as socket:
        old, new = _the(socket, source), _the(socket, target)
        for link in (old, new):
            if not link.is_up:
                socket.link("set", index=link.index, state="up")
        addresses, routes = list(_addresses(socket, old)), list(_routes(socket, old))
        for address in addresses:
            _add(socket, new, address)
        _set_routes(socket, new, routes)
        for address in addresses:
            _remove(socket, old, address)
        _set_routes(socket, new, routes)  # some routes of a family go with its last address, wherever that was
        for words in routes:
            with suppress(NetlinkError):
                socket.route("del", **words, oif=old.index)
    moved = tuple(address.ip for address in addresses)
    if moved:
        announce(target, new.mac, moved)
    return moved


def is_clear(name: str) -> bool:
    """Whether an interface has nothing that could be handed over."""
    with netlink() as socket:
        link = find(socket, name)
        return link is None or not (any(_addresses(socket, link)) or any(_routes(socket, link)))


def master_of(name: str) -> str:
    """The bridge or bond that an interface is part of; empty when it is on its own."""
    with netlink() as socket:
        link = find(socket, name)
        if link is None:
            return ""
        for message in socket.get_links(link.index):
            index = message.get_attr("IFLA_MASTER")
            for master in socket.get_links(index) if index else ():
                return str(master.get_attr("IFLA_IFNAME"))
    return ""


def stay_silent(name: str, *, silent: bool) -> None:
    """Whether an interface answers ARP for addresses of its own only.

    In a switch that runs as a process the kernel sees the frames of an interface as well, and would answer in its
    place for addresses that are elsewhere.
    """
    with suppress(OSError):  # a read-only /proc: then neighbours hear two answers, and both lead here
        Path(f"/proc/sys/net/ipv4/conf/{name}/arp_ignore").write_text("1" if silent else "0")


def _the(socket: Any, name: str) -> Link:
    found = find(socket, name)
    if found is None:
        raise Refused(f"interface {name} does not exist on this host")
    return found


def _addresses(socket: Any, link: Link) -> Iterator[_Address]:
    for message in socket.get_addr(index=link.index):
        if message["index"] != link.index:
            continue
        ip = ip_address(message.get_attr("IFA_LOCAL") or message.get_attr("IFA_ADDRESS"))
        flags = message.get_attr("IFA_FLAGS") or message["flags"]
        if ip.is_link_local or (ip.version == 6 and flags & TEMPORARY):
            continue
        words: dict[str, Any] = {"local": str(ip), "address": message.get_attr("IFA_ADDRESS")}
        words |= {"prefixlen": message["prefixlen"], "family": message["family"]}
        if ip.version == 4:
            words["scope"] = message["scope"]
        broadcast, metric = message.get_attr("IFA_BROADCAST"), message.get_attr("IFA_RT_PRIORITY")
        words |= {"broadcast": broadcast} if broadcast else {}
        words |= {"priority": metric} if metric else {}
        kept = (flags & NOPREFIXROUTE) | (NODAD if ip.version == 6 else 0)
        words |= {"flags": kept} if kept else {}
        yield _Address(ip, words)


def _add(socket: Any, link: Link, address: _Address) -> None:
    try:
        socket.addr("add", index=link.index, **address.words)
    except NetlinkError as problem:
        if problem.code != errno.EEXIST:
            raise Refused(f"the kernel refuses address {address.ip} on {link.name}: {problem}") from problem


def _remove(socket: Any, link: Link, address: _Address) -> None:
    words = {key: address.words[key] for key in ("local", "address", "prefixlen", "family")}
    try:
        socket.addr("del", index=link.index, **words)
    except NetlinkError as problem:
        if problem.code not in GONE | {errno.EADDRNOTAVAIL}:
            raise


def _routes(socket: Any, link: Link) -> Iterator[dict[str, Any]]:
    """What somebody set by way of the interface, in an order in which each gateway can be reached already."""
    found = []
    for family in FAMILIES:
        for message in socket.get_routes(family=family, oif=link.index):
            table = message.get_attr("RTA_TABLE") or message["table"]
            is_own = message["proto"] == KERNEL or table == LOCAL_TABLE or message["type"] != UNICAST
            if message.get_attr("RTA_OIF") == link.index and not is_own:
                found.append(_words(message, table))
    found.sort(key=lambda words: (-words["scope"], "gateway" in words))
    yield from found


def _words(message: Any, table: int) -> dict[str, Any]:
    family = message["family"]
    everything = "0.0.0.0/0" if family == sockets.AF_INET else "::/0"
    target = message.get_attr("RTA_DST")
    words: dict[str, Any] = {
        "dst": f"{target}/{message['dst_len']}" if target else everything,
        "family": family,
        "table": table,
        "scope": message["scope"],
        "proto": message["proto"],
        "tos": message["tos"],
    }
    optional = {"gateway": "RTA_GATEWAY", "priority": "RTA_PRIORITY", "prefsrc": "RTA_PREFSRC", "via": "RTA_VIA"}
    words |= {word: value for word, name in optional.items() if (value := message.get_attr(name)) is not None}
    if message["flags"] & ONLINK:
        words["flags"] = ONLINK
    metrics = message.get_attr("RTA_METRICS")
    if metrics is not None:
        words["metrics"] = {name.removeprefix("RTAX_").lower(): value for name, value in metrics["attrs"]}
    return words


def _set_routes(socket: Any, link: Link, routes: list[dict[str, Any]]) -> None:
    for words in routes:
        try:
            socket.route("replace", **words, oif=link.index)
        except NetlinkError as problem:
            raise Refused(f"the kernel refuses the route to {words['dst']} by {link.name}: {problem}") from problem
