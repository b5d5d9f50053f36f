"""One nftables table as a value, and the kernel made equal to it.

Rules are text, as `nft list` shows them. Each is known in the kernel by its comment, which ends with a digest of the
text, so that comparing never depends on how a version of nft prints a rule. Nothing that is right is touched: counters
count on, elements stay, and a table that is as wanted isn't written at all.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import blake2b

MOST_COMMENT = 100
"""Characters of a comment that fit into the kernel's 128 bytes beside the digest."""


@dataclass(frozen=True, slots=True)
class Rule:
    """What a packet has to be and what happens to it, in nft's words, and why."""

    text: str
    comment: str = ""

    @property
    def mark(self) -> str:
        """The comment in the kernel: equal marks are equal rules."""
        digest = blake2b(self.text.encode(), digest_size=6).hexdigest()
        comment = self.comment.replace('"', "'")[:MOST_COMMENT]
        return f"{comment} #{digest}" if comment else f"#{digest}"


@dataclass(frozen=True, slots=True)
class Hook:
    """Where the kernel enters a chain: `type` filter, nat or route; lower priorities come first."""

    type: str
    hook: str
    priority: int
    policy: str = "accept"


@dataclass(frozen=True, slots=True)
class Chain:
    """Rules in their order; without a hook it is entered by jumps only."""

    name: str
    rules: tuple[Rule, ...] = ()
    hook: Hook | None = None


@dataclass(frozen=True, slots=True)
class Set:
    """Elements of a type (`ipv4_addr . inet_proto . inet_service`); a map when `value` is the type of its values.

    Elements are text in canonical form: `10.16.0.0/16`, `10.96.0.1 . tcp . 80 : goto web`, ranges as `a-b`. Elements of
    an interval set must not overlap. Numbers are decimal, ports and marks too. What packets put into a set (`dynamic`)
    is never looked at.
    """

    name: str
    type: str
    elements: frozenset[str] = frozenset()
    flags: frozenset[str] = frozenset()
    value: str = ""
    timeout: int = 0
    """Seconds that an element stays; 0: for ever."""

    @property
    def kind(self) -> str:
        return "map" if self.value else "set"

    @property
    def is_dynamic(self) -> bool:
        return "dynamic" in self.flags

    @property
    def declaration(self) -> str:
        """All but its elements."""
        parts = [f"type {self.type} : {self.value};" if self.value else f"type {self.type};"]
        if self.flags:
            parts.append(f"flags {', '.join(sorted(self.flags))};")
        if self.timeout:
            parts.append(f"timeout {self.timeout}s;")
        return " ".join(parts)


@dataclass(frozen=True, slots=True)
class Table:
    """Everything in one table; names are unique among chains, among sets and maps, and among counters."""

    name: str
    family: str = "inet"
    chains: tuple[Chain, ...] = ()
    sets: tuple[Set, ...] = ()
    counters: frozenset[str] = frozenset()

    def __str__(self) -> str:
        """As one reads it: for golden files and people."""
        return "\n".join(_shown(self)) + "\n"


@dataclass(frozen=True, slots=True)
class Found:
    """A table as the kernel has it: rules by their marks, sets by their declarations."""

    chains: dict[str, tuple[Hook | None, tuple[str, ...]]] = field(default_factory=dict)
    sets: dict[str, Set] = field(default_factory=dict)
    counters: frozenset[str] = frozenset()


def changes(wanted: Table, found: Found | None) -> tuple[str, ...]:
    """The commands, for one transaction, after which the kernel has what is wanted; none when it does already."""
    where = f"{wanted.family} {wanted.name}"
    if found is None:
        return (f"add table {where}", *_changes(where, wanted, Found()))
    if any(_is_other(each, found.sets.get(each.name)) for each in wanted.sets):
        # What a set is can't be changed while rules refer to it.
        return replacement(wanted)
    return tuple(_changes(where, wanted, found))


def replacement(wanted: Table) -> tuple[str, ...]:
    """The commands that make the table anew, whatever there is of that name; its counters begin at 0."""
    where = f"{wanted.family} {wanted.name}"
    return (f"add table {where}", f"delete table {where}", *changes(wanted, None))


def _is_other(wanted: Set, found: Set | None) -> bool:
    if found is None:
        return False
    # nft doesn't say in JSON whether packets may fill a set.
    flags = wanted.flags - {"dynamic"}, found.flags - {"dynamic"}
    return flags[0] != flags[1] or any(
        getattr(wanted, part) != getattr(found, part) for part in ("type", "value", "timeout")
    )


def _changes(where: str, wanted: Table, found: Found) -> Iterator[str]:
    """Names come before who refers to them and go after."""
    emptied = [chain for chain in wanted.chains if not _is_there(chain, found)]
    idle = sorted(found.chains.keys() - {chain.name for chain in wanted.chains})
    for name in sorted(wanted.counters - found.counters):
        yield f"add counter {where} {name}"
    for chain in emptied:
        yield from _emptied(where, chain, found)
    # After the chains: nft sends elements of an interval map together with the map, however far behind they come.
    for each in wanted.sets:
        if each.name not in found.sets:
            yield f"add {each.kind} {where} {each.name} {{ {each.declaration} }}"
    yield from (f"flush chain {where} {name}" for name in idle)
    for each in wanted.sets:
        yield from _element_changes(where, each, found)
    for chain in emptied:
        yield from (f'add rule {where} {chain.name} {rule.text} comment "{rule.mark}"' for rule in chain.rules)
    for name in sorted(found.sets.keys() - {each.name for each in wanted.sets}):
        yield f"delete {found.sets[name].kind} {where} {name}"
    yield from (f"delete chain {where} {name}" for name in idle)
    yield from (f"delete counter {where} {name}" for name in sorted(found.counters - wanted.counters))


def _is_there(chain: Chain, found: Found) -> bool:
    return found.chains.get(chain.name) == (chain.hook, tuple(rule.mark for rule in chain.rules))


def _emptied(where: str, chain: Chain, found: Found) -> Iterator[str]:
    """The chain is there, at its hook, without rules."""
    there = found.chains.get(chain.name)
    if there is not None:
        yield f"flush chain {where} {chain.name}"
        if there[0] == chain.hook:
            return
        yield f"delete chain {where} {chain.name}"
    yield f"add chain {where} {chain.name}{_hooked(chain.hook)}"


def _element_changes(where: str, wanted: Set, found: Found) -> Iterator[str]:
    if wanted.is_dynamic:
        return
    there = found.sets[wanted.name].elements if wanted.name in found.sets else frozenset()
    gone = sorted(element.partition(" : ")[0] for element in there - wanted.elements)
    come = sorted(wanted.elements - there)
    if gone:
        yield f"delete element {where} {wanted.name} {{ {', '.join(gone)} }}"
    if come:
        yield f"add element {where} {wanted.name} {{ {', '.join(come)} }}"


def _hooked(hook: Hook | None) -> str:
    if hook is None:
        return ""
    return f" {{ type {hook.type} hook {hook.hook} priority {hook.priority}; policy {hook.policy}; }}"


def _shown(table: Table) -> Iterator[str]:
    yield f"table {table.family} {table.name} {{"
    for name in sorted(table.counters):
        yield f"  counter {name}"
    for each in table.sets:
        yield f"  {each.kind} {each.name} {{ {each.declaration} }}"
        for element in sorted(each.elements):
            yield f"    {element}"
    for chain in table.chains:
        yield f"  chain {chain.name}{_hooked(chain.hook)}"
        for rule in chain.rules:
            yield f"    {rule.text}" + (f"  # {rule.comment}" if rule.comment else "")
    yield "}"
