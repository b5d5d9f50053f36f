"""What an agent of Kube-OVN left in the tables of iptables: its rules would go on with sets that nobody fills."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ovnloom import log
from ovnloom.host.nft_kernel import listing, write

logger = log.get("nftables")

FAMILIES = frozenset({"ip", "ip6"})
TABLES = frozenset({"nat", "mangle"})
PREFIX = "OVN-"


def chains_of(items: Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
    """The chains of that agent in a listing of all chains, each with its family and table."""
    return tuple(
        f"{chain['family']} {chain['table']} {chain['name']}"
        for chain in (item["chain"] for item in items if "chain" in item)
        if chain["family"] in FAMILIES and chain["table"] in TABLES and chain["name"].startswith(PREFIX)
    )


async def empty_chains() -> tuple[str, ...]:
    """These chains have no rules; which ones had been there. Jumps to them do nothing then."""
    found = chains_of(await listing("list", "chains"))
    if found:
        await write([f"flush chain {each}" for each in found])
        logger.info("rules of an earlier agent removed", chains=found)
    return found
