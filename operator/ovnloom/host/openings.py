"""Hosts whose firewall lets nothing pass that it doesn't know: what an interface carries passes all the same.

A packet has to be accepted by every table; no rule of ours makes up for a chain of somebody else that drops it. So one
rule for each direction stands at the head of such chains, as `iptables -I` would put it there. Rules that somebody puts
before ours count before ours.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ovnloom import log
from ovnloom.host.nft_kernel import listing, write

logger = log.get("nftables")

COMMENT = "ovnloom"
FAMILIES = frozenset({"ip", "ip6", "inet"})
DIRECTIONS: Mapping[str, tuple[str, ...]] = {"input": ("iifname",), "forward": ("iifname", "oifname")}
"""Hooks that are passed on the way to or through a host, and what an interface is called there."""
CLOSING = frozenset({"drop", "reject"})
BESIDES = frozenset({"counter", "log"})


@dataclass(frozen=True, slots=True)
class Door:
    """A chain of somebody else."""

    family: str
    table: str
    chain: str
    hook: str


def doors(chains: Iterable[Mapping[str, Any]]) -> tuple[Door, ...]:
    """The chains that may keep a packet out, from a listing of all chains; our own tables keep none out."""
    return tuple(
        Door(chain["family"], chain["table"], chain["name"], chain["hook"])
        for chain in chains
        if chain.get("type") == "filter" and chain.get("hook") in DIRECTIONS and chain["family"] in FAMILIES
        if not chain["table"].startswith(COMMENT)
    )


def missing(door: Door, items: Iterable[Mapping[str, Any]], link: str) -> tuple[str, ...]:
    """The commands that open a chain for an interface; none where it is open, or has our rules."""
    items = tuple(items)
    policy = next((item["chain"].get("policy") for item in items if "chain" in item), "accept")
    rules = [item["rule"] for item in items if "rule" in item]
    if policy != "drop" and not (rules and _closes(rules[-1])):
        return ()
    there = {direction for rule in rules if rule.get("comment") == COMMENT for direction in _directions(rule, link)}
    where = f"{door.family} {door.table} {door.chain}"
    return tuple(
        f'insert rule {where} {direction} "{link}" counter accept comment "{COMMENT}"'
        for direction in DIRECTIONS[door.hook]
        if direction not in there
    )


async def make(link: str) -> None:
    """Every chain that is closed lets pass what comes from the interface, and what goes to it through this host."""
    found = doors(item["chain"] for item in await listing("list", "chains") if "chain" in item)
    if not found:
        return
    contents = await asyncio.gather(*(listing("list", "chain", each.family, each.table, each.chain) for each in found))
    commands = [each for door, items in zip(found, contents, strict=True) for each in missing(door, items, link)]
    if commands:
        await write(commands)
        logger.info("host lets the Pods' traffic pass", rules=len(commands), interface=link)


async def unmake() -> None:
    """None of our rules is in anybody else's chain."""
    for door in doors(item["chain"] for item in await listing("list", "chains") if "chain" in item):
        for item in await listing("-a", "list", "chain", door.family, door.table, door.chain):
            if "rule" in item and item["rule"].get("comment") == COMMENT:
                await write([f"delete rule {door.family} {door.table} {door.chain} handle {item['rule']['handle']}"])


def _closes(rule: Mapping[str, Any]) -> bool:
    words = {word for part in rule["expr"] for word in part}
    return bool(words & CLOSING) and words <= CLOSING | BESIDES


def _directions(rule: Mapping[str, Any], link: str) -> Iterable[str]:
    for part in rule["expr"]:
        match = part.get("match", {})
        if match.get("right") == link:
            yield match["left"].get("meta", {}).get("key", "")
