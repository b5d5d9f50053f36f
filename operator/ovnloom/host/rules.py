"""Rules of this host that choose a table of routes by the sender (`ip rule`)."""

from __future__ import annotations

import errno
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from pyroute2 import AsyncIPRoute
from pyroute2.netlink.exceptions import NetlinkError

from ovnloom import log
from ovnloom.host.routes import OURS

logger = log.get("routes")

FAMILIES = (socket.AF_INET, socket.AF_INET6)


@dataclass(frozen=True, slots=True, order=True)
class Rule:
    """Packets from a network are routed by a table; lower priorities come first."""

    priority: int
    source: str
    table: int

    @property
    def family(self) -> int:
        return socket.AF_INET6 if ":" in self.source else socket.AF_INET


async def ours() -> frozenset[Rule]:
    """The rules that we made."""
    found: set[Rule] = set()
    async with AsyncIPRoute() as kernel:
        for family in FAMILIES:
            async for message in await kernel.get_rules(family=family):
                said = message.get_attr
                if said("FRA_PROTOCOL") == OURS and said("FRA_SRC"):
                    source = f"{said('FRA_SRC')}/{message['src_len']}"
                    found.add(Rule(said("FRA_PRIORITY") or 0, source, said("FRA_TABLE") or 0))
    return frozenset(found)


async def change(add: Iterable[Rule], remove: Iterable[Rule]) -> None:
    """The rules are there, or gone; new ones come first, so that no packet falls between."""
    async with AsyncIPRoute() as kernel:
        for rule in sorted(add):
            await _do(kernel, "add", rule, errno.EEXIST)
        for rule in sorted(remove):
            await _do(kernel, "del", rule, errno.ENOENT)


async def _do(kernel: AsyncIPRoute, verb: str, rule: Rule, harmless: int) -> None:
    words: dict[str, Any] = {"priority": rule.priority, "src": rule.source, "table": rule.table, "family": rule.family}
    try:
        await kernel.rule(verb, **words, protocol=OURS)
    except NetlinkError as problem:
        if problem.code != harmless:
            raise
    else:
        logger.info("rule changed", verb=verb, source=rule.source, table=rule.table, priority=rule.priority)
