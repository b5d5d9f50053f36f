"""What is asked: one new connection, from whom to whom."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from ovnloom.ovn.predicate import ICMP4, ICMP6, SCTP, TCP, UDP

Protocol = Literal["tcp", "udp", "sctp", "icmp"]
Family = Literal[4, 6]

PROTOCOLS: Final[Mapping[Protocol, int]] = {"tcp": TCP, "udp": UDP, "sctp": SCTP, "icmp": ICMP4}
ECHO: Final[Mapping[Family, int]] = {4: 8, 6: 128}
"""ICMP types of a ping."""
EPHEMERAL: Final = 40000
"""Source port of a client that didn't ask for one."""


@dataclass(frozen=True, slots=True)
class Question:
    """The first packet of a connection.

    `source` and `target` are names of Logical_Switch_Ports or addresses; an address that no port has is outside, and
    a packet from there comes in by the port `entry`. `port` is 0 for ICMP, which means a ping. `family` counts where
    both ends are ports: without it the first that both have.
    """

    source: str
    target: str
    protocol: Protocol = "tcp"
    port: int = 0
    family: Family | None = None
    source_port: int = EPHEMERAL
    entry: str = ""

    def number(self, family: Family) -> int:
        """The value of ip.proto."""
        return ICMP6 if self.protocol == "icmp" and family == 6 else PROTOCOLS[self.protocol]

    def ports(self, family: Family) -> tuple[int, int]:
        """Source and destination port, or type and code of a ping."""
        return (ECHO[family], 0) if self.protocol == "icmp" else (self.source_port, self.port)
