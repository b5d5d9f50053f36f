"""Names for what a trace has numbers for: whose row a flow comes from, and what ports and groups are called."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from ovnloom.cli.bindings import Bindings, said
from ovnloom.cli.ovn_tools import Row, Tools
from ovnloom.cli.trace_read import Flow, Traced
from ovnloom.ovn import names

TABLES = (
    ("_acl", "ACL"),
    ("_policy", "Logical_Router_Policy"),
    ("_routing", "Logical_Router_Static_Route"),
    ("snat", "NAT"),
    ("dnat", "Load_Balancer"),
    ("_lb", "Load_Balancer"),
    ("_nat", "NAT"),
)
"""What the flows of a stage, by a part of its name, are made of; the first that fits counts."""
KINDS = {
    "ACL": "ACL",
    "Logical_Router_Policy": "router policy",
    "Logical_Router_Static_Route": "static route",
    "NAT": "NAT rule",
    "Load_Balancer": "load balancer",
}
MATCHING = frozenset({"ACL", "Logical_Router_Policy"})
"""Tables whose rows have a match of their own."""
GROUP = re.compile(r"([@$])([A-Za-z_.][A-Za-z0-9_.]*)")
AUTOMATIC = re.compile(r"_ip[46]$")
"""OVN itself keeps the addresses of each group in two sets with its name and this."""
HINT = "stage-hint"
"""External id of a southbound flow: the first eight digits of the northbound row that it comes from."""
QUOTED = re.compile(r'(dp=)?"([^"]+)"')
SOURCE = re.compile(r" \([a-z-]+\.c:\d+\)")
UUID = re.compile(r", uuid ([0-9a-f]+)$")
INPORT = re.compile(r"\breg14=0x[0-9a-f]+")


class Cause(NamedTuple):
    """The northbound row behind a flow."""

    table: str
    owner: str
    """`NetworkPolicy/shop/deny`; empty for rows that aren't ovnloom's."""
    rule: str
    """The field of its owner that it stands for."""
    match: str = ""
    """As the row has it; what a flow has besides is how OVN works."""

    @property
    def label(self) -> str:
        """Whose it is, for people."""
        if not self.owner:
            return f"{KINDS[self.table]} of nobody that ovnloom knows"
        return f"{KINDS[self.table]} of {said(self.owner)}" + (f", {self.rule}" if self.rule else "")


@dataclass(frozen=True, slots=True)
class Names:
    """The names for one trace."""

    bindings: Bindings
    causes: Mapping[str, Cause] = field(default_factory=dict)
    """By the first digits of the flow."""
    groups: Mapping[str, str] = field(default_factory=dict)
    start: str = ""
    """The port where the packet comes in, which the first line has a number for."""

    def cause(self, flow: Flow) -> Cause | None:
        """The row that a flow comes from; None for flows that every network has."""
        return self.causes.get(flow.uuid)

    def group(self, name: str) -> str:
        """Whose a Port_Group or Address_Set is, or what its Pods have in common; empty when nobody knows."""
        return self.groups.get(AUTOMATIC.sub("", name)) or self.groups.get(name, "")

    def translate(self, text: str) -> Iterator[str]:
        """The trace, line by line, with names for numbers."""
        start = ""
        for line in text.splitlines():
            if line and not line.strip("-"):
                yield "-" * len(start)
                continue
            start = self._line(line)
            yield start

    def _line(self, line: str) -> str:
        found = UUID.search(line)
        line = UUID.sub("", SOURCE.sub("", line))
        if line.startswith("#"):
            return INPORT.sub(f'inport="{self.start}"', line)
        line = QUOTED.sub(self._quoted, line)
        line = GROUP.sub(self._group, line)
        cause = self.causes.get(found[1]) if found else None
        return f"{line}  <- {cause.label}" if cause else line

    def _quoted(self, found: re.Match[str]) -> str:
        if found[1]:
            return f'dp="{self.bindings.datapath_label(found[2])}"'
        port = self.bindings.ports.get(found[2])
        return f'"{port.label}"' if port else found[0]

    def _group(self, found: re.Match[str]) -> str:
        words = self.group(found[2])
        return f'{found[1]}"{words}"' if words else found[0]


def find(tools: Tools, bindings: Bindings, traced: Traced, start: str) -> Names:
    """The names for what the trace mentions, and for nothing else. Raises Wrong."""
    flows = {flow.uuid: flow for flow in traced.flows if flow.uuid}
    hints: dict[str, dict[str, list[str]]] = {}
    for row in tools.sb_rows("Logical_Flow", ("_uuid", "external_ids"), *flows) if flows else ():
        hint, flow = row["external_ids"].get(HINT, ""), flows.get(row["_uuid"][:8])
        table = _table(flow.stage) if flow else ""
        if hint and flow and table:
            hints.setdefault(table, {}).setdefault(hint, []).append(flow.uuid)
    causes: dict[str, Cause] = {}
    for table, found in hints.items():
        columns = ("_uuid", "external_ids", *(("match",) if table in MATCHING else ()))
        for row in tools.nb_rows(table, columns, *found):
            ids, match = row["external_ids"], row.get("match", "")
            for uuid in found.get(row["_uuid"][:8], ()):
                causes[uuid] = Cause(table, ids.get(names.OWNER, ""), ids.get(names.KEY_RULE, ""), match)
    return Names(bindings, causes, _groups(tools, traced.text), start)


def _table(stage: str) -> str:
    return next((table for part, table in TABLES if part in stage), "")


def _groups(tools: Tools, text: str) -> dict[str, str]:
    """By the name of a group or set whose it is; groups of one selection are said by what its Pods have in common."""
    mentioned = {name for _, name in GROUP.findall(text)}
    asked = sorted(mentioned | {AUTOMATIC.sub("", name) for name in mentioned})
    if not asked:
        return {}
    rows: Iterable[Row] = [
        *tools.nb_rows("Address_Set", ("name", "external_ids"), *asked),
        *tools.nb_rows("Port_Group", ("name", "external_ids"), *asked),
    ]
    found = {}
    for row in rows:
        ids = row["external_ids"]
        words = ids.get(names.KEY_SELECTION) or said(ids.get(names.OWNER, ""))
        if words:
            found[row["name"]] = words
    return found
