"""Frames that we make ourselves, seen by somebody else on the same wire."""

import socket
import struct
import subprocess
import threading
from collections.abc import Iterator
from ipaddress import IPv4Address, ip_address

import pytest

from ovnloom.host.ethernet import announce, who_has

MAC, OTHER = MACS = ("02:00:00:00:00:07", "02:00:00:00:00:08")
ETH_P_ALL = 3


@pytest.fixture
def wire(alone: str) -> Iterator[str]:
    """Both ends of a cable, `here` with our MAC and `there`, in the namespace of the test."""
    words = f"link add here address {MAC} type veth peer name there".split()
    subprocess.run(["ip", *words], check=True)
    for name in ("here", "there"):
        subprocess.run(["ip", "link", "set", name, "up"], check=True)
    return "there"


def test_each_address_is_announced_once_in_a_frame_that_others_accept(wire: str) -> None:
    """Switches and neighbours that believe in the place where an address was before lose packets for minutes."""
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL)) as ear:
        ear.bind((wire, ETH_P_ALL))
        ear.settimeout(5)
        announce("here", MAC, [ip_address("10.1.0.7"), ip_address("fd00::7")])
        frames = []
        while len(frames) < 2:
            frame = ear.recv(2048)
            is_ours = frame[12:14] == b"\x08\x06" or (frame[12:14] == b"\x86\xdd" and frame[54] == 136)
            frames += [frame] if is_ours else []

    arp, advertisement = sorted(frames, key=len)
    assert arp[:6] == b"\xff" * 6
    assert arp[28:32] == arp[38:42] == IPv4Address("10.1.0.7").packed
    assert advertisement[62:78] == ip_address("fd00::7").packed
    assert advertisement[80:86].hex(":") == MAC
    assert checksum(advertisement) == 0


def checksum(frame: bytes) -> int:
    """Zero when the one in an ICMPv6 frame is right: RFC 4443, 2.3."""
    body = frame[54:]
    summed = frame[22:54] + struct.pack("!IHBB", len(body), 0, 0, socket.IPPROTO_ICMPV6) + body
    total = sum(struct.unpack(f"!{len(summed) // 2}H", summed))
    while total > 0xFFFF:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def test_nobody_who_has_an_address_is_an_empty_answer(wire: str) -> None:
    """Silence means that an address is free, and that a gateway is away."""
    assert who_has("here", MAC, IPv4Address("10.1.0.9"), IPv4Address("10.1.0.7"), 0.1) == ""


def test_our_own_announcement_is_no_conflict_and_another_ones_is(wire: str) -> None:
    """ovn-controller announces the address as well, with our MAC: that was taken for a conflict once."""
    nobody, address = IPv4Address("0.0.0.0"), IPv4Address("10.1.0.9")
    timers = [threading.Timer(0.1 * number, announce, ("there", mac, [address])) for number, mac in enumerate(MACS, 1)]
    for timer in timers:
        timer.start()

    assert who_has("here", MAC, address, nobody, 5) == OTHER

    for timer in timers:
        timer.join()
