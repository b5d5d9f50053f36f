"""Whether somebody else has an address, on networks whose addresses aren't only ours. Blocks, called in a thread."""

from __future__ import annotations

import socket as sockets
from ipaddress import IPv4Address
from time import monotonic

from ovnloom.errors import Refused
from ovnloom.host.ethernet import who_has
from ovnloom.host.links import find, netlink
from ovnloom.host.netns import Netns, inside
from ovnloom.host.wire import Wire

PROBES, PROBE_SECONDS = 2, 0.25
"""RFC 5227 asks three times within 4 to 7 seconds; who is up answers within milliseconds, and Pods shall start."""
SETTLE_SECONDS = 4.0
"""Duplicate address detection of the kernel takes one to two seconds."""
RTMGRP_IPV6_IFADDR = 0x100
TENTATIVE, FAILED = 0x40, 0x08
NOBODY = IPv4Address("0.0.0.0")  # the sender of a probe has no address yet


def probe(wire: Wire, netns: Netns) -> None:
    """Nobody answers for the IPv4 addresses of a container. Raises Refused, with the MAC of who does."""
    with inside(netns):
        with netlink() as socket:
            link = find(socket, wire.name)
            if link is not None:
                socket.link("set", index=link.index, state="up")
        for address in wire.addresses:
            if isinstance(address.ip, IPv4Address):
                for _ in range(PROBES):
                    other = who_has(wire.name, wire.mac, address.ip, NOBODY, PROBE_SECONDS)
                    if other and other != wire.mac:
                        raise Refused(f"IP address {address.ip} has already been used by host with MAC {other}")


def settled(wire: Wire, netns: Netns) -> None:
    """The kernel has made sure that nobody else has the IPv6 addresses. Raises Refused."""
    if all(address.version == 4 for address in wire.addresses):
        return
    with inside(netns), netlink() as socket:
        link = find(socket, wire.name)
        with sockets.socket(sockets.AF_NETLINK, sockets.SOCK_RAW | sockets.SOCK_CLOEXEC, sockets.NETLINK_ROUTE) as news:
            news.bind((0, RTMGRP_IPV6_IFADDR))
            deadline = monotonic() + SETTLE_SECONDS
            while link is not None and (left := deadline - monotonic()) > 0:
                flags = [
                    (message.get_attr("IFA_ADDRESS"), message.get_attr("IFA_FLAGS") or 0)
                    for message in socket.get_addr(index=link.index, family=sockets.AF_INET6)
                ]
                for address, flag in flags:
                    if flag & FAILED:
                        raise Refused(f"IP address {address} has already been used by another host of its network")
                if not any(flag & TENTATIVE for _, flag in flags):
                    return
                news.settimeout(left)
                try:
                    news.recv(8192)
                except TimeoutError:
                    return
