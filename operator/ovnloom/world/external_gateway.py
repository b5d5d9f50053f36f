"""Which nodes lead to networks outside, where a ConfigMap chooses them."""

from __future__ import annotations

from ovnloom.api.configmap import ConfigMap
from ovnloom.api.meta import Key
from ovnloom.api.node import Node
from ovnloom.intent import Report
from ovnloom.world.graph import Reader

CONFIG = Key("ovn-external-gw-config", "kube-system")
ABSENT = ConfigMap(CONFIG, texts={"enable-external-gw": "false"})
"""What stands for a ConfigMap that isn't there; None means that nobody knows yet."""
LABEL = "ovn.kubernetes.io/external-gw"
CHOSEN = "ovnloom.io/external-gw"
"""Annotation on a Node whose label is ours: others are their users', once there is no ConfigMap."""


def chosen(read: Reader, _: None) -> frozenset[str] | None:
    """View: the nodes that the ConfigMap names; None while it chooses none and leaves labels alone."""
    config = read.get(ConfigMap, CONFIG)
    if config is None or config.texts.get("enable-external-gw") == "false":
        return None
    return frozenset(filter(None, map(str.strip, config.texts.get("external-gw-nodes", "").split(","))))


def is_chosen(read: Reader, node: str) -> bool | None:
    """View: whether the ConfigMap names the node; None while it chooses none."""
    names = read.view(chosen, None)
    return None if names is None else node in names


def is_known(read: Reader, _: None) -> bool:
    """View: somebody has looked whether there is a ConfigMap."""
    return read.get(ConfigMap, CONFIG) is not None


def choice(read: Reader, node: Node) -> Report:
    """What the Node says about it: the label that Kube-OVN's tools look at, and whether it is ours."""
    if not read.view(is_known, None):
        return Report()
    wanted, is_ours = read.view(is_chosen, node.name), CHOSEN in node.annotations
    if wanted:
        return Report(labels={LABEL: "true"}, annotations={CHOSEN: "true"})
    # A ConfigMap that chooses speaks for all nodes; without one only what it had chosen is taken back.
    if (wanted is False or is_ours) and node.labels.get(LABEL) == "true":
        return Report(labels={LABEL: "false"}, annotations={CHOSEN: None})
    return Report(annotations={CHOSEN: None}) if is_ours else Report()
