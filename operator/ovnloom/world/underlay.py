"""Physical networks: how a Subnet hangs on one, and which nodes reach it."""

from __future__ import annotations

from typing import NamedTuple

from ovnloom.api.meta import Key
from ovnloom.api.node import Node
from ovnloom.api.providernetwork import LONGEST_NAME, ProviderNetwork
from ovnloom.api.vlan import Vlan
from ovnloom.intent import Problem
from ovnloom.world.graph import Reader
from ovnloom.world.indexes import AGENT_OF_NODE, USUAL_PROVIDER, VLANS_OF_PROVIDER
from ovnloom.world.problem import invalid, shown

REASON = "ValidateSubnetVlanFailed"
UNKNOWN = "the node agent hasn't answered yet"


class Uplink(NamedTuple):
    """Where an underlay Subnet leaves OVN: the physical network, and the tag of its frames (0: none)."""

    network: str
    tag: int


class Answer(NamedTuple):
    """Whether a node that takes part in a ProviderNetwork has its bridge, and if not, why."""

    is_ready: bool
    words: str = ""


def network_of(vlan: Vlan) -> str:
    """The ProviderNetwork that a Vlan is part of."""
    return vlan.provider or USUAL_PROVIDER


def conflict(read: Reader, name: str) -> str:
    """View: the older Vlan that has the same tag in the same ProviderNetwork; empty when there is none.

    What came later never takes from what was there, so the older one stays usable. Any number may be untagged.
    """
    vlan = read.get(Vlan, Key(name))
    if vlan is None or not vlan.id:
        return ""
    for other in read.find(VLANS_OF_PROVIDER, network_of(vlan)):
        if other.name == name:
            return ""
        if other.id == vlan.id:
            return other.name
    return ""


def wrong_network(network: ProviderNetwork) -> tuple[Problem, ...]:
    """What makes a ProviderNetwork unusable on every node."""
    wrong = list(network.malformed)
    if len(network.name) > LONGEST_NAME:
        wrong.append(
            f"metadata.name has {len(network.name)} characters, and the bridge br-<name> may have 15; "
            f"choose a name of at most {LONGEST_NAME}"
        )
    if not network.default_interface and not network.custom_interfaces:
        wrong.append("spec.defaultInterface is empty; name the interface that reaches the physical network")
    return tuple(invalid("ValidateProviderNetworkFailed", sentence) for sentence in wrong)


def network_state(read: Reader, name: str) -> str:
    """View: why a ProviderNetwork can't be used; empty when it can."""
    network = read.get(ProviderNetwork, Key(name))
    if network is None:
        return f"ProviderNetwork {shown(name)} does not exist; create it"
    if wrong_network(network):
        return f"ProviderNetwork {name} can't be used as it is written, see its conditions; repair it"
    return ""


def uplink(read: Reader, name: str) -> Uplink | Problem:
    """View: where Subnets of a Vlan leave OVN, or why they can't use it."""
    vlan = read.get(Vlan, Key(name))
    if vlan is None:
        return invalid(REASON, f"spec.vlan is {shown(name)}, and there is no such Vlan; create it or name another")
    if vlan.malformed:
        return invalid(REASON, f"Vlan {name} can't be used as it is written: {vlan.malformed[0]}")
    older = read.view(conflict, name)
    if older:
        wrong = f"Vlan {name} has the same id as Vlan {older} in ProviderNetwork {network_of(vlan)}"
        return invalid(REASON, f"spec.vlan is {name}, but {wrong}; give it another id, or name {older}")
    wrong = read.view(network_state, network_of(vlan))
    if wrong:
        return invalid(REASON, f"spec.vlan is {name}, but its {wrong}")
    return Uplink(network_of(vlan), vlan.id)


def answer(read: Reader, place: tuple[str, str]) -> Answer | None:
    """View: what a node says about a ProviderNetwork; None when it doesn't take part, or doesn't exist.

    Agents label their node when the bridge is there; why it isn't they write on their own Pod.
    """
    name, node_name = place
    network, node = read.get(ProviderNetwork, Key(name)), read.get(Node, Key(node_name))
    if network is None or node is None or not network.selects(node_name, node.labels):
        return None
    if node.labels.get(network.label("ready")) == "true":
        return Answer(is_ready=True)
    for agent in read.find(AGENT_OF_NODE, node_name):
        words = agent.annotations.get(network.label("err_mesg"))
        if words:
            return Answer(is_ready=False, words=words)
    return Answer(is_ready=False, words=UNKNOWN)
