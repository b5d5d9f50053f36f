"""What number a named port has: per Pod, so a namespace may know several for one name."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ovnloom.api.meta import Key
from ovnloom.api.pod import Pod


@dataclass(frozen=True, slots=True)
class PortNumber:
    """Some Pod of the namespace has a container port of that name, protocol and number."""

    key: Key
    name: str
    protocol: str
    number: int

    @property
    def namespace(self) -> str:
        return self.key.namespace


def numbers_of(pod: Pod) -> Iterator[PortNumber]:
    """The named ports of a Pod that has an interface of its own."""
    if pod.host_network or pod.finished:
        return
    for name, protocol, number in pod.ports:
        yield PortNumber(Key(f"{name}/{protocol}/{number}", pod.namespace), name, protocol, number)
