"""`ovnloom trace`: a packet between two Pods as OVN itself would treat it, in words of Kubernetes."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from ipaddress import ip_address, ip_interface

from ovnloom.cli import bindings, trace_names, trace_read
from ovnloom.cli.bindings import Binding, Bindings
from ovnloom.cli.ovn_tools import Tools, several
from ovnloom.cli.trace_names import Names
from ovnloom.cli.trace_read import Flow, Traced
from ovnloom.cli.verdict_ends import SHOWN, Asked
from ovnloom.cli.verdict_ends import asked as read_port
from ovnloom.cli.wrong import Wrong
from ovnloom.ovn import names

SOURCE_PORT = 40000
OUTSIDE_MAC = "02:00:00:00:00:01"
"""Stands for a gateway in a physical network, whose address OVN doesn't know."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where the packet is meant to go."""

    label: str
    address: str
    port: Binding | None = None
    """None for an address that is no Pod's, a Service's for example."""


@dataclass(frozen=True, slots=True)
class Result:
    """Everything that `ovnloom trace` answers."""

    source: Binding
    target: Target
    asked: Asked
    flow: str
    traced: Traced
    names: Names

    @property
    def arrives(self) -> bool:
        """Whether the packet comes out where it is meant to; where that is an address, whether it comes out at all."""
        found = [output.port for output in self.traced.outputs]
        return self.target.port.name in found if self.target.port else bool(found)

    @property
    def steps(self) -> list[tuple[Flow, str]]:
        """The flows that somebody's object made, each with whose it is."""
        causes = ((flow, self.names.cause(flow)) for flow in self.traced.flows)
        return [(flow, cause.label) for flow, cause in causes if cause is not None]


def make(tools: Tools, source: str, target: str, port: str, namespace: str, *, ipv6: bool = False) -> Result:
    """The way of the first packet of a connection. Raises Wrong."""
    there = bindings.read(tools)
    asked = read_port(port)
    start = _pod(there, source, namespace, "FROM")
    family = 6 if ipv6 or (":" in target and target.count(":") > 1) else 4
    end, asked = _target(tools, there, target, namespace, asked, family)
    own = [address for address in start.addresses if ip_address(address).version == ip_address(end.address).version]
    if not own:
        raise Wrong(f"{start.label} and {end.label} have no address of one family, so no packet can go there")
    flow = _flow(there, start, end, own[0], asked)
    traced = trace_read.read(tools.trace(there.datapaths[start.datapath], flow))
    return Result(start, end, asked, flow, traced, trace_names.find(tools, there, traced, start.label))


def _pod(there: Bindings, text: str, namespace: str, flag: str) -> Binding:
    """The port of a Pod, as people write it: `POD`, `NAMESPACE/POD`, `NAMESPACE/POD:PROVIDER`."""
    text, _, provider = text.removeprefix("pod/").partition(":")
    pod = text if "/" in text else f"{namespace}/{text}"
    ports = there.of_pod(pod)
    if provider:
        ports = [port for port in ports if port.name.endswith(f".{provider}")]
    if ports:
        return ports[0]
    known = sorted({port.pod for port in there.ports.values() if port.pod})
    near = get_close_matches(pod, known, n=SHOWN, cutoff=0.6) or known[:SHOWN]
    hint = f"; did you mean {', '.join(near)}?" if near else ""
    which = f" for {provider}" if provider else ""
    raise Wrong(
        f"{flag}: OVN has no port{which} of Pod {pod}{hint} `kubectl loom pods -n {pod.partition('/')[0]}` says why"
    )


def _target(
    tools: Tools, there: Bindings, text: str, namespace: str, asked: Asked | None, family: int
) -> tuple[Target, Asked]:
    try:
        return Target(text, str(ip_address(text))), asked or Asked()
    except ValueError:
        pass
    kind, _, rest = text.partition("/")
    if kind in {"svc", "service"}:
        return _service(tools, rest if "/" in rest else f"{namespace}/{rest}", asked, family)
    port = _pod(there, text, namespace, "TO")
    matching = [address for address in port.addresses if ip_address(address).version == family]
    if not port.addresses:
        raise Wrong(f"TO: {port.label} has no address in OVN; name an address")
    return Target(port.label, (matching or list(port.addresses))[0], port), asked or Asked()


def _service(tools: Tools, service: str, asked: Asked | None, family: int) -> tuple[Target, Asked]:
    """The first address of a Service in the wanted family, and the port: the asked one, or its only one."""
    ends: list[tuple[str, Asked]] = []
    for row in tools.nb_rows("Load_Balancer", ("vips", "protocol", "external_ids")):
        if row["external_ids"].get(names.OWNER) == f"Service/{service}":
            for vip in row["vips"]:
                address, _, number = vip.rpartition(":")
                ends.append((address.strip("[]"), Asked(next(iter(several(row["protocol"])), "tcp"), int(number))))
    ends = sorted(ends, key=lambda end: (":" in end[0]) != (family == 6))
    fitting = [end for end in ends if asked in (None, end[1])]
    ports = ", ".join(sorted({str(port) for _, port in ends}))
    if not ends:
        raise Wrong(f"TO: OVN has no load balancer of Service {service}; `kubectl describe service` may say why")
    if not fitting or (asked is None and len({port for _, port in fitting}) > 1):
        raise Wrong(f"TO: Service {service} has the ports {ports}; choose one by --port")
    return Target(f"Service {service}", fitting[0][0]), fitting[0][1]


def _flow(there: Bindings, source: Binding, target: Target, own: str, asked: Asked) -> str:
    version = ip_address(own).version
    is_near = target.port is not None and target.port.datapath == source.datapath
    mac = target.port.mac if is_near and target.port else _gateway(there, source, own)
    protocol = f"icmp{version}" if asked.protocol == "icmp" else asked.protocol
    echo = 128 if version == 6 else 8
    last = (
        (f"{protocol}.type == {echo}", f"{protocol}.code == 0")
        if asked.protocol == "icmp"
        else (f"{protocol}.src == {SOURCE_PORT}", f"{protocol}.dst == {asked.port}")
    )
    return " && ".join(
        (
            f'inport == "{source.name}"',
            f"eth.src == {source.mac}",
            f"eth.dst == {mac}",
            f"ip{version}.src == {own}",
            f"ip{version}.dst == {target.address}",
            "ip.ttl == 64",
            *last,
        )
    )


def _gateway(there: Bindings, source: Binding, own: str) -> str:
    """The MAC that the source learns for all that isn't on its switch: that of the router in its own network."""
    found = ""
    for port in there.ports.values():
        peer = there.ports.get(port.peer)
        if port.datapath != source.datapath or peer is None or not peer.mac:
            continue
        if any(ip_address(own) in ip_interface(network).network for network in peer.addresses):
            return peer.mac
        found = found or peer.mac
    return found or OUTSIDE_MAC
