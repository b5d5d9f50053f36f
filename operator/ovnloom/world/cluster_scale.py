"""From the priorities of cluster-wide policies to those of ACLs: how much room each kind has."""

from __future__ import annotations

from dataclasses import dataclass

from ovnloom.api.adminnetworkpolicy import AdminNetworkPolicy
from ovnloom.api.baselineadminnetworkpolicy import BaselineAdminNetworkPolicy
from ovnloom.api.cluster_policy import HIGHEST, ClusterPolicy, Tier


@dataclass(frozen=True, slots=True)
class Scale:
    """A policy of priority p has `width` numbers down from `top - p * width`, up to priority `last`.

    Beyond that the priorities that are in use share the numbers down from `rest`, in their order: `places` of them.
    """

    top: int
    width: int
    last: int = HIGHEST
    rest: int = 0
    places: int = 0

    def formula(self, priority: int) -> int:
        """The first number of a priority up to `last`."""
        return self.top - priority * self.width

    def place(self, rank: int) -> int:
        """The first number of the n-th priority beyond, counted from 0; those that find no room share the last."""
        return self.rest - min(rank, self.places - 1) * self.width


ADMIN_OVN_TIER, BASELINE_OVN_TIER = 1, 3
OVN_TIERS: dict[Tier, int] = {"Admin": ADMIN_OVN_TIER, "Baseline": BASELINE_OVN_TIER}
ANP = Scale(30000, 100, last=99, rest=20000, places=199)
BANP = Scale(1800, 100)
CNP_ADMIN = Scale(30000, 25)
CNP_BASELINE = Scale(30000, 25, last=399, rest=20000, places=60)
"""Above 18484, the first number of SecurityGroups, whose rules are in the same tier."""


def scale_of(policy: ClusterPolicy) -> Scale:
    """The numbers of the contract (northbound.md, 9), and of priorities that it leaves out."""
    if isinstance(policy, AdminNetworkPolicy):
        return ANP
    if isinstance(policy, BaselineAdminNetworkPolicy):
        return BANP
    return CNP_ADMIN if policy.tier == "Admin" else CNP_BASELINE
