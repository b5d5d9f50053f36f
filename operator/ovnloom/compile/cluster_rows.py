"""What a rule of a cluster-wide policy says, as ACLs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ovnloom.api.cluster_policy import EVERY_POD, EVERYBODY, Action, ClusterPolicy, Rule, closed
from ovnloom.api.networkpolicy import Port
from ovnloom.compile.policy_match import DIRECTIONS, Direction, asking_for_address, ports
from ovnloom.compile.rows import group_acl
from ovnloom.intent import Problem, Row
from ovnloom.ipam import FAMILIES, Family, Malformed, Network, parse_network
from ovnloom.ovn import names
from ovnloom.ovn.match import (
    EVERYTHING,
    IP,
    Match,
    addresses,
    all_of,
    at_group,
    ip_side,
    is_not,
    is_value,
    one_of,
)
from ovnloom.world.cluster_policy import SHORT, named_ports, numeric_ports, pods, rule_peers, subject
from ovnloom.world.cluster_scale import OVN_TIERS, scale_of
from ovnloom.world.families import dhcp_families, pod_families
from ovnloom.world.graph import Reader
from ovnloom.world.nodes import addresses_of
from ovnloom.world.problem import idle, invalid
from ovnloom.world.selection import terms
from ovnloom.world.selectors import port_numbers

ASKING = 30001
"""Above all rules of a tier."""
ACTIONS: dict[Action, str] = {"Allow": "allow-related", "Deny": "drop", "Pass": "pass"}


@dataclass(frozen=True, slots=True)
class Slot:
    """Where a rule stands: the group whose ACLs it has, its tier and priority in OVN, and its place in its list."""

    group: str
    tier: int
    number: int
    at: int


def rule_rows(
    read: Reader, policy: ClusterPolicy, rule: Rule, slot: Slot, to: Direction, problems: list[Problem]
) -> Iterator[Row]:
    """One ACL for each family, all its peers and numeric ports in it; more for named ports, all of one priority."""
    where = f"spec.{to.name}[{slot.at}]"
    rule, networks = _networks(rule, where, problems)
    if any(peer.domains for peer in rule.peers):
        wrong = (
            f"{where}.to has domainNames, which ovnloom doesn't look up; use networks. Until then they allow nothing"
        )
        problems.append(idle("DomainNamesNotServed", wrong))
    if not rule.peers:
        return
    yield from _node_sets(read, policy, rule, slot)
    named, numeric = tuple(named_ports(rule)), _numeric(numeric_ports(rule), rule)
    families = read.view(pod_families)
    if numeric is not None:
        yield from _acls(
            policy, rule, slot, to, slot.group, _others(policy, rule, slot, to, networks, families), numeric
        )
    found = set()
    for port in named:
        for row in _named(read, policy, rule, slot, to, port, families):
            found.add(port[0])
            yield row
    for name in sorted({port.name for port in rule.ports if port.name} - found):
        wrong = f"{where} names the port {name}, which no Pod that it is about has; name one of theirs, or use a number"
        problems.append(idle("NamedPortUnknown", wrong))


def deny_everything(read: Reader, policy: ClusterPolicy, slot: Slot, to: Direction) -> Iterator[Row]:
    """All that rules of this direction could deny: traffic with anybody, from nodes aside, which no rule can name."""
    rule = Rule("Deny", (EVERYBODY["to"],))
    if to.name == "egress":
        yield from _acls(policy, rule, slot, to, slot.group, [IP], EVERYTHING)
        return
    every_node = read.view(addresses_of, ())
    for family in FAMILIES:
        known = [text for of, text in every_node if of == family]
        there = Match(f"ip{family}")
        others = all_of(there, is_not(ip_side(family, to.side), one_of(known))) if known else there
        yield from _acls(policy, rule, slot, to, slot.group, [others], EVERYTHING)


def closed_rows(read: Reader, policy: ClusterPolicy, group: str) -> Iterator[Row]:
    """What is left of a policy whose rules can't be used: it denies all, in the directions in which it has rules."""
    number = scale_of(policy).formula(0)
    for to in DIRECTIONS:
        if policy.ingress if to.name == "ingress" else policy.egress:
            yield from deny_everything(read, policy, Slot(group, OVN_TIERS[policy.tier], number, 0), to)


def address_requests(read: Reader, policy: ClusterPolicy, group: str) -> Iterator[Row]:
    """Where OVN answers DHCP, a Pod may ask for its address although a rule denies the network of the servers' name."""
    if not any(rule.action == "Deny" and _is_wide(rule) for rule in policy.egress):
        return
    ids = {names.KEY_RULE: "spec.egress"}
    for family in read.view(dhcp_families):
        match = all_of(at_group("inport", group), asking_for_address(family))
        tier = OVN_TIERS[policy.tier]
        yield group_acl(group, "from-lport", ASKING, match, "allow-related", ids=ids, tier=tier)


def _is_wide(rule: Rule) -> bool:
    return any(peer.anything or peer.networks for peer in rule.peers)


def _networks(rule: Rule, where: str, problems: list[Problem]) -> tuple[Rule, list[Network]]:
    """The CIDRs of a rule; with one that can't be read, the rule is closed."""
    found: list[Network] = []
    for at, peer in enumerate(rule.peers):
        for text in peer.networks:
            try:
                found.append(parse_network(text))
            except Malformed as malformed:
                wrong = f"{where}.to[{at}].networks {malformed}. Until then the rule allows nothing, or denies all"
                problems.append(invalid("PolicyMalformed", wrong))
                return closed(rule._replace(peers=(EVERYBODY["to"],))), []
    return rule, found


def _numeric(numbered: tuple[Port, ...], rule: Rule) -> Match | None:
    """The ports with numbers; None when the rule has only named ones."""
    if not rule.ports:
        return EVERYTHING
    return ports((port.protocol, port.number, port.end) for port in numbered) if numbered else None


def _others(
    policy: ClusterPolicy, rule: Rule, slot: Slot, to: Direction, networks: list[Network], families: tuple[Family, ...]
) -> Iterator[Match]:
    """The other end of a rule's traffic, by family."""
    if any(peer.anything for peer in rule.peers):
        yield IP
        return
    groups = {names.selection_group(pods(peer).name) for peer in rule_peers(rule)}
    has_nodes = any(peer.nodes is not None for peer in rule.peers)
    for family in families:
        cidrs = {str(network) for network in networks if network.family == family}
        if any(cidr.endswith("/0") for cidr in cidrs):
            yield Match(f"ip{family}")
            continue
        sets = {addresses(names.group_addresses(group, family)) for group in groups}
        if has_nodes:
            sets.add(addresses(names.cluster_policy_nodes(SHORT[type(policy)], policy.name, slot.at, family)))
        if sets or cidrs:
            yield is_value(ip_side(family, to.side), one_of({*cidrs, *sets}))


def _named(
    read: Reader,
    policy: ClusterPolicy,
    rule: Rule,
    slot: Slot,
    to: Direction,
    port: tuple[str, str],
    families: tuple[Family, ...],
) -> Iterator[Row]:
    """A named port is that of the Pod that is reached: for each number the Pods that have it under that name."""
    if to.name == "ingress":
        reached = subject(policy, port)
        for number in read.view(port_numbers, reached):
            here = names.numbered_group(names.selection_group(reached.name), number)
            others = _others(policy, rule, slot, to, [], families)
            yield from _acls(policy, rule, slot, to, here, others, ports(((port[1], number, 0),)))
        return
    everybody = [EVERY_POD] if any(peer.anything for peer in rule.peers) else []
    for reached in (pods(peer, port) for peer in (*everybody, *rule_peers(rule))):
        for number in read.view(port_numbers, reached):
            there = names.numbered_group(names.selection_group(reached.name), number)
            sets = [
                is_value(ip_side(family, to.side), addresses(names.group_addresses(there, family)))
                for family in families
            ]
            yield from _acls(policy, rule, slot, to, slot.group, iter(sets), ports(((port[1], number, 0),)))


def _acls(
    policy: ClusterPolicy,
    rule: Rule,
    slot: Slot,
    to: Direction,
    here: str,
    others: Iterator[Match] | list[Match],
    what: Match,
) -> Iterator[Row]:
    """The ACLs of a rule between the Pods of a group here and each of the others."""
    name = names.cluster_rule_acl(SHORT[type(policy)], policy.name, to.name, slot.at, rule.name)
    ids = {names.KEY_RULE: f"spec.{to.name}[{slot.at}]"}
    for other in others:
        match = all_of(at_group(to.port, here), other, what)
        action = ACTIONS[rule.action]
        yield group_acl(slot.group, to.lport, slot.number, match, action, ids=ids, name=name, tier=slot.tier)


def _node_sets(read: Reader, policy: ClusterPolicy, rule: Rule, slot: Slot) -> Iterator[Row]:
    """The addresses of the nodes that a rule names, as sets: a node that comes costs one element of each."""
    selectors = [peer.nodes for peer in rule.peers if peer.nodes is not None]
    if not selectors:
        return
    found = frozenset[tuple[Family, str]]().union(*(read.view(addresses_of, terms(nodes)) for nodes in selectors))
    for family in read.view(pod_families):
        name = names.cluster_policy_nodes(SHORT[type(policy)], policy.name, slot.at, family)
        members = frozenset(text for of, text in found if of == family)
        yield Row("Address_Set", name, {"name": name, "addresses": members})
