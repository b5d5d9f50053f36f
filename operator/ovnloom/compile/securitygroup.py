"""A SecurityGroup is one Port_Group with an ACL for each of its rules."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import md5
from json import dumps

from ovnloom.api.meta import Key
from ovnloom.api.securitygroup import SecurityGroup, SecurityRule
from ovnloom.compile.security_rows import (
    BEFORE_FIRST,
    FIRST_TIER,
    LAST_TIER,
    SAME_GROUP,
    Direction,
    group_row,
    here,
    security_acl,
    there,
)
from ovnloom.intent import EMPTY, Intent, Problem, Report, Row
from ovnloom.ipam import FAMILIES, Family
from ovnloom.ovn import match as words
from ovnloom.ovn import names
from ovnloom.ovn.match import NOTHING, Match, all_of, any_of, between, family_of, from_set, ip_side, is_value, to_set
from ovnloom.world.graph import Reader
from ovnloom.world.moments import Refused
from ovnloom.world.problem import invalid
from ovnloom.world.security_rule import REASON, Judgement, Meaning, judge
from ovnloom.world.securitygroup import port_group, wrong_group

IPS = {4: words.IP4, 6: words.IP6}
PROTOCOLS: dict[str, dict[Family, Match]] = {
    "icmp": {4: words.ICMP4, 6: words.ICMP6},
    "tcp": {4: words.TCP, 6: words.TCP},
    "udp": {4: words.UDP, 6: words.UDP},
}
ACTIONS = {"allow": "allow-related", "drop": "drop", "pass": "pass"}
STRICTEST = ("drop", "pass", "allow-related")
"""Of two rules that differ in nothing but their policy the first of these counts."""


def compile_securitygroup(read: Reader, key: Key) -> Intent:
    """A SecurityGroup is one Port_Group with an ACL for each of its rules; Pods join it by their annotation.

    A rule with a mistake allows nothing, and the others stand; a group with a mistake outside of its rules has none.
    What no rule allows is denied by the group of all such Pods.
    """
    group, name = read.get(SecurityGroup, key), read.view(port_group, key.name)
    if group is None or name is None:
        return EMPTY
    wrong = wrong_group(group)
    ingress = [judge(read, group, rule) for rule in group.ingress]
    egress = [judge(read, group, rule) for rule in group.egress]
    rows = [group_row(name, group.name)]
    refused = read.get(Refused, Refused.key_of("SecurityGroup", key))
    is_applied = not wrong and refused is None
    if is_applied:
        tier = FIRST_TIER if group.tier == 0 else LAST_TIER
        rows += _acls(name, "to-lport", tier, group.allow_same_group_traffic, ingress)
        rows += _acls(name, "from-lport", tier, group.allow_same_group_traffic, egress)
    of_rules = (problem for found in (*ingress, *egress) for problem in found.wrong)
    problems = [*(invalid(REASON, sentence) for sentence in wrong), *of_rules]
    if refused is not None:
        denies = (
            f"OVN refuses the rules of this group: {refused.words}; change them. Until then it lets nothing through"
        )
        problems.append(Problem("OvnRefused", denies))
    status = {
        "portGroup": name,
        "allowSameGroupTraffic": group.allow_same_group_traffic,
        "ingressMd5": _hash(group.ingress),
        "egressMd5": _hash(group.egress),
        "ingressLastSyncSuccess": is_applied and not any(found.wrong for found in ingress),
        "egressLastSyncSuccess": is_applied and not any(found.wrong for found in egress),
    }
    return Intent(tuple(rows), problems=tuple(problems), report=Report(status=status, ready="SecurityGroupSynced"))


def _hash(rules: tuple[SecurityRule, ...]) -> str:
    """The same for the same rules, in whichever version and process: tools see by it that rules changed."""
    said = [[value for name, value in rule._asdict().items() if name not in ("path", "malformed")] for rule in rules]
    return md5(dumps(said).encode(), usedforsecurity=False).hexdigest()


def _acls(group: str, direction: Direction, tier: int, allows_same: bool, judged: list[Judgement]) -> Iterator[Row]:
    found: dict[str, Row] = {}
    for path, meaning in ((one.path, one.meaning) for one in judged if one.meaning is not None):
        priority, action = BEFORE_FIRST - meaning.priority, ACTIONS[meaning.policy]
        row = security_acl(group, direction, tier, priority, _match(direction, meaning), action, path)
        same = found.get(row.name)
        if same is None or _strictness(row) < _strictness(same):
            found[row.name] = row
    yield from found.values()
    for family in FAMILIES if allows_same else ():
        match = all_of(IPS[family], _remote_set(direction, family, group))
        yield security_acl(group, direction, tier, SAME_GROUP, match, ACTIONS["allow"], "spec.allowSameGroupTraffic")


def _strictness(row: Row) -> int:
    return STRICTEST.index(str(row.columns["action"]))


def _match(direction: Direction, meaning: Meaning) -> Match:
    """The packets that a rule is about; a rule about both families is one that was only understood in part."""
    if len(meaning.families) > 1:
        return any_of(*(_match(direction, meaning._replace(families=(family,))) for family in meaning.families))
    family = meaning.families[0]
    terms = [IPS[family]]
    if meaning.remote_group:
        terms.append(_remote_set(direction, family, meaning.remote_group))
    for side, address in ((there(direction), meaning.remote), (here(direction), meaning.local)):
        if address and family_of(address) != family:
            return NOTHING
        if address:
            terms.append(is_value(ip_side(family, side), address))
    if meaning.protocol and not (meaning.ports or meaning.source_ports):
        terms.append(PROTOCOLS[meaning.protocol][family])
    for side, span in (("dst", meaning.ports), ("src", meaning.source_ports)):
        if span:
            terms.append(between(f"{meaning.protocol}.{side}", *span))
    return all_of(*terms)


def _remote_set(direction: Direction, family: Family, group: str) -> Match:
    addresses = names.group_addresses(group, family)
    return from_set(family, addresses) if direction == "to-lport" else to_set(family, addresses)
