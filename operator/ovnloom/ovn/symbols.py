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


MEANINGS: Final[dict[str, str]] = {
    "eth.bcast": "eth.dst == ff:ff:ff:ff:ff:ff",
    "eth.mcast": "eth.dst[40]",
    "eth.mcastv6": "eth.dst[32..47] == 0x3333",
    "ip4.src_mcast": "ip4.src[28..31] == 0xe",
    "ip4.mcast": "eth.mcast && ip4.dst[28..31] == 0xe",
    "ip6.mcast": "eth.mcastv6 && ip6.dst[120..127] == 0xff",
    "ip6.mcast_rsvd": "ip6.dst[116..127] == 0xff0 && ip6.dst[0..111] == 0x0",
    "ip6.mcast_all_nodes": "ip6.dst == ff01::1 || ip6.dst == ff02::1",
    "ip6.mcast_all_rtrs": "ip6.dst == ff01::2 || ip6.dst == ff02::2 || ip6.dst == ff05::2",
    "ip6.mcast_sol_node": "ip6.dst == ff02::1:ff00:0/104",
    "ip6.mcast_flood": "eth.mcastv6 && "
    "(ip6.mcast_rsvd || ip6.mcast_all_nodes || ip6.mcast_all_rtrs || ip6.mcast_sol_node)",
    "icmp4": "ip4 && ip.proto == 1",
    "icmp6": "ip6 && ip.proto == 58",
    "icmp": "icmp4 || icmp6",
    "igmp": "ip4.mcast && ip.proto == 2",
    "ip.is_frag": "ip.frag[0]",
    "ip.later_frag": "ip.frag[1]",
    "ip.first_frag": "ip.is_frag && !ip.later_frag",
    "arp": "eth.type == 0x806",
    "rarp": "eth.type == 0x8035",
    "nd": "icmp6.type == {135, 136} && icmp6.code == 0 && ip.ttl == 255",
    "nd_ns": "icmp6.type == 135 && icmp6.code == 0 && ip.ttl == 255",
    "nd_ns_mcast": "ip6.mcast && icmp6.type == 135 && icmp6.code == 0 && ip.ttl == 255",
    "nd_na": "icmp6.type == 136 && icmp6.code == 0 && ip.ttl == 255",
    "nd_rs": "icmp6.type == 133 && icmp6.code == 0 && ip.ttl == 255",
    "nd_ra": "icmp6.type == 134 && icmp6.code == 0 && ip.ttl == 255",
    "mldv1": "eth.mcastv6 && ip6.src == fe80::/10 && icmp6.type == {130, 131, 132}",
    "mldv2": "eth.mcastv6 && ip6.dst == ff02::16 && icmp6.type == 143",
    "vlan.present": "vlan.tci[12]",
    "ip": "eth.type == {0x800, 0x86dd}",
    "ip4": "eth.type == 0x800",
    "ip6": "eth.type == 0x86dd",
    "tcp": "ip.proto == 6",
    "udp": "ip.proto == 17",
    "sctp": "ip.proto == 132",
}
"""What predicates stand for in OVN 25.03 (lib/logical-fields.c); older versions ask less of an Ethernet address."""

PREREQUISITES: Final[dict[str, str]] = {
    **dict.fromkeys(("ip4.src", "ip4.dst"), "ip4"),
    **dict.fromkeys(("ip6.src", "ip6.dst", "ip6.label"), "ip6"),
    **dict.fromkeys(("ip.proto", "ip.dscp", "ip.ecn", "ip.ttl", "ip.frag"), "ip"),
    **dict.fromkeys(("tcp.src", "tcp.dst", "tcp.flags"), "tcp"),
    **dict.fromkeys(("udp.src", "udp.dst"), "udp"),
    **dict.fromkeys(("sctp.src", "sctp.dst"), "sctp"),
    **dict.fromkeys(("icmp4.type", "icmp4.code", "icmp4.frag_mtu"), "icmp4"),
    **dict.fromkeys(("icmp6.type", "icmp6.code", "icmp6.frag_mtu"), "icmp6"),
    **dict.fromkeys(("arp.op", "arp.spa", "arp.tpa", "arp.sha", "arp.tha"), "arp"),
    **dict.fromkeys(("rarp.op", "rarp.spa", "rarp.tpa", "rarp.sha", "rarp.tha"), "rarp"),
    **dict.fromkeys(("vlan.vid", "vlan.pcp"), "vlan.present"),
    "nd.target": "nd",
    "nd.sll": "nd_ns",
    "nd.tll": "nd_na",
}
"""What else must hold where a field is compared, whatever it is compared with."""

CONNECTION_STATES: Final = {
    "ct.new": 0,
    "ct.est": 1,
    "ct.rel": 2,
    "ct.rpl": 3,
    "ct.inv": 4,
    "ct.trk": 5,
    "ct.snat": 6,
    "ct.dnat": 7,
}
"""Bits of a packet's connection state; all but `ct.trk` mean something only together with it."""
