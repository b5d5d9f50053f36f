"""A scene of the tour: one thing that a cluster network has to do, and the packets that prove it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from demo.tour.place import Place


@dataclass(frozen=True)
class Seen:
    """One packet, or exchange of packets: who asked whom, what came of it, and what that proves."""

    what: str
    came: str
    proves: str
    right: bool


@dataclass(frozen=True)
class Scene:
    """`play` applies the manifests of `file`, sends packets, and says of each what was seen."""

    name: str
    title: str
    words: str
    play: Callable[[Place], Iterator[Seen]]
