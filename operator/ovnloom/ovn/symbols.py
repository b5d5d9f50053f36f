"""The fields and predicates that a match may name (ovn-sb(5), Logical_Flow `match`, Symbols)."""

from typing import Final

STRINGS: Final = frozenset({"inport", "outport"})
"""Fields whose values are port names."""

WIDTHS: Final[dict[str, int]] = {
    **dict.fromkeys(("eth.src", "eth.dst", "arp.sha", "arp.tha", "rarp.sha", "rarp.tha", "nd.sll", "nd.tll"), 48),
    **dict.fromkeys(("ip6.src", "ip6.dst", "nd.target"), 128),
    **dict.fromkeys(("ip4.src", "ip4.dst", "arp.spa", "arp.tpa", "rarp.spa", "rarp.tpa", "pkt.mark"), 32),
    **dict.fromkeys(("tcp.src", "tcp.dst", "udp.src", "udp.dst", "sctp.src", "sctp.dst", "eth.type"), 16),
    **dict.fromkeys(("vlan.tci", "arp.op", "rarp.op"), 16),
    **dict.fromkeys(("ip.proto", "ip.ttl", "icmp4.type", "icmp4.code", "icmp6.type", "icmp6.code"), 8),
    **dict.fromkeys(
        (
            *("eth.bcast", "eth.mcast", "eth.mcastv6", "vlan.present", "ip", "ip4", "ip6", "ip4.mcast"),
            *("ip4.src_mcast", "ip6.mcast", "ip6.mcast_rsvd", "ip6.mcast_all_nodes", "ip6.mcast_all_rtrs"),
            *("ip6.mcast_sol_node", "ip6.mcast_flood", "ip.is_frag", "ip.later_frag", "ip.first_frag"),
            *("icmp", "icmp4", "icmp6", "igmp", "arp", "rarp", "nd", "nd_ns", "nd_ns_mcast", "nd_na", "nd_rs"),
            *("nd_ra", "mldv1", "mldv2", "tcp", "udp", "sctp"),
        ),
        1,
    ),
}
"""Packet fields and how many bits they have; predicates have one."""

UNMEASURED: Final = frozenset(
    {"vlan.pcp", "vlan.vid", "ip.dscp", "ip.ecn", "ip.frag", "ip6.label", "tcp.flags", "icmp4.frag_mtu"}
    | {"icmp6.frag_mtu"}
)
"""Packet fields whose width we don't hold against a value: some are wider inside OVN than on the wire."""

_REGISTERS: Final = ("reg", "xreg", "xxreg")


def is_known(name: str) -> bool:
    """Whether OVN may know the name.

    Packet fields are a closed list, alike from 22.03 to 25.03. Registers, flags and connection tracking grow with each
    version, so any name of their form passes.
    """
    if name in WIDTHS or name in STRINGS or name in UNMEASURED:
        return True
    if name.rstrip("0123456789") in _REGISTERS:
        return True
    return name == "flags" or name.startswith(("flags.", "ct.", "ct_"))
