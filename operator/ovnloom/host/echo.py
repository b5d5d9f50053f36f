"""Whether a neighbour answers: ICMP echo, in both families."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from secrets import randbits, token_bytes

HEADER = struct.Struct("!BBHHH")
REQUEST_V4, REPLY_V4, REQUEST_V6, REPLY_V6 = 8, 0, 128, 129
"""RFC 792 and RFC 4443."""
BIND_TO_DEVICE = 25
"""SO_BINDTODEVICE."""
SHORTEST_IPV4 = 20


async def answers(address: str, link: str, seconds: float) -> bool:
    """Whether the address answers one echo request over that interface in time."""
    is_v6 = ":" in address
    family, protocol = (socket.AF_INET6, socket.IPPROTO_ICMPV6) if is_v6 else (socket.AF_INET, socket.IPPROTO_ICMP)
    number, content = randbits(16), token_bytes(16)
    with contextlib.suppress(OSError, TimeoutError), socket.socket(family, socket.SOCK_RAW, protocol) as raw:
        raw.setblocking(False)
        raw.setsockopt(socket.SOL_SOCKET, BIND_TO_DEVICE, link.encode())
        raw.connect((address, 0))
        raw.send(_request(is_v6, number, content))
        async with asyncio.timeout(seconds):
            while True:
                said = await asyncio.get_running_loop().sock_recv(raw, 2048)
                if _is_reply(is_v6, said, number, content):
                    return True
    return False


def _request(is_v6: bool, number: int, content: bytes) -> bytes:
    if is_v6:  # the kernel adds the sum
        return HEADER.pack(REQUEST_V6, 0, 0, number, 1) + content
    unsummed = HEADER.pack(REQUEST_V4, 0, 0, number, 1) + content
    return HEADER.pack(REQUEST_V4, 0, _sum(unsummed), number, 1) + content


def _is_reply(is_v6: bool, said: bytes, number: int, content: bytes) -> bool:
    if not is_v6:
        if len(said) < SHORTEST_IPV4:
            return False
        said = said[(said[0] & 15) * 4 :]
    if len(said) < HEADER.size:
        return False
    kind, _, _, found, _ = HEADER.unpack_from(said)
    return kind == (REPLY_V6 if is_v6 else REPLY_V4) and found == number and said[HEADER.size :] == content


def _sum(content: bytes) -> int:
    total: int = sum(struct.unpack(f"!{len(content) // 2}H", content))
    total = (total >> 16) + (total & 0xFFFF)
    return ~(total + (total >> 16)) & 0xFFFF
