"""The indexes by which Pods find the cluster-wide policies about them, and these policies each other."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ovnloom.api.cluster_policy import ClusterPolicy
from ovnloom.world.cluster_policy import KINDS, peer_selections, subject
from ovnloom.world.cluster_scale import scale_of
from ovnloom.world.world import Index


def _by_age(policy: ClusterPolicy) -> Any:
    return policy.meta.created, policy.key


BY_SUBJECT: Mapping[type, Index[Any]] = {
    kind: Index(f"{kind.__name__} by subject", kind, lambda policy: (subject(policy).key,)) for kind in KINDS
}
BY_PEER: Mapping[type, Index[Any]] = {
    kind: Index(f"{kind.__name__} by peer", kind, lambda policy: {one.key for one in peer_selections(policy)})
    for kind in KINDS
}
BY_PRIORITY: Mapping[type, Index[Any]] = {
    kind: Index(f"{kind.__name__} by priority", kind, lambda policy: ((policy.tier, policy.priority),), _by_age)
    for kind in KINDS
}
BEYOND: Mapping[type, Index[Any]] = {
    kind: Index(
        f"{kind.__name__} beyond the formula",
        kind,
        lambda policy: (policy.tier,) if policy.priority > scale_of(policy).last else (),
    )
    for kind in KINDS
}
"""Policies whose priority the formula of the contract doesn't reach."""

CLUSTER_INDEXES: tuple[Index[Any], ...] = tuple(
    index for indexes in (BY_SUBJECT, BY_PEER, BY_PRIORITY, BEYOND) for index in indexes.values()
)
