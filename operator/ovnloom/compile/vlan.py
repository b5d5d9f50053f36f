"""A Vlan has no rows of its own: its Subnets carry its tag."""

from __future__ import annotations

from ovnloom.api.meta import Key
from ovnloom.api.vlan import Vlan
from ovnloom.intent import EMPTY, Intent, Problem, Report
from ovnloom.world.graph import Reader
from ovnloom.world.indexes import SUBNETS_OF_VLAN
from ovnloom.world.problem import invalid
from ovnloom.world.underlay import conflict, network_of, network_state

REASON = "ValidateVlanFailed"


def compile_vlan(read: Reader, key: Key) -> Intent:
    """A Vlan says which Subnets use it, and whether an older one has its id."""
    vlan = read.get(Vlan, key)
    if vlan is None:
        return EMPTY
    network, older = network_of(vlan), read.view(conflict, key.name)
    problems = [invalid(REASON, sentence) for sentence in vlan.malformed]
    if older:
        wrong = f"spec.id is {vlan.id}, which Vlan {older} of ProviderNetwork {network} has already; choose another"
        problems.append(invalid("VlanConflict", f"{wrong}. Until then no Subnet can begin to use it"))
    missing = read.view(network_state, network)
    if missing:
        problems.append(Problem("ProviderNetworkUnusable", f"spec.provider: {missing}"))
    report = Report(
        spec={} if vlan.provider else {"provider": network},
        status={
            "subnets": sorted(found.name for found in read.keys_of(SUBNETS_OF_VLAN, key.name)),
            "conflict": bool(older),
        },
        ready="ReconcileVlanSuccess",
    )
    return Intent(problems=tuple(problems), report=report)
