"""The bars that a release has to meet, and the lines of a result that are held against them."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

TIMES_THE_FLOOR = 1.3
LAST_TO_FIRST = 1.15
CPU_MS_A_POD = 3.5
RSS_MIB = 200.0
RSS_PODS = 4200
"""Pods at which memory and restart are held against their bars."""
RESTART_SECONDS = 3.0
FULL_SECONDS = 6.0
FULL_MIB = 1024.0
CHANGE_MS = 1.0
POLICIES_SECONDS = 60.0
POLICIES_MIB = 6 * 1024.0
LABEL_MS = 5.0
TEAM_MS = 200.0
SERVICES_SECONDS = 20.0
ENDPOINT_MS = 2.0
CONTROLLER_SHARE = 20.0
"""Percent of the CPU that the controller, ovn-northd and the databases spend together."""
TIMES_BRIDGE = 1.25
ADD_MS = 100.0
ADD_SLOW_MS = 250.0
"""For one ADD of a hundred, in a burst of 50 Pods on a node."""
OWN_MS = 40.0
DOCKER_TIMES = 1.2
ENDPOINT_JOIN_MS = 60.0


@dataclass(frozen=True, slots=True)
class Line:
    """One figure of a result. Without a bar it is there to be compared with other runs."""

    name: str
    value: float
    unit: str
    bar: float | None = None
    """The most that it may be."""

    @property
    def is_met(self) -> bool:
        return self.bar is None or self.value <= self.bar

    def encode(self) -> dict[str, Any]:
        return {**asdict(self), "met": self.is_met}
