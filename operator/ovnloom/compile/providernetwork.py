"""A ProviderNetwork has no rows: node agents make its bridges, and this is what they say of it."""

from __future__ import annotations

from ovnloom.api.meta import Key
from ovnloom.api.node import Node
from ovnloom.api.providernetwork import ProviderNetwork
from ovnloom.intent import EMPTY, Intent, NodeCondition, Report
from ovnloom.world.graph import Reader
from ovnloom.world.indexes import VLANS_OF_PROVIDER
from ovnloom.world.underlay import answer, wrong_network


def compile_providernetwork(read: Reader, key: Key) -> Intent:
    """A ProviderNetwork is ready when every node that takes part has its bridge, and there is one."""
    network = read.get(ProviderNetwork, key)
    if network is None:
        return EMPTY
    ready: list[str] = []
    waiting: list[str] = []
    conditions: list[NodeCondition] = []
    for node in sorted(read.keys(Node)):
        found = read.view(answer, (key.name, node.name))
        if found is None:
            continue
        (ready if found.is_ready else waiting).append(node.name)
        reason = "InitOVSBridgeSucceeded" if found.is_ready else "InitOVSBridgeFailed"
        conditions.append(NodeCondition(node.name, found.is_ready, reason, found.words))
    report = Report(
        status={
            "ready": bool(ready) and not waiting,
            "readyNodes": ready,
            "notReadyNodes": waiting,
            "vlans": sorted(vlan.name for vlan in read.keys_of(VLANS_OF_PROVIDER, key.name)),
        },
        ready="ReconcileProviderNetworkSuccess",
        nodes=tuple(conditions),
    )
    return Intent(problems=wrong_network(network), report=report)
