"""TCP ports on loopback that nothing else is about to take."""

import json
import random
import socket
from pathlib import Path

from sandbox import places
from sandbox.errors import SandboxError

LOWEST = 20_000
# Outgoing connections get their ports from here up; a port below can't be lost to one while its server restarts.
EPHEMERAL = Path("/proc/sys/net/ipv4/ip_local_port_range")
FILE = "ports.json"


def recorded(directory: Path) -> dict[str, int]:
    """The ports that the sandbox in `directory` uses, by the name of the server."""
    try:
        ports: dict[str, int] = json.loads((directory / FILE).read_text())
    except (FileNotFoundError, ValueError):
        return {}
    return ports


def record(directory: Path, ports: dict[str, int]) -> None:
    """A later run of Python finds the same ports."""
    (directory / FILE).write_text(json.dumps(ports, indent=2) + "\n")


def free() -> int:
    """A port on 127.0.0.1 that is free now and belongs to no other sandbox.

    Between this and the server's bind somebody can still take it, so the caller tries again with another one.
    """
    highest = int(EPHEMERAL.read_text().split()[0]) - 1
    if highest - LOWEST < 1000:
        return _ephemeral()
    taken = {port for name in places.names() for port in recorded(places.home() / name).values()}
    for port in random.sample(range(LOWEST, highest), 1000):
        if port not in taken and _binds(port):
            return port
    raise SandboxError(f"1000 ports between {LOWEST} and {highest} on 127.0.0.1 were tried and none is free")


def _binds(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _ephemeral() -> int:
    """What the kernel would give an outgoing connection: second best, where its range leaves no room below."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port
