"""Which Pods a plan starts or stops isolating, and by which policies: read off the groups with ACLs that drop."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Literal, NamedTuple

from ovnloom.api.ip import IP
from ovnloom.api.meta import Key
from ovnloom.api.pod import Pod
from ovnloom.cli.addresses import counting
from ovnloom.intent import Ref
from ovnloom.northbound.wanted import Wanted
from ovnloom.ovn import names
from ovnloom.pipeline import Pipeline

Direction = Literal["ingress", "egress"]
Effect = Literal["isolates", "denies"]
Change = Literal["starts", "stops", "changes", "comes"]
DIRECTIONS: Mapping[object, Direction] = {"to-lport": "ingress", "from-lport": "egress"}
CLUSTER_WIDE = frozenset({"AdminNetworkPolicy", "BaselineAdminNetworkPolicy", "ClusterNetworkPolicy"})
"""Kinds whose drops are rules of their own: they deny some traffic and leave the rest to others."""


class Place(NamedTuple):
    """An interface of a Pod, a direction of its traffic, and what policies do there."""

    pod: Key
    network: str
    """`ovn` for the interface that every Pod has, else the provider of the attachment."""
    direction: Direction
    effect: Effect


State = Mapping[Place, frozenset[str]]
"""The policies that have an effect on a place; a place without any isn't there."""
MISSING = "SecurityGroups that don't exist"
"""Stands for the policies of a Pod that names nothing else."""


class Isolation(NamedTuple):
    """One place, and what becomes of it."""

    place: Place
    change: Change
    """`comes`: of a Pod that wasn't there before."""
    before: tuple[str, ...]
    after: tuple[str, ...]


def state(pipeline: Pipeline) -> State:
    """What all policies do to the Pods as the pipeline wants them now."""
    wanted, ips = pipeline.wanted, pipeline.world.tables[IP]
    drops = _drops(wanted)
    found: dict[Place, set[str]] = {}
    for pod, groups in _ports(wanted):
        for port, joined in groups.items():
            ip = ips.get(Key(port))
            network = names.provider_of(port, ip.pod_name, ip.namespace) if ip else port
            for direction, effect, policy in _effects(wanted, drops, joined):
                found.setdefault(Place(pod, network, direction, effect), set()).add(policy)
    return {place: frozenset(policies) for place, policies in found.items()}


def pods(pipeline: Pipeline) -> frozenset[Key]:
    """The Pods that are there."""
    return frozenset(pipeline.world.tables[Pod])


def changes(before: State, after: State, old: Collection[Key], new: Collection[Key]) -> list[Isolation]:
    """What differs, for the Pods in `new`; those that aren't in `old` come. Of Pods that go nothing is said."""
    found = []
    for place in sorted(before.keys() | after.keys(), key=_order):
        was, becomes = before.get(place, frozenset()), after.get(place, frozenset())
        if place.pod not in new or was == becomes:
            continue
        change: Change = "stops" if not becomes else "changes" if was else "starts" if place.pod in old else "comes"
        found.append(Isolation(place, change, tuple(sorted(was)), tuple(sorted(becomes))))
    return found


def _order(place: Place) -> tuple[object, ...]:
    return place.pod.namespace, counting(place.pod.name), place[1:]


def _drops(wanted: Wanted) -> Mapping[str, Collection[Direction]]:
    """The directions in which the ACLs of a group drop anything."""
    found: dict[str, set[Direction]] = {}
    for _, row in wanted.all_rows():
        if row.table == "ACL" and row.parent and row.parent.table == "Port_Group" and row.columns["action"] == "drop":
            found.setdefault(row.parent.name, set()).add(DIRECTIONS[row.columns["direction"]])
    return found


def _ports(wanted: Wanted) -> Iterator[tuple[Key, Mapping[str, list[str]]]]:
    """Every Pod that is in groups, with its ports and the groups of each."""
    for owner in wanted.owners():
        if owner.kind not in ("Pod", "Membership"):
            continue
        found: dict[str, list[str]] = {}
        for target, column, element in wanted.members(owner):
            if target.table == "Port_Group" and column == "ports" and isinstance(element, Ref):
                found.setdefault(element.name, []).append(target.name)
        if found:
            yield owner.key, found


def _effects(
    wanted: Wanted, drops: Mapping[str, Collection[Direction]], groups: Collection[str]
) -> Iterator[tuple[Direction, Effect, str]]:
    owners = {name: wanted.owner_of(Ref("Port_Group", name)) for name in groups}
    secured = [str(owner) for owner in owners.values() if owner is not None and owner.kind == "SecurityGroup"]
    for group, owner in owners.items():
        if owner is None or owner.kind == "SecurityGroup":
            continue
        # What SecurityGroups don't allow is denied by one group for all of them, missing ones too.
        policies = (secured or [MISSING]) if group == names.DENY_ALL_PORT_GROUP else [str(owner)]
        effect: Effect = "denies" if owner.kind in CLUSTER_WIDE else "isolates"
        for direction in drops.get(group, ()):
            yield from ((direction, effect, policy) for policy in policies)
