"""The fields and predicates that a match may name (ovn-sb(5), Logical_Flow `match`, Symbols)."""

from typing import Final

STRINGS: Final = frozenset({"inport", "outport"})
"""Fields whose values are port names."""

NOMINAL_FIELDS: Final = frozenset(
    {"inport", "outport", "eth.type", "arp.op", "rarp.op", "ip.proto", "ip.ttl", "ip.dscp", "ip.ecn"}
    | {"icmp4.type", "icmp4.code", "icmp6.type", "icmp6.code", "icmp4.frag_mtu", "icmp6.frag_mtu"}
)
"""Fields that OpenFlow can't mask: OVN lets them be equal to something, and not unequal or in a range."""

NOMINAL_PREDICATES: Final = frozenset(
    {"ip", "ip4", "ip6", "icmp", "icmp4", "icmp6", "igmp", "arp", "rarp", "tcp", "udp", "sctp", "mldv1", "mldv2"}
    | {"nd", "nd_ns", "nd_ns_mcast", "nd_na", "nd_rs", "nd_ra"}
)
"""Predicates that rest on such fields: OVN lets them be tested, and not their opposite."""

WIDTHS: Final[dict[str, int]] = {
    **dict.fromkeys(("ip6.src", "ip6.dst", "nd.target"), 128),
    **dict.fromkeys(("eth.src", "eth.dst", "arp.sha", "arp.tha", "rarp.sha", "rarp.tha", "nd.sll", "nd.tll"), 48),
    **dict.fromkeys(("ip4.src", "ip4.dst", "arp.spa", "arp.tpa", "rarp.spa", "rarp.tpa", "pkt.mark"), 32),
    **dict.fromkeys(("icmp6.frag_mtu",), 32),
    **dict.fromkeys(("ip6.label",), 20),
    **dict.fromkeys(("tcp.src", "tcp.dst", "udp.src", "udp.dst", "sctp.src", "sctp.dst", "eth.type"), 16),
    **dict.fromkeys(("vlan.tci", "arp.op", "rarp.op", "icmp4.frag_mtu"), 16),
    **dict.fromkeys(("vlan.vid", "tcp.flags"), 12),
    **dict.fromkeys(("ip.proto", "ip.ttl", "icmp4.type", "icmp4.code", "icmp6.type", "icmp6.code"), 8),
    **dict.fromkeys(("ip.dscp",), 6),
    **dict.fromkeys(("vlan.pcp",), 3),
    **dict.fromkeys(("ip.ecn", "ip.frag"), 2),
    **dict.fromkeys(NOMINAL_PREDICATES, 1),
    **dict.fromkeys(("eth.bcast", "eth.mcast", "eth.mcastv6", "vlan.present", "ip4.mcast", "ip4.src_mcast"), 1),
    **dict.fromkeys(("ip.is_frag", "ip.later_frag", "ip.first_frag", "ip6.mcast", "ip6.mcast_rsvd"), 1),
    **dict.fromkeys(("ip6.mcast_all_nodes", "ip6.mcast_all_rtrs", "ip6.mcast_sol_node", "ip6.mcast_flood"), 1),
}
"""Packet fields and how many bits they have; predicates have one."""

_REGISTERS: Final = {"reg", "xreg", "xxreg"}


def is_known(name: str) -> bool:
    """Whether OVN may know the name.

    Packet fields are a closed list, alike from 22.03 to 25.03. Registers, flags and connection tracking grow with each
    version, so any name of their form passes.
    """
    if name in WIDTHS or name in STRINGS or name.rstrip("0123456789") in _REGISTERS:
        return True
    return name == "flags" or name.startswith(("flags.", "ct.", "ct_"))
