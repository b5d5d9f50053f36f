"""What a node does with a packet that leaves by it."""

from __future__ import annotations

from collections.abc import Mapping

from ovnloom.api.subnet import Subnet
from ovnloom.ovn.predicate import Numbers, Packet
from ovnloom.verdict.layout import Port


def masquerading(subnets: Mapping[str, Subnet], source: Port, outlet: Port, packet: Packet) -> str:
    """The rest of a sentence: whether the node that lets the packet out hides the sender behind its own address."""
    subnet = subnets.get(source.switch.name)
    if subnet is None or outlet.owner is None or outlet.owner.kind != "Node" or source is outlet:
        return ""
    if not subnet.nat_outgoing:
        return ", with its own address (natOutgoing is off)"
    for rule in subnet.nat_outgoing_policy_rules:
        sources, targets = _numbers(rule.src_ips), _numbers(rule.dst_ips)
        if (not sources or packet.src in sources) and (not targets or packet.dst in targets):
            if rule.action == "forward":
                return ", with its own address (natOutgoingPolicyRules)"
            break
    return ", masqueraded by the node (natOutgoing)"


def _numbers(text: str) -> Numbers:
    return Numbers(part.strip() for part in text.split(",") if part.strip())
