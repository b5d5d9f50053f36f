"""What a part of the agent is: one thing that this host should have, kept as the cluster says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from ovnloom.host.ovs import OpenVSwitch
from ovnloom.kube.client import Client
from ovnloom.kube.events import Events
from ovnloom.node.view import View
from ovnloom.settings import NodeSettings


class Part(Protocol):
    """One thing that this host should have."""

    @property
    def name(self) -> str:
        """The label of its metrics and its key in the log."""
        ...

    @property
    def wakes(self) -> frozenset[type]:
        """The kinds whose change calls `converge`."""
        ...

    @property
    def is_vital(self) -> bool:
        """Whether no Pod can get a network before this has converged once."""
        ...

    async def converge(self, view: View) -> None:
        """This host has what the view says; what is right already isn't touched.

        It is called with complete views only. Raises Unavailable (called again, ever later) or Refused (told, and
        called again when something changes).
        """
        ...


@runtime_checkable
class Following(Protocol):
    """A part that hears of changes which the watches don't show: somebody removed a route, a link came up."""

    async def follow(self, wake: Callable[[], None]) -> None:
        """Runs beside the part for as long as the agent lives; `wake` makes it converge again."""
        ...


@dataclass(slots=True)
class Findings:
    """What parts found out about this host that others need."""

    pod_mtu: int = 0
    """Bytes; what fits into the tunnel. 0 until the part that knows the tunnel has found it."""
    followers: list[Callable[[], None]] = field(default_factory=list)
    """Called when something here changes."""

    def found_mtu(self, pod_mtu: int) -> None:
        """Everybody knows what fits into the tunnel now."""
        if pod_mtu != self.pod_mtu:
            self.pod_mtu = pod_mtu
            for follower in self.followers:
                follower()


@dataclass(frozen=True, slots=True)
class Means:
    """What a part may use."""

    name: str
    """This node's."""
    settings: NodeSettings
    client: Client
    events: Events
    ovs: OpenVSwitch
    findings: Findings = field(default_factory=Findings)


Make = Callable[[Means], Part]
