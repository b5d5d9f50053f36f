"""Which numbers the rules of a cluster-wide policy have among those of others: its first, and who shares them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from ovnloom.api.cluster_policy import ClusterPolicy, Tier
from ovnloom.api.meta import Key
from ovnloom.ovn import names
from ovnloom.world.cluster_indexes import BEYOND, BY_PRIORITY
from ovnloom.world.cluster_policy import may_meet, subject
from ovnloom.world.cluster_scale import scale_of
from ovnloom.world.graph import Reader


class Place(NamedTuple):
    """Where the rules of a policy stand among those of its priority."""

    start: int = 0
    """How many numbers older policies have that may be about the same Pods."""
    rivals: tuple[str, ...] = ()
    """All policies of this priority that may decide about the same traffic."""


def first_number(read: Reader, policy: ClusterPolicy) -> tuple[int, bool]:
    """The ACL priority of the first rule of the policy's priority, and whether it had to be shared with another one."""
    scale = scale_of(policy)
    if policy.priority <= scale.last:
        return scale.formula(policy.priority), False
    rank = read.view(beyond, (type(policy), policy.tier)).index(policy.priority)
    return scale.place(rank), rank >= scale.places


def beyond(read: Reader, of: tuple[type[ClusterPolicy], Tier]) -> tuple[int, ...]:
    """View: the priorities in use that the formula doesn't reach."""
    kind, tier = of
    return tuple(sorted({policy.priority for policy in read.find(BEYOND[kind], tier)}))


def place(read: Reader, of: tuple[type[ClusterPolicy], Key, Tier, int]) -> Place:
    """View: a policy's place among those of its priority."""
    kind, key, tier, priority = of
    return read.view(places, (kind, tier, priority)).get(key.name, Place())


def places(read: Reader, of: tuple[type[ClusterPolicy], Tier, int]) -> Mapping[str, Place]:
    """View: the places of all policies of a priority. Their order isn't defined by the API: the older comes first.

    Policies that can't be about the same Pods use the same numbers.
    """
    kind, tier, priority = of
    policies = read.find(BY_PRIORITY[kind], (tier, priority))
    if len(policies) < 2:
        return {}
    starts: dict[str, int] = {}
    rivals: dict[str, list[str]] = {policy.name: [] for policy in policies}
    subjects = [subject(policy) for policy in policies]
    for at, policy in enumerate(policies):
        starts[policy.name] = 0
        for older, who in zip(policies[:at], subjects, strict=False):
            if not _is_rival(older, policy) or not may_meet(who, subjects[at]):
                continue
            starts[policy.name] = max(starts[policy.name], starts[older.name] + _length(older))
            rivals[policy.name].append(older.name)
            rivals[older.name].append(policy.name)
    return {name: Place(start, tuple(sorted(rivals[name]))) for name, start in starts.items()}


def _is_rival(one: ClusterPolicy, other: ClusterPolicy) -> bool:
    return bool((one.ingress and other.ingress) or (one.egress and other.egress))


def _length(policy: ClusterPolicy) -> int:
    return max(len(policy.ingress), len(policy.egress))


def admin_group(_: Reader, key: Key) -> str:
    """View: the group of the Pods that an AdminNetworkPolicy is about."""
    return names.cluster_policy_group("anp", key.name)


def baseline_group(_: Reader, key: Key) -> str:
    """View: the group of the Pods that a BaselineAdminNetworkPolicy is about."""
    return names.cluster_policy_group("banp", key.name)


def cluster_group(_: Reader, key: Key) -> str:
    """View: the group of the Pods that a ClusterNetworkPolicy is about."""
    return names.cluster_policy_group("cnp", key.name)
