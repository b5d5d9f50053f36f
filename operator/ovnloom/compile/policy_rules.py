"""What the rules of a NetworkPolicy let through, as ACLs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ovnloom.api.networkpolicy import Block, NetworkPolicy, Port, Rule
from ovnloom.compile.policy_log import Logging
from ovnloom.compile.policy_match import Direction, block, from_groups, ports
from ovnloom.compile.rows import group_acl
from ovnloom.intent import Problem, Row
from ovnloom.ipam import Family, Malformed, Network, parse_network
from ovnloom.ovn import names
from ovnloom.ovn.match import EVERYTHING, IP, NOTHING, Match, all_of, any_of, at_group
from ovnloom.world.families import pod_families
from ovnloom.world.graph import Reader
from ovnloom.world.policy import any_peer, peers, subject
from ovnloom.world.problem import idle
from ovnloom.world.selection import Selection
from ovnloom.world.selectors import port_numbers

ALLOW = 2001
"""Priority of the contract: what a rule lets through."""


@dataclass(frozen=True, slots=True)
class Target:
    """The policy's Pods, or those of them that have a named port under one number, and the ports meant there."""

    group: str
    what: Match


def rule_acls(
    read: Reader, policy: NetworkPolicy, group: str, to: Direction, logs: Logging, problems: list[Problem]
) -> Iterator[Row]:
    """One ACL for each family and kind of peer of a rule, all its numeric ports in it; one more for each named port."""
    families = read.view(pod_families)
    for at, rule in enumerate(policy.ingress if to.name == "ingress" else policy.egress):
        if rule.peers is None or rule.ports is None:
            continue  # nothing of it could be read, which has been said
        where = f"spec.{to.name}[{at}]"
        ids = {names.KEY_RULE: where}
        named = tuple(port for port in rule.ports if port.name)
        numeric = _numeric(rule)
        targets = [Target(group, numeric)] if numeric is not NOTHING else []
        if to.name == "ingress":
            targets += _own_ports(read, policy, named, where, problems)
            matches = list(_from_pods(policy, rule, to, targets, families))
        else:
            matches = list(_from_pods(policy, rule, to, targets, families))
            matches += _to_named(read, policy, group, rule, named, to, where, families, problems)
        for family, match in matches:
            name = names.policy_rule_acl(policy.name, policy.namespace, to.name, family, at)
            log = logs.of("allow", to.name, name)
            yield group_acl(group, to.lport, ALLOW, match, "allow-related", ids=ids, name=name, log=log)
        # Blocks have an ACL of their own: their excepts must not keep out the Pods that selectors let through.
        for family, match in _blocks(rule, to, targets, where, families, problems):
            name = names.policy_block_acl(policy.name, policy.namespace, to.name, family, at)
            log = logs.of("allow", to.name, name)
            yield group_acl(group, to.lport, ALLOW, match, "allow-related", ids=ids, name=name, log=log)


def _numeric(rule: Rule) -> Match:
    if not rule.ports:
        return EVERYTHING
    return ports((port.protocol, port.number, port.end) for port in rule.ports if not port.name)


def _from_pods(
    policy: NetworkPolicy, rule: Rule, to: Direction, targets: list[Target], families: tuple[Family, ...]
) -> Iterator[tuple[Family, Match]]:
    """What passes between the targets and Pods, or anybody when the rule has no peers."""
    selected = [peer for peer in rule.peers or () if peer.block is None]
    groups = {names.selection_group(peers(policy, peer).name) for peer in selected}
    for target in targets:
        here = at_group(to.port, target.group)
        if not rule.peers:
            yield families[0] if families else 4, all_of(here, IP, target.what)
        elif selected:
            for family in families:
                yield family, all_of(here, from_groups(family, to.side, groups), target.what)


def _own_ports(
    read: Reader, policy: NetworkPolicy, named: tuple[Port, ...], where: str, problems: list[Problem]
) -> Iterator[Target]:
    """Named ports are those of the Pod that is reached: for each number the Pods that have it under that name."""
    for port in named:
        reached = subject(policy, port.name, port.protocol)
        numbers = read.view(port_numbers, reached)
        for number in numbers:
            numbered = names.numbered_group(names.selection_group(reached.name), number)
            yield Target(numbered, ports(((port.protocol, number, 0),)))
        if not numbers:
            problems.append(_unknown(where, port))


def _to_named(
    read: Reader,
    policy: NetworkPolicy,
    group: str,
    rule: Rule,
    named: tuple[Port, ...],
    to: Direction,
    where: str,
    families: tuple[Family, ...],
    problems: list[Problem],
) -> Iterator[tuple[Family, Match]]:
    for port in named:
        found = False
        for reached in _reached(policy, rule, port):
            for number in read.view(port_numbers, reached):
                found = True
                there = (names.numbered_group(names.selection_group(reached.name), number),)
                what = ports(((port.protocol, number, 0),))
                for family in families:
                    yield family, all_of(at_group(to.port, group), from_groups(family, to.side, there), what)
        blocks = [peer for peer in rule.peers or () if peer.block is not None]
        if not found and (not rule.peers or len(blocks) < len(rule.peers)):
            problems.append(_unknown(where, port))
        if blocks:
            wrong = f"{where}.ports names {port.name}, but addresses of an ipBlock have no named ports; write a number"
            problems.append(idle("NamedPortOfBlock", wrong))


def _reached(policy: NetworkPolicy, rule: Rule, port: Port) -> Iterator[Selection]:
    if not rule.peers:
        yield any_peer(policy, port.name, port.protocol)
    for peer in rule.peers or ():
        if peer.block is None:
            yield peers(policy, peer, port.name, port.protocol)


def _unknown(where: str, port: Port) -> Problem:
    wrong = f"{where}.ports names {port.name}/{port.protocol}, which no Pod that it is about has"
    return idle("NamedPortUnknown", f"{wrong}; name a port of theirs, or write its number")


def _blocks(
    rule: Rule,
    to: Direction,
    targets: list[Target],
    where: str,
    families: tuple[Family, ...],
    problems: list[Problem],
) -> Iterator[tuple[Family, Match]]:
    found: dict[Family, list[Match]] = {}
    for at, peer in enumerate(rule.peers or ()):
        if peer.block is not None:
            place = f"{where}.{to.peers}[{at}].ipBlock"
            read = _block(peer.block, to, place, families, problems)
            if read is not None:
                found.setdefault(read[0], []).append(read[1])
    for target in targets:
        for family, blocks in sorted(found.items()):
            yield family, all_of(at_group(to.port, target.group), any_of(*blocks), target.what)


def _block(
    asked: Block, to: Direction, where: str, families: tuple[Family, ...], problems: list[Problem]
) -> tuple[Family, Match] | None:
    part = "cidr"
    try:
        inside = parse_network(asked.cidr)
        part = "except"
        outside = [parse_network(text) for text in asked.excepts]
    except Malformed as malformed:
        problems.append(
            idle("PolicyPartWithoutEffect", f"{where}.{part} {malformed}. Until then it lets nothing through")
        )
        return None
    if inside.family not in families:
        wrong = f"{where}.cidr {inside} is of a family that no Subnet has; it has no effect, remove it"
        problems.append(idle("NoSuchFamily", wrong))
        return None
    if inside in outside:
        return None
    cut = [network for network in outside if _is_within(network, inside)]
    for network in outside:
        if network not in cut:
            wrong = f"{where}.except has {network}, which is not within its cidr {inside}; correct or remove it"
            problems.append(idle("ExceptOutside", wrong))
    return inside.family, block(inside.family, to.side, str(inside), map(str, cut))


def _is_within(one: Network, other: Network) -> bool:
    return one.overlaps(other) and one.prefix >= other.prefix
