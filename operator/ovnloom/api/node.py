"""A Node: its addresses, whether it can carry traffic, its labels and annotations."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from ovnloom.api.meta import Object, decode_meta, key_of, part, text

LEAVING = "ToBeDeletedByClusterAutoscaler"
"""Taint of a node that is about to go: https://kubernetes.io/docs/reference/labels-annotations-taints/"""
KEPT = ("ovn.kubernetes.io/", ".provider-network.kubernetes.io/", "ovnloom.io/")


@dataclass(frozen=True, slots=True)
class Node(Object):
    """Ready means: the kubelet says so, and nobody says that the node's network is unavailable."""

    internal_ips: tuple[str, ...] = ()
    ready: bool = False
    is_leaving: bool = False
    """The autoscaler is about to delete it, so load balancers outside should look elsewhere."""

    @classmethod
    def decode(cls, body: Mapping[str, Any]) -> Self:
        """The Node in a JSON body; heartbeats make no difference to it."""
        status = part(body, "status")
        return cls(
            key=key_of(body),
            meta=decode_meta(body, KEPT),
            internal_ips=_internal_ips(status.get("addresses")),
            ready=_ready(status.get("conditions")),
            is_leaving=_leaving(part(body, "spec").get("taints")),
        )


def _internal_ips(found: Any) -> tuple[str, ...]:
    if not isinstance(found, list):
        return ()
    items = [item for item in found if isinstance(item, dict) and item.get("type") == "InternalIP"]
    return tuple(filter(None, (text(item, "address") for item in items)))


def _ready(found: Any) -> bool:
    if not isinstance(found, list):
        return False
    state = {text(item, "type"): text(item, "status") for item in found if isinstance(item, dict)}
    return state.get("Ready") == "True" and state.get("NetworkUnavailable") != "True"


def _leaving(found: Any) -> bool:
    return isinstance(found, list) and any(isinstance(item, dict) and item.get("key") == LEAVING for item in found)
