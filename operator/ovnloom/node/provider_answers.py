"""What a node says about ProviderNetworks: labels of its own, and on its agent's Pod why it can't."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from ovnloom.api.node import Node
from ovnloom.api.pod import Pod
from ovnloom.api.providernetwork import DOMAIN
from ovnloom.node.view import View
from ovnloom.world.indexes import AGENT

ERROR = "err_mesg"
"""The annotation that says why a ProviderNetwork isn't ready on this node, behind the domain."""
LABEL = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?")
"""Values that a label can have; interfaces may have other names."""


class Outcome(NamedTuple):
    """What came of one ProviderNetwork on this host."""

    interface: str
    mtu: int
    problem: str = ""
    is_open: bool = False
    """It couldn't be looked at, so what was said before may still be so."""


def differing_labels(view: View, node: Node, outcomes: Mapping[str, Outcome]) -> dict[str, str | None]:
    """What has to change for the Node to say it; None removes. Labels of ProviderNetworks that are gone go."""
    wanted = {key: value for name, outcome in outcomes.items() for key, value in _said(name, outcome).items()}
    wanted |= {f"{name}{DOMAIN}exclude": "true" for name in view.provider_networks if name not in outcomes}
    kept = {name for name, outcome in outcomes.items() if outcome.is_open}
    changed: dict[str, str | None] = {}
    for key in node.labels:
        network, domain, _ = key.partition(DOMAIN)
        if domain and key not in wanted and network not in kept:
            changed[key] = None
    return changed | {key: value for key, value in wanted.items() if node.labels.get(key) != value}


def _said(name: str, outcome: Outcome) -> dict[str, str]:
    if outcome.problem:
        return {}
    said = {"ready": "true", "mtu": str(outcome.mtu)}
    if LABEL.fullmatch(outcome.interface):
        said["interface"] = outcome.interface
    return {f"{name}{DOMAIN}{word}": value for word, value in said.items()}


def agents(view: View) -> Iterator[Pod]:
    """The Pod of this agent; while it is being replaced, both."""
    for pod in view.pods.values():
        if pod.host_network and pod.labels.get("app") == AGENT and not pod.finished:
            yield pod


def differing_errors(agent: Pod, outcomes: Mapping[str, Outcome]) -> dict[str, str | None]:
    """What has to change for the agent's Pod to say why ProviderNetworks aren't ready on its node; None removes."""
    wanted = {f"{name}{DOMAIN}{ERROR}": outcome.problem for name, outcome in outcomes.items() if outcome.problem}
    gone = (key for key in agent.annotations if key.endswith(DOMAIN + ERROR) and key not in wanted)
    changed: dict[str, str | None] = dict.fromkeys(gone)
    return changed | {key: words for key, words in wanted.items() if agent.annotations.get(key) != words}


def says(labels: Mapping[str, str | None], name: str) -> bool:
    """Whether a change of labels is about this ProviderNetwork: an agent that starts anew has nothing to tell."""
    return any(key.startswith(name + DOMAIN) for key in labels)
