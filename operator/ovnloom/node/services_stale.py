"""Clients of UDP go on sending to a backend that is gone until the kernel forgets that they did."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ovnloom import log
from ovnloom.host import conntrack
from ovnloom.host.conntrack import Asked, Flow
from ovnloom.ipam import Family
from ovnloom.node.services_chains import ADDRESSES, PORTS
from ovnloom.node.services_table import Book

logger = log.get("services")

MOST_ASKED = 50
"""Addresses for which conntrack is asked one by one: the kernel finds them, and tells of nothing else. From then on all
rewritten flows are read once; decoding one takes longer than the kernel takes to pass over a hundred."""
Leads = Mapping[tuple[str, str], frozenset[str]]
"""By entrance: the backends to which it leads now; none where it is gone."""


@dataclass(frozen=True, slots=True)
class Gone:
    """Entrances for UDP that lead elsewhere now."""

    leads: Leads = field(default_factory=dict)
    new: frozenset[tuple[str, str]] = frozenset()
    """Those that led nowhere before."""

    def __contains__(self, flow: Flow) -> bool:
        """Whether the flow goes to a backend that it wouldn't be led to now, or to none where there are some now."""
        family: Family = 6 if flow.family == 6 else 4
        address, port = flow.to
        at, everywhere = (ADDRESSES[family], f"{address} . udp . {port}"), (PORTS[family], f"udp . {port}")
        if not flow.is_rewritten:
            return at in self.new
        for place in (at, everywhere):
            if place in self.leads:
                return _text(family, flow.by) not in self.leads[place]
        return False

    @property
    def asked(self) -> tuple[Asked, ...]:
        """What conntrack is to be asked for."""
        return tuple(_asked(*place) for place in sorted({*self.leads, *self.new}))


class Stale:
    """Compares what entrances lead to with what they led to when it was last asked."""

    def __init__(self, book: Book) -> None:
        self._book = book
        self._due: dict[tuple[str, str], frozenset[str]] = {}
        self._new: set[tuple[str, str]] = set()
        self._is_first = True

    def collect(self) -> Gone:
        """What the transaction that is about to be written changes, and what earlier ones did that failed."""
        for place, (before, now) in self._book.datagrams().items():
            if before - now or place in self._due:
                self._due[place] = now
            if now and not before:
                self._new.add(place)
        if self._is_first:
            self._due.update({place: now for place, (_, now) in self._book.datagrams().items()})
            self._new.clear()
        return Gone(dict(self._due), frozenset(self._new))

    async def forget(self, gone: Gone) -> None:
        """The kernel knows no flow any more that goes where nobody would be led now."""
        asked = gone.asked
        if not asked:
            self.begun()
            return
        count = await conntrack.forget(gone.__contains__, *(asked if len(asked) <= MOST_ASKED else ()))
        if count:
            logger.info("stale flows forgotten", flows=count)
        self.begun()

    def begun(self) -> None:
        """Nothing is due, and from now on only changes are."""
        self._due.clear()
        self._new.clear()
        self._is_first = False


def _asked(name: str, key: str) -> Asked:
    *address, _, port = key.split(" . ")
    return Asked(6 if name in (ADDRESSES[6], PORTS[6]) else 4, int(port), *address)


def _text(family: Family, end: tuple[str, int]) -> str:
    address, port = end
    return f"{address}:{port}" if family == 4 else f"[{address}]:{port}"
