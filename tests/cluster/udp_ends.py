# ruff: noqa: T201  (it runs alone in the network namespace of a Pod, and prints what it counted)
"""The two ends of a stream of numbered UDP packets: `echo` says its port and sends back, `ping ADDRESS PORT` counts.

ping sends one packet a millisecond, fewer where it has to wait for a CPU. It says `ready` with the first answer, counts
from there until its input ends, and then prints as JSON how many it `sent`, which never came back (`lost`: when they
were sent, in seconds since `ready`) and the longest `gap` in seconds between two answers.
"""

import contextlib
import json
import os
import select
import socket
import struct
import sys
import time
from collections.abc import Iterator

FORCE_BUFFER, BUFFER = 33, 16 << 20
"""SO_RCVBUFFORCE, in bytes: what this process is too slow for on a busy machine isn't lost by the network."""
INTERVAL, PATIENCE = 0.001, 3.0
"""In seconds: between two packets; after the last one, for answers that are late."""
NUMBER = struct.Struct("!Q")


def opened(family: int) -> socket.socket:
    found = socket.socket(family, socket.SOCK_DGRAM)
    found.setsockopt(socket.SOL_SOCKET, FORCE_BUFFER, BUFFER)
    return found


def echo() -> None:
    with opened(socket.AF_INET6) as here:
        here.bind(("::", 0))
        print(here.getsockname()[1], flush=True)
        while True:
            here.sendto(*here.recvfrom(64))


def warm(here: socket.socket) -> None:
    """An answer has come: neighbours are known, and tunnels."""
    here.settimeout(0.2)
    while True:
        try:
            here.send(NUMBER.pack(0))
            here.recv(64)
        except OSError:
            continue
        break
    here.settimeout(PATIENCE)
    marker = NUMBER.pack(2**63)
    here.send(marker)
    while here.recv(64) != marker:
        pass
    here.setblocking(False)


def ping(address: str, port: int) -> None:
    with opened(socket.AF_INET6 if ":" in address else socket.AF_INET) as here:
        here.connect((address, port))
        warm(here)
        print("ready", flush=True)
        print(json.dumps(count(here)), flush=True)


def count(here: socket.socket) -> dict[str, object]:
    begun = due = last = time.monotonic()
    missing: dict[int, float] = {}
    sent, gap, end = 0, 0.0, float("inf")
    while (now := time.monotonic()) < end and (missing or end == float("inf")):
        is_over = end < float("inf")
        wait = (end if is_over else due) - now
        readable, _, _ = select.select([here] if is_over else [here, sys.stdin], (), (), max(wait, 0))
        now = time.monotonic()
        if here in readable:
            for number in answers(here):
                gap, last = max(gap, now - last), now
                missing.pop(number, None)
        if sys.stdin in readable:
            end = now + PATIENCE
            continue
        if due <= now and not is_over:
            # What wasn't sent in time is left out: a burst of it would be more than anybody has room for.
            with contextlib.suppress(OSError):  # no route, no room: lost, as any other
                here.send(NUMBER.pack(sent))
            missing[sent] = round(now - begun, 3)
            sent, due = sent + 1, max(due + INTERVAL, now)
    return {"sent": sent, "lost": list(missing.values()), "gap": round(gap, 3)}


def answers(here: socket.socket) -> Iterator[int]:
    """Those that have come."""
    while True:
        try:
            yield NUMBER.unpack(here.recv(64))[0]
        except BlockingIOError:
            return
        except OSError:  # told by ICMP: nobody could be reached for a moment
            continue


if __name__ == "__main__":
    with contextlib.suppress(OSError):
        os.nice(-10)
    echo() if sys.argv[1] == "echo" else ping(sys.argv[2], int(sys.argv[3]))
