"""Whether a packet of one Pod reaches another, read from what `ovn-trace` prints."""

from dataclasses import dataclass

from demo.northbound import rows, several
from demo.samples import Port
from ovnloom.cli import trace_read
from ovnloom.cli.ovn_tools import FIRST_PACKET
from sandbox import Sandbox


@dataclass(frozen=True)
class Traced:
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


def trace(sandbox: Sandbox, source: Port, target: Port, address: str, port: int) -> Traced:
    """The way of the first packet of a TCP connection that is meant to end at the other Pod.

    It is sent to `address`: the Pod's own, or that of a Service, which is beyond the gateway for everybody.
    """
    mac = target.mac if source.switch == target.switch and address == target.ipv4 else _gateway(sandbox, source)
    flow = " && ".join(
        (
            f'inport == "{source.name}"',
            f"eth.src == {source.mac}",
            f"eth.dst == {mac}",
            f"ip4.src == {source.ipv4}",
            f"ip4.dst == {address}",
            "ip.ttl == 64",
            "tcp.src == 40000",
            f"tcp.dst == {port}",
        )
    )
    return read(source, target, sandbox.trace(source.switch, flow, *FIRST_PACKET))


def read(source: Port, target: Port, text: str) -> Traced:
    """What became of the packet, as a trace spells it out."""
    found = trace_read.read(text)
    stop = found.stop
    dropped = f"{stop.stage} by {stop.match}, priority {stop.priority}" if stop else ""
    return Traced(source, target, tuple(output.port for output in found.outputs), dropped, text)


def _gateway(sandbox: Sandbox, source: Port) -> str:
    """The MAC that the source learns by ARP for all that isn't on its switch."""
    wanted = f"{source.router}-{source.switch}"
    macs = (row["mac"] for row in rows(sandbox, "Logical_Router_Port", "name", "mac") if row["name"] == wanted)
    return str(several(next(macs))[0])
