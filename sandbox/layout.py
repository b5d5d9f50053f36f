"""What a sandbox consists of: decided when it is brought up first, and kept with it."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from sandbox.fabric import Family

Cni = Literal["none", "bridge"]
FILE = "layout.json"
SERVICES = {"ipv4": "10.96.0.0/12", "ipv6": "fd00:10:96::/112"}
DNS = {"ipv4": "10.96.0.10", "ipv6": "fd00:10:96::a"}


@dataclass(frozen=True)
class Layout:
    """Whether nodes run containers, and how: which families, which network for Pods, with kube-proxy or without.

    With the network `none` nodes stay NotReady until somebody installs one, as ovnloom does.
    """

    kubelets: bool = False
    family: Family = "ipv4"
    cni: Cni = "none"
    kube_proxy: bool = False

    @property
    def services(self) -> tuple[str, ...]:
        """The networks of cluster IPs. Without nodes nobody has to reach them, so there are both."""
        return self._of(SERVICES)

    @property
    def dns(self) -> tuple[str, ...]:
        """The cluster IPs of CoreDNS."""
        return self._of(DNS)

    def record(self, directory: Path) -> None:
        """A later run of Python finds the same layout."""
        (directory / FILE).write_text(json.dumps(asdict(self), indent=2) + "\n")

    def __str__(self) -> str:
        """As options of the command line."""
        if not self.kubelets:
            return "without --kubelets"
        words = [f"--kubelets --family {self.family} --cni {self.cni}", *(["--kube-proxy"] if self.kube_proxy else [])]
        return " ".join(words)

    def _of(self, found: dict[str, str]) -> tuple[str, ...]:
        family = self.family if self.kubelets else "dual"
        return tuple(value for each, value in found.items() if family in ("dual", each))


def recorded(directory: Path) -> Layout | None:
    """The layout of the sandbox in `directory`; None when there is none."""
    try:
        return Layout(**json.loads((directory / FILE).read_text()))
    except FileNotFoundError:
        return None
