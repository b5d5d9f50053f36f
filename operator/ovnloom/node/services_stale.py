"""Clients of UDP go on sending to a backend that is gone until the kernel forgets that they did."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ovnloom import log
from ovnloom.host import conntrack
from ovnloom.host.conntrack import Flow
from ovnloom.ipam import Family
from ovnloom.node.services_chains import ADDRESSES, PORTS
from ovnloom.node.services_table import Book

logger = log.get("services")

MOST_ASKED = 100
"""Addresses that are new at once and yet are looked up in conntrack; at a start all are new."""
Leads = Mapping[tuple[str, str], frozenset[str]]
"""By entrance: the backends to which it leads now; none where it is gone."""


@dataclass(frozen=True, slots=True)
class Gone:
    """Entrances for UDP that lead elsewhere now."""

    leads: Leads = field(default_factory=dict)
    new: frozenset[tuple[str, str]] = frozenset()
    """Those that led nowhere before."""

    def __contains__(self, flow: Flow) -> bool:
        """Whether the flow goes to a backend that it wouldn't be led to now."""
        family: Family = 6 if flow.family == 6 else 4
        address, port = flow.to
        for place in ((ADDRESSES[family], f"{address} . udp . {port}"), (PORTS[family], f"udp . {port}")):
            if place in self.leads:
                return _text(family, flow.by) not in self.leads[place]
        return False


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
        count = 0
        if gone.leads:
            count = await conntrack.forget_rewritten(gone.__contains__)
        new = [key for name, key in gone.new if name in ADDRESSES.values()]
        for key in new if len(new) <= MOST_ASKED else ():
            address, _, port = key.split(" . ")
            count += await conntrack.forget_unwritten(address, int(port))
        if count:
            logger.info("stale flows forgotten", flows=count)
        self._due.clear()
        self._new.clear()
        self._is_first = False


def _text(family: Family, end: tuple[str, int]) -> str:
    address, port = end
    return f"{address}:{port}" if family == 4 else f"[{address}]:{port}"
