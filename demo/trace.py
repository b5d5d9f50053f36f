"""Whether a packet of one Pod reaches another, read from what `ovn-trace` prints."""

import re
from dataclasses import dataclass

from demo.northbound import rows, several
from demo.samples import Port
from sandbox import Sandbox

OUTPUT = re.compile(r'output to "([^"]+)", type "([^"]*)"')
STAGE = re.compile(r"^ *\d+\. (\w+) \([^)]*\): (.*?)(?:, uuid .*)?$")
DROP = re.compile(r"^ *(?:drop;|reject|log\(.*verdict=(?:drop|reject))")
PATCH = "patch"
"""Type of the ports between a switch and a router: the packet goes on there, it isn't delivered."""
FIRST_PACKET = ("--ct=new",) * 4
"""Each conntrack lookup on the way finds no connection yet: the packet that opens one is what an ACL decides about."""


@dataclass(frozen=True)
class Verdict:
    """What became of the packet: the ports at which it came out, or the stage that dropped it."""

    source: Port
    target: Port
    outputs: tuple[str, ...]
    dropped: str
    text: str

    @property
    def reached(self) -> bool:
        return self.target.name in self.outputs

    @property
    def words(self) -> str:
        """What became of it, for people."""
        if self.reached:
            return f"delivered to port {self.target.name}"
        if self.outputs:
            return f"it comes out at port {', '.join(self.outputs)}, not at {self.target.name}"
        return f"dropped in {self.dropped}" if self.dropped else "no flow of OVN takes it any further"


def trace(sandbox: Sandbox, source: Port, target: Port) -> Verdict:
    """The way of the first packet of a TCP connection from one Pod to the other's IPv4 address."""
    flow = " && ".join(
        (
            f'inport == "{source.name}"',
            f"eth.src == {source.mac}",
            f"eth.dst == {_next_mac(sandbox, source, target)}",
            f"ip4.src == {source.ipv4}",
            f"ip4.dst == {target.ipv4}",
            "ip.ttl == 64",
            "tcp.src == 40000",
            "tcp.dst == 80",
        )
    )
    return read(source, target, sandbox.trace(source.switch, flow, *FIRST_PACKET))


def read(source: Port, target: Port, text: str) -> Verdict:
    """The verdict that a trace spells out."""
    stage = dropped = ""
    for line in text.splitlines():
        if found := STAGE.match(line):
            stage = f"{found[1]} by {found[2]}"
        elif DROP.match(line):
            dropped = stage
    delivered = (port for port, kind in OUTPUT.findall(text) if kind != PATCH)
    return Verdict(source, target, tuple(dict.fromkeys(delivered)), dropped, text)


def _next_mac(sandbox: Sandbox, source: Port, target: Port) -> str:
    """The MAC that the source learns by ARP: the target's own on the same switch, else that of its gateway."""
    if source.switch == target.switch:
        return target.mac
    wanted = f"{source.router}-{source.switch}"
    macs = (row["mac"] for row in rows(sandbox, "Logical_Router_Port", "name", "mac") if row["name"] == wanted)
    return str(several(next(macs))[0])
