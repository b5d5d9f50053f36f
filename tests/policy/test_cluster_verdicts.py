"""Policies of administrators and users together let through what their APIs say, in hundreds of small worlds."""

from collections.abc import Callable

import pytest
import yaml

from ovnloom.pipeline import Pipeline
from ovnloom.settings import Settings
from sandbox import Ovn
from tests.northbound.conftest import Controller
from tests.policy.cluster_worlds import cluster_histories, cluster_worlds
from tests.policy.compare import TRACED, WORLDS, check_telling, check_traced, check_whole, search
from tests.policy.compiled import Compiled
from tests.policy.reference_cluster import ClusterReference
from tests.policy.worlds import World, namespace

PARTS = 4
SHARE, CHANGED = 6, 50
"""One of these worlds for so many without administrators, and one that changes."""


@pytest.mark.timeout(60 + WORLDS)
@pytest.mark.parametrize("part", range(PARTS))
def test_tiers_decide_in_their_order_and_rules_in_theirs(part: int) -> None:
    """An administrator's rule that a user can get around is worse than none."""

    def check(world: World) -> None:
        compiled = Compiled(world)
        check_telling(compiled, ClusterReference(compiled.bodies))

    search(cluster_worlds(), check, 200 + part, WORLDS // SHARE // PARTS)


@pytest.mark.timeout(60 + WORLDS)
def test_tiers_decide_so_after_policies_have_changed_their_places() -> None:
    """Priorities, tiers and subjects change while rows are there, and numbers of ACLs follow from those of others."""

    def check(states: tuple[World, ...]) -> None:
        pipeline = Pipeline(Settings())
        for world in states:
            compiled = Compiled(world, pipeline)
            check_telling(compiled, ClusterReference(compiled.bodies))

    search(cluster_histories(), check, 250, WORLDS // CHANGED)


@pytest.mark.timeout(120 + 2 * TRACED)
def test_ovn_passes_from_tier_to_tier_as_the_apis_say(own_ovn: Ovn, controllers: Callable[..., Controller]) -> None:
    """Tiers are OVN's own, and our reading of them could be as wrong as the rows."""
    controller = controllers(own_ovn.nb).lock()

    def check(world: World) -> None:
        compiled = Compiled(world)
        check_traced(compiled, ClusterReference(compiled.bodies), own_ovn, controller)

    search(cluster_worlds(), check, 300, TRACED // 2)


OWN_NODE = """
{apiVersion: v1, kind: Pod, metadata: {name: p, namespace: one, uid: p}, spec: {nodeName: n1}}
---
apiVersion: policy.networking.k8s.io/v1alpha1
kind: AdminNetworkPolicy
metadata: {name: passing, uid: passing}
spec: {priority: 0, subject: {namespaces: {}}}
---
apiVersion: policy.networking.k8s.io/v1alpha1
kind: BaselineAdminNetworkPolicy
metadata: {name: default, uid: default}
spec: {subject: {namespaces: {}}, egress: [{action: Deny, to: [{nodes: {}}]}]}
"""


def test_a_baseline_policy_keeps_pods_from_their_own_node() -> None:
    """That nothing keeps a Pod from its node is said of NetworkPolicies only."""
    world = World((0,), {"ovn-default": (0,)}, (namespace("one", {}), *yaml.safe_load_all(OWN_NODE)))
    compiled = Compiled(world)

    check_whole(compiled, ClusterReference(compiled.bodies))
