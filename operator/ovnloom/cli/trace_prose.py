"""The answer of `ovnloom trace`: the way of the packet for people and for programs, and how it ends."""

from __future__ import annotations

from collections.abc import Iterator

from ovnloom.cli import trace_names
from ovnloom.cli.bindings import Binding, said
from ovnloom.cli.prose import BLANK, Line
from ovnloom.cli.trace import Result
from ovnloom.cli.trace_read import Output


def ending(result: Result) -> str:
    """What happens to the packet, in one sentence."""
    traced = result.traced
    stop = traced.stop
    if traced.outputs:
        return _delivered(result)
    if traced.sought and (stop is None or stop.stage == "ls_in_l2_unknown"):
        return (
            f"waits in {result.names.bindings.datapath_label(traced.sought.datapath)}: its router asks who has the "
            f"next hop {traced.next_hop or result.target.address}, and no port of OVN has it"
        )
    if stop is not None:
        verb = "rejected" if stop.rejects else "dropped"
        cause = result.names.cause(stop)
        where = result.names.bindings.datapath_label(stop.datapath)
        if cause is not None and cause.table == "Load_Balancer":
            return f"{verb} by {cause.label}, which has no endpoint for it (in {where}: {stop.match})"
        if cause is not None:
            match = cause.match or stop.match
            return f"{verb} by {cause.label} (in {where}: {match}{_meaning(result, match)})"
        if "port_sec" in stop.stage:
            return f"{verb} by port security in {where}: the packet's addresses aren't those of its port"
        if "ip_routing" in stop.stage:
            return f"{verb} in {where}: no route leads to {result.target.address}"
        return f"{verb} in {where} at {stop.stage}: {stop.match}"
    if traced.flows:
        last = traced.flows[-1]
        where = result.names.bindings.datapath_label(last.datapath)
        return f"lost in {where} after {last.stage}: no flow of OVN takes it any further"
    return "lost at once: ovn-trace shows no flow; is ovn-northd running?"


def _meaning(result: Result, match: str) -> str:
    """Groups of a match in words, where they have any."""
    found = dict.fromkeys(
        f"{mark}{name} is {words}"
        for mark, name in trace_names.GROUP.findall(match)
        if (words := result.names.group(name))
    )
    return f"; {', '.join(found)}" if found else ""


def _delivered(result: Result) -> str:
    ports = result.names.bindings.ports
    outputs = result.traced.outputs
    where = ", ".join(_output(output, ports.get(output.port)) for output in outputs)
    if not result.arrives:
        return f"comes out at {where}, not at {result.target.label}"
    allowed = [
        cause.label
        for flow in result.traced.flows
        if flow.is_acl and (cause := result.names.cause(flow)) and cause.owner
    ]
    by = f"; allowed by {', '.join(dict.fromkeys(allowed))}" if allowed else ""
    return f"delivered to {where}{by}"


def _output(output: Output, port: Binding | None) -> str:
    if port is None:
        return f"port {output.port}"
    if port.type == "localnet":
        return f"the physical network, by {port.label}"
    if port.owner.startswith("Node/"):
        return f"{port.label}, whose network takes it from there"
    state = {"up": f"on node {port.node}", "down": f"on node {port.node}, where it isn't up"}
    return f"{port.label} ({state.get(port.state, 'which is on no node yet')})"


def prose(result: Result, *, brief: bool) -> Iterator[Line]:
    """The trace with names put in (`brief`: only what somebody's object made), and at the end what happens."""
    yield Line(f"{result.source.label} -> {result.target.label}, {result.asked}", "bold")
    yield Line(f"  {result.flow}", "dim")
    yield BLANK
    if brief:
        for flow, label in result.steps:
            yield Line(f"  {result.names.bindings.datapath_label(flow.datapath)}, {flow.stage}: {label}")
    else:
        for line in result.names.translate(result.traced.text):
            yield Line(line, "cyan" if "  <- " in line else "")
    yield BLANK
    yield Line(ending(result), "bold green" if result.arrives else "bold red")


def answer(result: Result) -> dict[str, object]:
    """The same for programs; docs/kubectl-loom.md describes each field."""
    stop = result.traced.stop
    cause = result.names.cause(stop) if stop else None
    return {
        "schema": "ovnloom.io/trace/v1",
        "from": result.source.label,
        "to": result.target.label,
        "port": str(result.asked),
        "flow": result.flow,
        "delivered": result.arrives,
        "outputs": [output.port for output in result.traced.outputs],
        "stoppedBy": said(cause.owner) if cause else "",
        "ending": ending(result),
        "steps": [
            {
                "datapath": flow.datapath,
                "stage": flow.stage,
                "match": flow.match,
                "priority": flow.priority,
                "of": label,
            }
            for flow, label in result.steps
        ],
        "trace": list(result.names.translate(result.traced.text)),
    }
