"""The kernel's nftables: read as JSON, written as one transaction, through the `nft` program."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from ovnloom import log
from ovnloom.errors import Refused, Unavailable
from ovnloom.host.nft import Found, Hook, Set, Table, changes, replacement

logger = log.get("nftables")

NFT = "nft"
SECONDS = 30.0
"""How long one run of nft may take: 100,000 elements take about one."""
PROTOCOLS = {6: "tcp", 17: "udp", 132: "sctp"}
"""nft would take the words from /etc/protocols, which images don't have; so it is told to print numbers."""
OWN: deque[int] = deque(maxlen=256)
"""Processes that write for us, or did a moment ago: what they change is no news to us."""


class Count(NamedTuple):
    """What a named counter has seen."""

    packets: int
    octets: int


async def apply(wanted: Table) -> bool:
    """The kernel has this table as it is wanted; whether anything had to change for that.

    It changes in one transaction: no packet sees a half of it. Raises Refused with nft's words when it can't be.
    """
    found = await read(wanted.name, wanted.family)
    commands = changes(wanted, found)
    if not commands:
        return False
    try:
        await write(commands)
    except Refused as refused:
        # Somebody else changed it meanwhile, or it has something that no diff gets rid of.
        logger.warning("table is made anew", table=wanted.name, reason=refused.reason)
        await write(replacement(wanted))
    logger.info("table changed", table=wanted.name, commands=len(commands))
    return True


async def remove(name: str, family: str = "inet") -> None:
    """There is no such table."""
    await write((f"add table {family} {name}", f"delete table {family} {name}"))


async def read(name: str, family: str = "inet") -> Found | None:
    """The table of this name as the kernel has it, or None."""
    found = await listing("-n", "list", "table", family, name)
    return found_in(found) if found else None


async def counters(name: str, family: str = "inet") -> Mapping[str, Count]:
    """The named counters of a table; none while there is no such table."""
    items = await listing("list", "counters", "table", family, name)
    found = (item["counter"] for item in items if "counter" in item)
    return {item["name"]: Count(item["packets"], item["bytes"]) for item in found}


async def listing(*words: str) -> list[Mapping[str, Any]]:
    """What nft lists for these words; nothing when there is no such thing."""
    code, said, wrong = await _run("-j", *words)
    if code and "No such file" not in wrong:
        raise Unavailable(f"nft {' '.join(words)}: {wrong}")
    return [] if code else [item for item in json.loads(said)["nftables"] if "metainfo" not in item]


async def write(commands: Iterable[str]) -> None:
    """All commands have taken effect, or none, and Refused says nft's words."""
    code, _, wrong = await _run("-f", "-", script="\n".join(commands) + "\n")
    if code:
        raise Refused(f"nftables: {wrong}")


def found_in(items: Iterable[Mapping[str, Any]]) -> Found:
    """What a listing of one table says."""
    hooks, marks, sets, names = dict[str, Hook | None](), dict[str, list[str]](), dict[str, Set](), set[str]()
    for item in items:
        ((kind, content),) = item.items()
        if kind == "chain":
            hooks[content["name"]] = _hook(content)
        elif kind in ("set", "map"):
            sets[content["name"]] = _set(content)
        elif kind == "counter":
            names.add(content["name"])
        elif kind == "rule":
            marks.setdefault(content["chain"], []).append(content.get("comment", ""))
    chains = {name: (hook, tuple(marks.get(name, ()))) for name, hook in hooks.items()}
    return Found(chains, sets, frozenset(names))


def _hook(content: Mapping[str, Any]) -> Hook | None:
    if "hook" not in content:
        return None
    return Hook(content["type"], content["hook"], content["prio"], content.get("policy", "accept"))


def _set(content: Mapping[str, Any]) -> Set:
    keys, values = _types(content["type"]), _types(content.get("map", ""))
    return Set(
        name=content["name"],
        type=" . ".join(keys),
        elements=frozenset(_element(keys, values, item) for item in content.get("elem", ())),
        flags=_flags(content.get("flags", ())),
        value=" . ".join(values),
        timeout=content.get("timeout", 0),
    )


def _flags(found: Any) -> frozenset[str]:
    """Some versions of nft make a list of them, some a word where there is one only."""
    return frozenset((found,) if isinstance(found, str) else found)


def _types(found: Any) -> list[str]:
    """The types of a concatenation; of keys nft makes a list, of values it makes text."""
    return found if isinstance(found, list) else str(found).split(" . ")


def _element(keys: list[str], values: list[str], item: Any) -> str:
    if isinstance(item, list):  # of a map
        return f"{_words(keys, item[0])} : {_words(values, item[1])}"
    return _words(keys, item)


def _words(types: list[str], item: Any) -> str:
    """One side of an element; the parts of a concatenation have a type each."""
    if not isinstance(item, dict):
        return PROTOCOLS.get(item, str(item)) if types == ["inet_proto"] else str(item)
    ((kind, content),) = item.items()
    match kind:
        case "elem":
            return _words(types, content["val"])
        case "prefix":
            return f"{content['addr']}/{content['len']}"
        case "range":
            return "-".join(_words(types, end) for end in content)
        case "concat":
            return " . ".join(_words([each], part) for each, part in zip(types, content, strict=True))
        case "goto" | "jump":
            return f"{kind} {content['target']}"
    return str(kind)  # accept, drop, return: verdicts without content


async def _run(*arguments: str, script: str = "") -> tuple[int, bytes, str]:
    pipe = asyncio.subprocess.PIPE
    try:
        running = await asyncio.create_subprocess_exec(NFT, *arguments, stdin=pipe, stdout=pipe, stderr=pipe)
    except FileNotFoundError as problem:
        raise Refused("the program nft is missing; install nftables") from problem
    OWN.append(running.pid)
    try:
        async with asyncio.timeout(SECONDS):
            said, wrong = await running.communicate(script.encode())
    except TimeoutError as problem:
        raise Unavailable(f"nft {' '.join(arguments)}: no end in {SECONDS:g} s") from problem
    finally:
        if running.returncode is None:
            running.kill()
    return running.returncode or 0, said, " ".join(wrong.decode(errors="replace").split())
