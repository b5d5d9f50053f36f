"""One interface of a container, as it should be: values only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from ipaddress import IPv4Interface, IPv6Interface

Address = IPv4Interface | IPv6Interface
LONGEST_SHOWN = 4
"""Characters of an interface's name that the name of its host's end (15 at most) shows, such as net1."""


@dataclass(frozen=True, slots=True, order=True)
class Route:
    """A route of a container; `gateway` is empty when the destination is on the link."""

    destination: str
    """A CIDR; a default route is 0.0.0.0/0 or ::/0."""
    gateway: str = ""

    @property
    def is_default(self) -> bool:
        return self.destination in ("0.0.0.0/0", "::/0")


@dataclass(frozen=True, slots=True)
class Limits:
    """What a port lets through. Rates in bit/s, times in microseconds; None: no limit."""

    out_rate: int | None = None
    """From the container: what is more is dropped at its port."""
    out_burst: int | None = None
    in_rate: int | None = None
    """To the container: what is more waits in a queue."""
    in_burst: int | None = None
    """As Open vSwitch takes it."""
    latency: int = 0
    jitter: int = 0
    queue: int = 0
    """Packets that may wait for their latency."""
    loss: str = ""
    """Per cent of packets that are lost, as written."""

    @property
    def is_shaped(self) -> bool:
        """Whether packets to the container wait or get lost on purpose."""
        return self.in_rate is not None or self.is_disturbed

    @property
    def is_disturbed(self) -> bool:
        return bool(self.latency or self.jitter or self.queue or self.loss)


@dataclass(frozen=True, slots=True)
class Wire:
    """A veth pair between a port of Open vSwitch and a container."""

    host: str
    """Name of the host's end, which is the port's."""
    name: str
    """Name of the container's end."""
    mac: str
    mtu: int
    """Bytes; 0 leaves the kernel's default."""
    addresses: tuple[Address, ...] = ()
    routes: tuple[Route, ...] = ()
    ids: Mapping[str, str] = field(default_factory=dict)
    """external_ids of the Interface row."""
    limits: Limits = Limits()
    is_probed: bool = False
    """Others might have its addresses: the kernel and we ask before they are used."""


def host_name(container: str, name: str) -> str:
    """The host's end of a container's interface: the same for each call about it, and different for every other.

    Of a long name so much would have to fit that the containers' parts are alike; it is hashed with the container.
    """
    if name == "eth0":
        return f"{container[:12]}_h"
    if len(name) <= LONGEST_SHOWN:
        return f"{container[: 12 - len(name)]}_{name}_h"
    return f"{sha256(f'{container}/{name}'.encode()).hexdigest()[:12]}_h"
