"""A NetworkPolicy is one Port_Group with the ACLs that isolate its Pods and let through what its rules say."""

from __future__ import annotations

from collections.abc import Iterator

from ovnloom.api.meta import Key
from ovnloom.api.networkpolicy import NetworkPolicy
from ovnloom.compile.policy_log import Logging, logging
from ovnloom.compile.policy_match import DIRECTIONS, Direction
from ovnloom.compile.policy_rules import rule_acls
from ovnloom.compile.rows import group_acl
from ovnloom.intent import EMPTY, Intent, Problem, Row
from ovnloom.ovn import names
from ovnloom.ovn.match import IP, SCTP, TCP, UDP, all_of, any_of, at_group
from ovnloom.world.graph import Reader
from ovnloom.world.moments import Refused, Taken
from ovnloom.world.policy import FOR, group_name, unread_providers
from ovnloom.world.problem import idle, shown
from ovnloom.world.selectors import policy_group

DROP = 2000
"""Priority of the contract: what no rule lets through."""
ENFORCEMENT = "ovn.kubernetes.io/network_policy_enforcement"
LAX, STANDARD = "lax", "standard"


def compile_networkpolicy(read: Reader, key: Key) -> Intent:
    """The Pods that a NetworkPolicy selects are cut off, in each of its directions, from what no rule lets through.

    Pods join the group themselves. A part that can't be understood lets nothing through, and the policy says so. Rules
    that OVN refuses are left out: then the policy denies all.
    """
    policy = read.get(NetworkPolicy, key)
    if policy is None:
        return EMPTY
    group = read.view(policy_group, key)
    problems = [idle("PolicyPartWithoutEffect", f"{words}. {_until(words)}") for words in policy.malformed]
    logs = logging(policy, group, problems)
    rows = [Row("Port_Group", group, {"name": group, "external_ids": {names.KEY_POLICY: names.policy_key(*key)}})]
    rows.extend(logs.rows)
    is_lax = _is_lax(read, policy, problems)
    problems.extend(
        idle("UnknownNetwork", f"annotation {FOR} has {shown(item)}; use ovn or namespace/definition")
        for item in unread_providers(policy)
    )
    if read.get(Taken, key) is not None:
        wrong = f"Port_Group {group_name(key)} in OVN is somebody else's, so this policy's is {group}; remove the other"
        problems.append(idle("GroupNameTaken", wrong))
    refused = read.get(Refused, Refused.key_of("NetworkPolicy", key))
    for to in DIRECTIONS:
        if to.name.capitalize() not in policy.isolates:
            continue
        rows.append(_drop(policy, group, to, logs, is_lax))
        if refused is None:
            rows.extend(rule_acls(read, policy, group, to, logs, problems))
    if refused is not None:
        wrong = f"OVN refuses the rules of this policy: {refused.words}; change them. Until then it denies all"
        problems.append(Problem("OvnRefused", wrong))
    return Intent(tuple(_distinct(rows)), problems=tuple(problems))


def _until(words: str) -> str:
    if words.startswith(("spec.ingress", "spec.egress")):
        return "Until then it lets nothing through"
    if words.startswith("spec.podSelector"):
        return "Until then the policy is about all Pods of its namespace"
    return "Until then both directions are isolated"


def _drop(policy: NetworkPolicy, group: str, to: Direction, logs: Logging, is_lax: bool) -> Row:
    what = any_of(TCP, UDP, SCTP) if is_lax else IP
    name = names.policy_drop_acl(policy.name, policy.namespace)
    match = all_of(at_group(to.port, group), what)
    ids = {names.KEY_RULE: f"spec.policyTypes {to.name}"}
    return group_acl(group, to.lport, DROP, match, "drop", ids=ids, name=name, log=logs.of("drop", to.name, name))


def _is_lax(read: Reader, policy: NetworkPolicy, problems: list[Problem]) -> bool:
    asked = policy.annotations.get(ENFORCEMENT, read.settings.np_enforcement)
    if asked not in (LAX, STANDARD):
        problems.append(idle("UnknownEnforcement", f"annotation {ENFORCEMENT} is {shown(asked)}; use standard or lax"))
    return asked == LAX


def _distinct(rows: list[Row]) -> Iterator[Row]:
    """Two rules that say the same are one ACL."""
    seen: set[tuple[str, str]] = set()
    for row in rows:
        if row.ref not in seen:
            seen.add(row.ref)
            yield row
