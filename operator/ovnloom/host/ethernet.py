"""Frames that we make ourselves: who has an address, and that it is ours now."""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from ipaddress import IPv4Address, IPv6Address
from time import monotonic

ARP, IPV6, NOTHING = 0x0806, 0x86DD, 0
BROADCAST = b"\xff" * 6
REQUEST, REPLY = 1, 2
NEIGHBOUR_ADVERTISEMENT = 136
OVERRIDE = 0x20000000
ALL_NODES = IPv6Address("ff02::1")


def announce(name: str, mac: str, addresses: Iterable[IPv4Address | IPv6Address]) -> None:
    """One gratuitous ARP or unsolicited neighbour advertisement for each address has left the interface."""
    own = octets(mac)
    # One that only sends, for both: the kernel takes ten milliseconds to close each.
    with _channel(name, NOTHING) as channel:
        for address in addresses:
            if isinstance(address, IPv6Address):
                channel.sendto(advertisement(own, address), (name, IPV6))
            else:
                channel.sendto(arp(own, REQUEST, address, address), (name, ARP))


def who_has(name: str, mac: str, address: IPv4Address, asking: IPv4Address, seconds: float) -> str:
    """The MAC of who answers for an address within some seconds; empty when nobody does."""
    own = octets(mac)
    with _channel(name, ARP) as channel:
        channel.send(arp(own, REQUEST, asking, address))
        deadline = monotonic() + seconds
        while (left := deadline - monotonic()) > 0:
            channel.settimeout(left)
            try:
                frame = channel.recv(64)
            except TimeoutError:
                break
            # Our own announcements, which a switch may send back, are no conflict.
            if frame[22:28] != own and frame[28:32] == address.packed:
                return frame[22:28].hex(":")
    return ""


def octets(mac: str) -> bytes:
    """The six octets of a MAC."""
    return bytes.fromhex(mac.replace(":", "").replace("-", ""))


def arp(own: bytes, operation: int, source: IPv4Address, target: IPv4Address) -> bytes:
    """An ARP frame to all (RFC 826, 5227: an announcement has its address as source and target)."""
    head = BROADCAST + own + struct.pack("!H", ARP)
    return head + struct.pack("!HHBBH", 1, 0x0800, 6, 4, operation) + own + source.packed + bytes(6) + target.packed


def advertisement(own: bytes, address: IPv6Address) -> bytes:
    """A neighbour advertisement that nobody asked for, to all nodes (RFC 4861, 7.2.6)."""
    option = struct.pack("!BB", 2, 1) + own
    body = struct.pack("!BBHI", NEIGHBOUR_ADVERTISEMENT, 0, 0, OVERRIDE) + address.packed + option
    pseudo = address.packed + ALL_NODES.packed + struct.pack("!IHBB", len(body), 0, 0, socket.IPPROTO_ICMPV6)
    body = body[:2] + struct.pack("!H", _checksum(pseudo + body)) + body[4:]
    header = struct.pack("!IHBB", 6 << 28, len(body), socket.IPPROTO_ICMPV6, 255) + address.packed + ALL_NODES.packed
    return b"\x33\x33" + ALL_NODES.packed[-4:] + own + struct.pack("!H", IPV6) + header + body


def _checksum(message: bytes) -> int:
    """RFC 1071."""
    total: int = sum(struct.unpack(f"!{len(message) // 2}H", message))
    total = (total & 0xFFFF) + (total >> 16)
    return ~(total + (total >> 16)) & 0xFFFF


@contextmanager
def _channel(name: str, kind: int) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW | socket.SOCK_CLOEXEC, socket.htons(kind)) as channel:
        channel.bind((name, kind))
        yield channel
