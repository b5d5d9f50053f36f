"""The ACLs of a switch: which of them decides about a packet."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal, NamedTuple

from ovnloom.intent import Owner, Row
from ovnloom.ovn.predicate import Numbers, Packet, References, Test, predicate
from ovnloom.ovn.tokens import Unreadable
from ovnloom.verdict.contents import Contents, mapping
from ovnloom.verdict.layout import Layout, Port, Switch
from ovnloom.verdict.values import Step

Direction = Literal["from-lport", "after-lb", "to-lport"]
ALLOWING = frozenset({"allow", "allow-related", "allow-stateless"})
STATEFUL = "allow-related"


class Acl(NamedTuple):
    """An ACL as one switch has it."""

    tier: int
    priority: int
    action: str
    test: Test
    row: Row
    owner: Owner | None
    ports: tuple[tuple[str, frozenset[str]], ...]
    """Fields and port names of which one must be the packet's, where the match says so."""


class Decision(NamedTuple):
    """What the ACLs of one stage say: allowed or not, and how."""

    action: str
    acl: Acl | None
    words: str

    @property
    def is_allowed(self) -> bool:
        """Whether the packet goes on."""
        return self.action in ALLOWING


_BY_DEFAULT = Decision("allow", None, "no ACL matches: allowed")


class Filter:
    """All ACLs by switch and port. An ACL of a port group counts on every switch where the group has a port."""

    def __init__(self, contents: Contents, layout: Layout) -> None:
        self._layout = layout
        self._own: dict[str, list[tuple[Owner | None, Row]]] = {}
        self._of_groups: dict[str, list[tuple[Owner | None, Row]]] = {}
        for owner, row in contents.table("ACL"):
            if row.parent is not None:
                place = self._own if row.parent.table == "Logical_Switch" else self._of_groups
                place.setdefault(row.parent.name, []).append((owner, row))
        self.groups: dict[str, frozenset[str]] = {}
        self.groups_of: dict[str, list[str]] = {}
        for _, row in contents.table("Port_Group"):
            self.groups[row.name] = frozenset(ref[1] for ref in contents.elements(row, "ports"))
            for port in self.groups[row.name]:
                self.groups_of.setdefault(port, []).append(row.name)
        self.sets = self._sets(contents)
        self.unread: dict[str, list[tuple[Row, str]]] = {}
        """By switch, ACLs that OVN drops there, and why."""
        self._of_switch: dict[str, Mapping[Direction, list[Acl]]] = {}
        self._of_port: dict[tuple[str, Direction], tuple[Acl, ...]] = {}
        self._stateful: dict[str, bool] = {}

    def _sets(self, contents: Contents) -> dict[str, Numbers]:
        found: dict[str, Numbers] = {}
        ports = self._layout.ports
        for group, members in self.groups.items():
            for family in (4, 6):
                numbers = found[f"{group}_ip{family}"] = Numbers()
                for name in members:
                    port = ports.get(name)
                    if port is not None:
                        for kind, value in port.addresses:
                            if kind == family:
                                numbers.add(value)
        for _, row in contents.table("Address_Set"):
            found[row.name] = Numbers(map(str, contents.elements(row, "addresses")))
        return found

    def references(self, switch: Switch) -> References:
        """What matches can name on a switch: a group without a port there isn't there."""
        found: dict[str, frozenset[str]] = {}
        for port in switch.ports:
            for group in self.groups_of.get(port, ()):
                found[group] = self.groups[group]
        return References(self.sets, found)

    def acls(self, switch: Switch, direction: Direction) -> list[Acl]:
        """The ACLs of a switch in the order in which they are asked."""
        return self._compiled(switch)[direction]

    def is_stateful(self, switch: Switch) -> bool:
        """Whether connections are tracked because of an ACL."""
        found = self._stateful.get(switch.name)
        if found is None:
            every = self._compiled(switch).values()
            found = self._stateful[switch.name] = any(acl.action == STATEFUL for acls in every for acl in acls)
        return found

    def _compiled(self, switch: Switch) -> Mapping[Direction, list[Acl]]:
        found = self._of_switch.get(switch.name)
        if found is None:
            references = self.references(switch)
            found = {"from-lport": [], "after-lb": [], "to-lport": []}
            rows = list(self._own.get(switch.name, ()))
            for group in references.groups:
                rows += self._of_groups.get(group, ())
            for owner, row in rows:
                self._add(switch, found, references, owner, row)
            for acls in found.values():
                acls.sort(key=lambda acl: (acl.tier, -acl.priority))
            self._of_switch[switch.name] = found
        return found

    def _add(
        self,
        switch: Switch,
        found: Mapping[Direction, list[Acl]],
        references: References,
        owner: Owner | None,
        row: Row,
    ) -> None:
        columns = row.columns
        direction: Direction = "to-lport"
        if columns.get("direction") == "from-lport":
            is_after = mapping(row, "options").get("apply-after-lb") == "true"
            direction = "after-lb" if is_after else "from-lport"
        try:
            read = predicate(str(columns.get("match", "")))
        except Unreadable as unreadable:
            self.unread.setdefault(switch.name, []).append((row, str(unreadable)))
            return
        why = read.unread(references)
        if why:
            self.unread.setdefault(switch.name, []).append((row, why))
            return
        ports = tuple((field, _members(names, references)) for field, names in read.ports)
        found[direction].append(
            Acl(
                int(columns.get("tier") or 0),  # type: ignore[arg-type]  # a number in every row of ours
                int(columns.get("priority") or 0),  # type: ignore[arg-type]
                str(columns.get("action")),
                read.bind(references),
                row,
                owner,
                ports,
            )
        )

    def _relevant(self, port: Port, direction: Direction) -> tuple[Acl, ...]:
        place = (port.name, direction)
        found = self._of_port.get(place)
        if found is None:
            field = "outport" if direction == "to-lport" else "inport"
            found = self._of_port[place] = tuple(
                acl
                for acl in self.acls(port.switch, direction)
                if all(name != field or port.name in names for name, names in acl.ports)
            )
        return found

    def decide(self, port: Port, direction: Direction, packet: Packet) -> Decision:
        """What becomes of a packet that enters (from-lport) or leaves (to-lport) by the port.

        In each tier the match with the highest priority decides; `pass`, or none, leaves it to the next tier. Where two
        of one priority disagree OVN takes either, so the stricter one is taken here.
        """
        acls = self._relevant(port, direction)
        passed = -1
        for at, acl in enumerate(acls):
            if acl.tier == passed or not acl.test(packet):
                continue
            rivals = self._rivals(acls, at, packet)
            if rivals:
                acl = _strictest((acl, *rivals))
                words = f"{len(rivals) + 1} ACLs of one priority disagree, which OVN leaves undefined: {acl.action}"
            else:
                words = acl.action
            if acl.action != "pass":
                return Decision(acl.action, acl, words)
            passed = acl.tier
        return _BY_DEFAULT

    @staticmethod
    def _rivals(acls: tuple[Acl, ...], at: int, packet: Packet) -> list[Acl]:
        first = acls[at]
        rivals = []
        for other in acls[at + 1 :]:
            if (other.tier, other.priority) != (first.tier, first.priority):
                break
            if _kind(other) != _kind(first) and other.test(packet):
                rivals.append(other)
        return rivals

    def is_stateless(self, port: Port, packet: Packet, *directions: Direction) -> bool:
        """Whether an allow-stateless ACL keeps the packet out of connection tracking, and of load balancing with it."""
        return any(
            acl.action == "allow-stateless" and acl.test(packet)
            for direction in directions
            for acl in self._relevant(port, direction)
        )


def _members(names: Iterable[str], references: References) -> frozenset[str]:
    found: set[str] = set()
    for name in names:
        found.update(references.groups[name[1:]] if name.startswith("@") else (name,))
    return frozenset(found)


def _kind(acl: Acl) -> str:
    return "allow" if acl.action in ALLOWING else acl.action


def _strictest(acls: Iterable[Acl]) -> Acl:
    return min(acls, key=lambda acl: {"drop": 0, "reject": 1, "pass": 2}.get(acl.action, 3))


def step(direction: Direction, switch: Switch, decision: Decision) -> Step:
    """The decision as a step of the trace."""
    acl = decision.acl
    if acl is None:
        return Step(direction, switch.name, decision.words)
    return Step(direction, switch.name, decision.words, acl.row, acl.owner)
