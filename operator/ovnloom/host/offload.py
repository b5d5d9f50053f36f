"""Offloads of an interface, by the ioctl that `ethtool -K` uses."""

from __future__ import annotations

import array
import errno
import fcntl
import socket
import struct

SIOCETHTOOL = 0x8946
SET_TX_CHECKSUM = 0x17
"""ETHTOOL_STXCSUM (linux/ethtool.h)."""


def stop_checksum_offload(name: str) -> None:
    """The kernel computes checksums itself before it hands a packet over; an interface that can't offload is fine."""
    value = array.array("B", struct.pack("II", SET_TX_CHECKSUM, 0))
    address, _ = value.buffer_info()
    request = struct.pack("16sP8x", name.encode(), address)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as channel:
        try:
            fcntl.ioctl(channel, SIOCETHTOOL, request)
        except OSError as problem:
            if problem.errno != errno.EOPNOTSUPP:
                raise
