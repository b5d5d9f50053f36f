"""What OVN itself says: rows written to a real northbound database, translated by ovn-northd, asked by ovn-trace."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from ovnloom.northbound.wanted import Wanted
from ovnloom.ovn.predicate import number
from ovnloom.verdict import Network, Question
from ovnloom.verdict.layout import Address, Port, text
from sandbox import Ovn
from tests.northbound.conftest import Controller

OUTPUT = re.compile(r'output to "([^"]+)", type "([^"]*)"')
ANSWERED = re.compile(r"^ *(?:tcp_reset|icmp4|icmp6|sctp_abort|reject)(?:_error)? \{", re.MULTILINE)
UNRESOLVED = re.compile(r"eth.dst == 00:00:00:00:00:00.*\n.*(?:arp|nd_ns) \{")
"""A router asks for a next hop's MAC; the packet itself isn't sent before somebody answers."""
UNHEARD = 0x0A00000000FF
"""A MAC that nobody has."""
PATCH = "patch"
"""Type of the ports between a switch and a router: the packet goes on there."""
FIRST_PACKET = ("--ct=new",) * 12
"""Each look-up of a connection on the way finds none yet."""
ROUNDS = 5
"""Plans until all is there: a row that waits for its parent needs a second one."""


@dataclass(frozen=True)
class Traced:
    """Where OVN says that the packet comes out; nowhere when it is dropped."""

    port: str
    is_rejected: bool
    text: str


def write(ovn: Ovn, controller: Controller, wanted: Wanted) -> None:
    """The database has what is wanted, and ovn-northd has translated it."""
    controller.wanted = wanted
    for _ in range(ROUNDS):
        outcome = controller.run([*wanted.owners(), *controller.mirror.owners()])
        assert not outcome.refused, outcome
        if controller.everything().is_empty:
            break
    assert controller.everything().is_empty
    ovn.sync()


def trace(ovn: Ovn, network: Network, question: Question, *options: str) -> Traced:
    """The way of the question's packet."""
    source = network.layout.ports[question.entry or question.source]
    target = network.layout.ports.get(question.target)
    family = 6 if ":" in question.target or question.family == 6 else 4
    start = source.address(family) if not question.entry else None
    end = target.address(family) if target else None
    from_ = text(start) if start else question.source
    to = text(end) if end else question.target
    version = f"ip{family}"
    sport, dport = question.ports(family)
    protocol = "icmp" + str(family) if question.protocol == "icmp" else question.protocol
    fields = ("type", "code") if question.protocol == "icmp" else ("src", "dst")
    flow = (
        f'inport == "{source.name}" && eth.src == {mac(source.mac)} && eth.dst == {mac(_next(source, to))}'
        f" && {version}.src == {from_} && {version}.dst == {to} && ip.ttl == 64"
        f" && {protocol}.{fields[0]} == {sport} && {protocol}.{fields[1]} == {dport}"
    )
    said = ovn.trace(source.switch.name, flow, *FIRST_PACKET, *options)
    is_rejected = bool(ANSWERED.search(said))
    ports = [port for port, kind in OUTPUT.findall(said) if kind != PATCH]
    is_nowhere = is_rejected or not ports or UNRESOLVED.search(said)
    return Traced("" if is_nowhere else ports[-1], is_rejected, said)


def _next(source: Port, to: str) -> int:
    """The MAC that the sender finds: the target's on its own network, else its gateway's."""
    address: Address = (6 if ":" in to else 4, number(to)[0])
    for port in source.switch.router_ports:
        nets = [net for net in port.router_port.nets if net.family == address[0]] if port.router_port else []
        if nets and not any(address in net for net in nets):
            return port.mac
    found = source.switch.by_address.get(address)
    if found:
        return found.mac
    routers = [port for port in source.switch.router_ports if port.router_port and port.router_port.router.has_gateway]
    return routers[0].mac if routers else UNHEARD


def mac(value: int) -> str:
    """A MAC as OVN writes it."""
    return value.to_bytes(6, "big").hex(":")


def differences(ovn: Ovn, network: Network, questions: Iterable[Question]) -> list[str]:
    """Where OVN says something else; one line for each, and the whole trace of the first."""
    found: list[str] = []
    for question in questions:
        verdict = network.verdict(question)
        for branch in verdict.branches:
            options = [f"--lb-dst={_backend(branch.address, branch.dport)}"] if len(verdict.branches) > 1 else []
            said = trace(ovn, network, question, *options)
            expected = (branch.port, branch.outcome == "rejected")
            if (said.port, said.is_rejected) != expected:
                ours = [f"{step.stage} {step.place} {step.words}" for step in branch.steps]
                found.append(
                    f"{question}: OVN {said.port!r} {said.is_rejected}, we {branch.outcome} {branch.port} {ours}"
                )
                if len(found) == 1:
                    found.append(said.text)
    return found


def _backend(address: Address, port: int) -> str:
    return f"[{text(address)}]:{port}" if address[0] == 6 else f"{text(address)}:{port}"
