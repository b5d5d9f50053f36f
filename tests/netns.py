"""Network namespaces for tests: empty ones, wires between them, and code that runs inside.

What runs inside is this very process: a socket stays in the namespace in which it was made, and so does a program that
was started there.
"""

from __future__ import annotations

import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from secrets import token_hex

from pyroute2 import netns

PREFIX = "loomtest-"


def ip(words: str) -> str:
    """What `ip` prints in the namespace where this happens."""
    return subprocess.run(["ip", *words.split()], check=True, capture_output=True, text=True).stdout


@contextmanager
def namespace() -> Iterator[str]:
    """A network namespace with nothing but `lo`, by name; gone afterwards."""
    name = PREFIX + token_hex(4)
    netns.create(name)
    try:
        with inside(name):
            ip("link set lo up")
            _write("ipv6/conf/default/accept_dad", "0")  # nobody else is on any wire; addresses can be used at once
        yield name
    finally:
        netns.remove(name)


@contextmanager
def inside(name: str) -> Iterator[None]:
    """What happens meanwhile happens in that namespace."""
    netns.pushns(name)
    try:
        yield
    finally:
        netns.popns()


def wire(near: str, near_link: str, far: str, far_link: str = "eth0", mtu: int = 1500) -> None:
    """Two namespaces have a link to each other, up."""
    with inside(near):
        ip(f"link add {near_link} mtu {mtu} type veth peer name {far_link} mtu {mtu} netns {far}")
        ip(f"link set {near_link} up")
    with inside(far):
        ip(f"link set {far_link} up")


def address(name: str, link: str, *addresses: str) -> None:
    """A link has these addresses (`10.0.0.1/24`), usable at once."""
    with inside(name):
        for each in addresses:
            ip(f"address add {each} dev {link}")


def route(name: str, to: str, via: str) -> None:
    """A namespace reaches a network through a neighbour."""
    with inside(name):
        ip(f"route add {to} via {via}")


def forward(name: str) -> None:
    """A namespace passes packets on, as a node does."""
    with inside(name):
        for path in ("ipv4/ip_forward", "ipv6/conf/all/forwarding"):
            _write(path, "1")


def _write(path: str, value: str) -> None:
    Path("/proc/sys/net", path).write_text(value)


def listener(name: str, at: str, port: int = 0) -> socket.socket:
    """A TCP socket of a namespace that waits for connections."""
    with inside(name):
        made = socket.create_server((at, port), family=socket.AF_INET6 if ":" in at else socket.AF_INET)
    made.settimeout(10)
    return made


def seen_from(server: socket.socket, name: str, to: str, own: str = "") -> str | None:
    """The address from which a connection out of a namespace arrives; None when it doesn't within a second."""
    family = socket.AF_INET6 if ":" in to else socket.AF_INET
    with inside(name), socket.socket(family, socket.SOCK_STREAM) as client:
        client.settimeout(1)
        if own:
            client.bind((own, 0))
        try:
            client.connect((to, server.getsockname()[1]))
        except OSError:
            return None
        came, (peer, *_) = server.accept()
        came.close()
        return str(peer)
