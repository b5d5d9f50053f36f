"""What `ovn-trace` prints, read: each flow that the packet met, where it came out, and what stopped it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

PLACE = re.compile(r'^(ingress|egress)\(dp="([^"]*)", inport="([^"]*)"(?:, outport="([^"]*)")?\)')
STAGE = re.compile(r"^ *\d+\. (\w+)(?: \([^)]*\))?: (.*), priority (\d+)(?:, uuid ([0-9a-f]+))?$")
OUTPUT = re.compile(r'output to "([^"]+)", type "([^"]*)"')
DROP = re.compile(r"^(?:drop;|reg8\[17\] = 1;|log\(.*verdict=drop)")
REJECT = re.compile(r"^(?:reject|tcp_reset|icmp[46]_error|reg8\[18\] = 1;|log\(.*verdict=reject)")
"""Bits 17 and 18 of reg8 are how an ACL tells the stage after it to drop or reject, where the trace just ends."""
QUESTION = re.compile(r"^(?:arp|nd_ns) *\{")
"""A router asks who has the next hop; the way of that other packet stands indented below. Where the packet itself goes
no further (OVN 23.03) the question's way isn't indented."""
ASKED = frozenset({"arp", "nd_ns"})
"""Headings of the way of a question."""
REPLY = re.compile(r"^(?:reject|tcp_reset|sctp_abort|icmp[46](?:_error)?) *\{")
"""The packet ends, and what follows is the way of an answer to its sender."""
HEADING = re.compile(r"^(?:-+|\w+)$")
NEXT_HOP = re.compile(r"^(?:reg0|xxreg0) = ([0-9a-f.:]+);")
PATCH = "patch"
"""Type of the ports between a switch and a router: the packet goes on there, it isn't delivered."""


@dataclass(slots=True)
class Flow:
    """One flow that the packet met."""

    datapath: str
    stage: str
    match: str
    priority: int
    uuid: str
    """The first eight digits; empty where the program doesn't print them."""
    actions: list[str] = field(default_factory=list)

    @property
    def is_acl(self) -> bool:
        """Whether it is an ACL that decided here."""
        return "_acl" in self.stage and not self.stage.endswith(("_hint", "_action")) and self.priority > 1

    @property
    def drops(self) -> bool:
        """Whether the packet ends here without a word."""
        return any(DROP.match(action) for action in self.actions)

    @property
    def rejects(self) -> bool:
        """Whether it ends here and its sender is told."""
        return any(REJECT.match(action) for action in self.actions)


@dataclass(frozen=True, slots=True)
class Output:
    """A port at which the packet came out for good."""

    port: str
    type: str


@dataclass(frozen=True, slots=True)
class Traced:
    """The way of a packet."""

    flows: tuple[Flow, ...]
    outputs: tuple[Output, ...]
    text: str

    @property
    def sought(self) -> Flow | None:
        """The flow by which a router asked who has the next hop."""
        return next((flow for flow in reversed(self.flows) if any(map(QUESTION.match, flow.actions))), None)

    @property
    def next_hop(self) -> str:
        """The last address that a router chose to send the packet to; empty when there was none."""
        actions = (action for flow in reversed(self.flows) if "ip_routing" in flow.stage for action in flow.actions)
        return next((found[1] for action in actions if (found := NEXT_HOP.match(action))), "")

    @property
    def stop(self) -> Flow | None:
        """The flow that dropped or rejected it; None when it came out, or got lost."""
        if self.outputs:
            return None
        ends = [flow for flow in self.flows if flow.drops or flow.rejects]
        # An ACL only says what is to happen; the flow that does it is the same for all.
        while len(ends) > 1 and ends[-1].stage.endswith("_action"):
            ends.pop()
        return ends[-1] if ends else None


def read(text: str) -> Traced:
    """The way of the packet, as a trace spells it out."""
    datapath = ""
    flows: list[Flow] = []
    outputs: list[Output] = []
    other: int | None = None
    for line in text.splitlines():
        words = line.strip()
        indent = len(line) - len(line.lstrip())
        if other is not None and indent < other and words in ASKED:
            break
        if other is not None and (not words or indent > other or (indent == other and HEADING.match(words))):
            continue
        other = indent if QUESTION.match(words) else None
        if place := PLACE.match(line):
            datapath = place[2]
        elif stage := STAGE.match(line):
            flows.append(Flow(datapath, stage[1], stage[2], int(stage[3]), stage[4] or ""))
        elif flows and line.startswith(" "):
            flows[-1].actions.append(words)
            if REPLY.match(words):
                break
        outputs += [Output(*found) for found in OUTPUT.findall(line) if found[1] != PATCH]
    return Traced(tuple(flows), tuple(dict.fromkeys(outputs)), text)
