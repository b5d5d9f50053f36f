"""A cluster-wide policy is one Port_Group with the ACLs of its rules, before or after those of NetworkPolicies."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from ovnloom.api.adminnetworkpolicy import AdminNetworkPolicy
from ovnloom.api.baselineadminnetworkpolicy import BaselineAdminNetworkPolicy
from ovnloom.api.cluster_policy import ClusterPolicy
from ovnloom.api.clusternetworkpolicy import ClusterNetworkPolicy
from ovnloom.api.meta import Key
from ovnloom.compile.cluster_rows import (
    Slot,
    address_requests,
    closed_rows,
    deny_everything,
    rule_rows,
)
from ovnloom.compile.policy_match import DIRECTIONS, Direction
from ovnloom.intent import EMPTY, Intent, Problem, Report, Row
from ovnloom.ovn import names
from ovnloom.world.cluster_order import first_number, place
from ovnloom.world.cluster_policy import SHORT
from ovnloom.world.cluster_scale import OVN_TIERS, scale_of
from ovnloom.world.graph import Reader
from ovnloom.world.moments import Refused
from ovnloom.world.problem import idle, invalid

UNTIL = "Until then a rule that allows does so for nobody, and one that denies or passes denies all that it could mean"


def compiler(kind: type[ClusterPolicy]) -> Callable[[Reader, Key], Intent]:
    """The compile function of one of the kinds."""

    def compile_policy(read: Reader, key: Key) -> Intent:
        policy = read.get(kind, key)
        return EMPTY if policy is None else _compile(read, policy)

    return compile_policy


compile_adminnetworkpolicy = compiler(AdminNetworkPolicy)
compile_baselineadminnetworkpolicy = compiler(BaselineAdminNetworkPolicy)
compile_clusternetworkpolicy = compiler(ClusterNetworkPolicy)


def _compile(read: Reader, policy: ClusterPolicy) -> Intent:
    """The first rule that meets a packet of the policy's Pods decides about it, or passes it on to the next tier.

    Pods join the group themselves. What can't be expressed denies, and the policy says so.
    """
    group = names.cluster_policy_group(SHORT[type(policy)], policy.name)
    rows = [Row("Port_Group", group, {"name": group}), *address_requests(read, policy, group)]
    problems = [invalid("PolicyMalformed", f"{words}. {UNTIL}") for words in policy.malformed]
    refused = read.get(Refused, Refused.key_of(type(policy).__name__, policy.key))
    if refused is not None:
        wrong = f"OVN refuses the rules of this policy: {refused.words}; change them. Until then it denies all"
        problems.append(Problem("OvnRefused", wrong))
        rows.extend(closed_rows(read, policy, group))
    else:
        for direction in DIRECTIONS:
            rows.extend(_rules(read, policy, group, direction, problems))
    problems.extend(_shared(read, policy))
    return Intent(tuple(_distinct(rows)), problems=tuple(problems), report=Report(ready="PolicyApplied"))


def _rules(read: Reader, policy: ClusterPolicy, group: str, to: Direction, problems: list[Problem]) -> Iterator[Row]:
    """Each rule has its number; those for which older policies of the same priority leave none deny all, as one."""
    first, _ = first_number(read, policy)
    start = _start(read, policy)
    width, tier = scale_of(policy).width, OVN_TIERS[policy.tier]
    rules = policy.ingress if to.name == "ingress" else policy.egress
    room = width - start
    fitting = rules if len(rules) <= room else rules[: max(room - 1, 0)]
    for at, rule in enumerate(fitting):
        slot = Slot(group, tier, first - start - at, at)
        yield from rule_rows(read, policy, rule, slot, to, problems)
    if len(fitting) < len(rules):
        at = len(fitting)
        wrong = (
            f"spec.{to.name}[{at}] and the rules after it find no room: older policies of priority {policy.priority} "
            f"have {start} of its {width} places; use another priority. Until then they deny all"
        )
        problems.append(idle("NoRoomInPriority", wrong))
        yield from deny_everything(read, policy, Slot(group, tier, first - width + 1, at), to)


def _start(read: Reader, policy: ClusterPolicy) -> int:
    return read.view(place, (type(policy), policy.key, policy.tier, policy.priority)).start


def _shared(read: Reader, policy: ClusterPolicy) -> Iterator[Problem]:
    rivals = read.view(place, (type(policy), policy.key, policy.tier, policy.priority)).rivals
    if rivals:
        others = ", ".join(rivals[:5]) + (", …" if len(rivals) > 5 else "")
        wrong = (
            f"spec.priority {policy.priority} is also that of {others}, which may be about the same Pods; the API "
            "leaves open which one decides, here the older one does. Give each a priority of its own"
        )
        yield idle("PriorityNotUnique", wrong)
    if first_number(read, policy)[1]:
        wrong = f"spec.priority {policy.priority} finds no place of its own in OVN; use fewer priorities, or lower ones"
        yield idle("TooManyPriorities", wrong)


def _distinct(rows: list[Row]) -> Iterator[Row]:
    """Two rules that say the same are one ACL: the first."""
    seen: set[tuple[str, str]] = set()
    for row in rows:
        if row.ref not in seen:
            seen.add(row.ref)
            yield row
