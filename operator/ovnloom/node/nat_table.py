"""What a node rewrites, drops and counts for Pods, as a value."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from ipaddress import IPv4Network, IPv6Network, collapse_addresses, ip_network

from ovnloom.api.subnet import NatRule
from ovnloom.host.marks import LOCAL_SERVICE
from ovnloom.host.nft import Chain, Hook, Rule, Set, Table
from ovnloom.ipam import FAMILIES, Family, Malformed, address_text, parse_address
from ovnloom.node.counters import NAME, WAYS, counter_of
from ovnloom.node.networks import Known, Routed
from ovnloom.node.view import View

INTERVAL = frozenset({"interval"})
FAMILY: dict[Family, tuple[str, str]] = {4: ("ip", "ipv4_addr"), 6: ("ip6", "ipv6_addr")}
"""The words of nft for a family's header, and for its addresses."""
NOT_SYN = "tcp flags & (syn | ack) != syn"
MASQUERADE = "masquerade fully-random"
"""Ports are chosen at random, or two connections that start at once may lose a packet: https://lwn.net/Articles/746983/"""
TUNNELS = "6081, 4789"
"""Ports of Geneve (RFC 8926) and VXLAN (RFC 7348)."""


def table(view: View, subnets: Known) -> Table:
    """Everything that a node rewrites, drops and counts for the Pods of these Subnets."""
    found = tuple(subnets.values())
    policies = tuple(each for each in found if each.subnet.nat_outgoing and each.subnet.nat_outgoing_policy_rules)
    sets: list[Set] = []
    leaving: list[Rule] = []
    stray: list[Rule] = []
    passing: list[Rule] = []
    for family in FAMILIES:
        sets.extend(_sets(view, found, policies, family))
        leaving.extend(_leaving(family))
        stray.extend(_stray(family))
        passing.extend(_passing(family))
    out = Rule(f"meta mark != 0 udp dport {{ {TUNNELS} }} meta mark set 0", "the mark was of the packet inside")
    chains = (
        *(Chain(chain_of(each), tuple(_policy(each))) for each in policies),
        Chain("leaving", tuple(leaving), Hook("nat", "postrouting", 99)),
        Chain("stray", tuple(stray), Hook("filter", "postrouting", -150)),
        Chain("passing", tuple(passing), Hook("filter", "forward", -10)),
        Chain("tunnelled", (out,), Hook("filter", "output", -150)),
    )
    counters = frozenset(counter_of(way, each.name, family) for way in WAYS for each, family in _pairs(found))
    return Table(NAME, chains=chains, sets=tuple(sets), counters=counters)


def chain_of(each: Routed) -> str:
    """The name of the chain with a Subnet's natOutgoingPolicyRules."""
    return f"policy-{each.name}"


def _pairs(found: Iterable[Routed]) -> Iterator[tuple[Routed, Family]]:
    return ((each, network.family) for each in found for network in each.networks)


def _sets(view: View, found: tuple[Routed, ...], policies: tuple[Routed, ...], family: Family) -> Iterator[Set]:
    type_ = FAMILY[family][1]

    def cidrs(some: Iterable[Routed]) -> frozenset[str]:
        return frozenset(str(network) for each in some if (network := each.networks.of(family)) is not None)

    def mapped(name: str, value: str, some: dict[str, str]) -> Set:
        return Set(f"{name}{family}", type_, frozenset(f"{key} : {to}" for key, to in some.items()), INTERVAL, value)

    def named(name: str, some: frozenset[str]) -> Set:
        return Set(f"{name}{family}", type_, some, INTERVAL)

    fixed = dict(_fixed(view, found, family))
    yield named("subnets", cidrs(found))
    yield named("nat", cidrs(each for each in found if each.subnet.nat_outgoing))
    yield named("distributed", cidrs(each for each in found if not each.is_centralized))
    yield named("fixed-sources", frozenset(fixed))
    yield mapped("fixed", type_, fixed)
    jumps = {str(network): f"jump {chain_of(each)}" for each in policies if (network := each.networks.of(family))}
    yield mapped("policies", "verdict", jumps)
    for way in WAYS:
        counted = {
            str(network): counter_of(way, each.name, family) for each in found if (network := each.networks.of(family))
        }
        yield mapped(f"counted-{way}", "counter", counted)


def _fixed(view: View, found: Iterable[Routed], family: Family) -> Iterator[tuple[str, str]]:
    """CIDRs of centralised Subnets that leave here with the address that their gatewayNode gives this node."""
    for each in found:
        network, subnet = each.networks.of(family), each.subnet
        if network is None or not each.is_centralized or not subnet.nat_outgoing:
            continue
        if not subnet.enable_ecmp and subnet.active_gateway != view.name:
            continue
        for item in subnet.gateway_node.split(","):
            name, _, text = item.strip().partition(":")
            address = _address(text.strip("[] "), family) if name == view.name else None
            if address is not None:
                yield str(network), address
                break


def _address(text: str, family: Family) -> str | None:
    try:
        found, number = parse_address(text)
    except Malformed:
        return None
    return address_text(found, number) if found == family else None


def _leaving(family: Family) -> Iterator[Rule]:
    """In the order of the contract; the first that gives an address counts, and `return` gives none."""
    ip, from_, to = _words(family)
    outside = f"{from_} {ip} daddr != @subnets{family}"
    yield Rule(f"{from_} ct status dnat {MASQUERADE}", "Pods to Services through this host: replies come back here")
    yield Rule(f"{from_} {to} {MASQUERADE}", "the same, for who balances without conntrack knowing")
    local = f"meta mark & {LOCAL_SERVICE:#010x} == {LOCAL_SERVICE:#010x} {to}"
    yield Rule(
        f"{local} {ip} daddr != @distributed{family} {MASQUERADE}",
        "replies of centralised Subnets would leave by their gateway",
    )
    yield Rule(f"{from_} {NOT_SYN} return", "half of a connection that came another way")
    yield Rule(f"{outside} {ip} saddr vmap @policies{family}", "natOutgoingPolicyRules")
    yield Rule(f"{outside} snat {ip} to {ip} saddr map @fixed{family}", "gatewayNode with an address")
    yield Rule(f"{ip} saddr @nat{family} {ip} daddr != @subnets{family} {MASQUERADE}", "natOutgoing")


def _stray(family: Family) -> Iterator[Rule]:
    """What no NAT would see, and so would leave with a Pod's address."""
    ip, from_, _ = _words(family)
    yield Rule(f"{from_} tcp flags & rst == rst ct state invalid drop", "end of a connection that nobody has")
    fixed = f"{ip} saddr @fixed-sources{family} {ip} daddr != @subnets{family}"
    yield Rule(f"{fixed} {NOT_SYN} ct state new drop", "the connection was another gateway's")


def _passing(family: Family) -> Iterator[Rule]:
    ip = FAMILY[family][0]
    yield Rule(f"counter name {ip} saddr map @counted-out{family}")
    yield Rule(f"counter name {ip} daddr map @counted-in{family}")


def _words(family: Family) -> tuple[str, str, str]:
    ip = FAMILY[family][0]
    return ip, f"{ip} saddr @subnets{family}", f"{ip} daddr @subnets{family}"


def _policy(each: Routed) -> Iterator[Rule]:
    """The Subnet's own rules, the first that fits counts; what none fits goes on to natOutgoing."""
    for number, rule in enumerate(each.subnet.nat_outgoing_policy_rules):
        verdict = {"nat": MASQUERADE, "forward": "accept"}.get(rule.action)
        if verdict is None:
            continue
        for family in FAMILIES:
            match = _match(rule, family)
            if match is not None and each.networks.of(family) is not None:
                yield Rule(f"{match} {verdict}", f"rule {number + 1}")


def _match(rule: NatRule, family: Family) -> str | None:
    """The words for what a rule is about, or None when that is nothing of this family."""
    ip, words = FAMILY[family][0], []
    for field, text in (("saddr", rule.src_ips), ("daddr", rule.dst_ips)):
        if not text.strip():
            continue
        items = _ranges(text, family)
        if not items:
            return None
        words.append(f"{ip} {field} {{ {', '.join(items)} }}")
    return " ".join(words) or f"meta nfproto ipv{family}"


def _ranges(text: str, family: Family) -> tuple[str, ...]:
    """The addresses and CIDRs of a comma list that are of a family, each address once."""
    found: list[IPv4Network | IPv6Network] = []
    for item in filter(None, map(str.strip, text.split(","))):
        with suppress(ValueError):
            network = ip_network(item, strict=False)
            if network.version == family:
                found.append(network)
    return tuple(map(_text, collapse_addresses(found)))  # type: ignore[type-var]  # all are of one family


def _text(network: IPv4Network | IPv6Network) -> str:
    return str(network.network_address) if network.prefixlen == network.max_prefixlen else str(network)
