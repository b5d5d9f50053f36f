"""What users of Pods are told by Events: failures always, what went well never."""

from __future__ import annotations

import re

from ovnloom.api.meta import Key
from ovnloom.api.pod import Pod
from ovnloom.kube.events import About, Events

CONFIGURE_FAILED = "PodNetworkConfigureFailed"
REMOVE_FAILED = "PodNetworkRemoveFailed"
LIMITS_SET, LIMITS_FAILED = "PodQoSUpdated", "PodQoSUpdateFailed"
GATEWAY_SILENT = "PodGatewaySilent"
OURS = frozenset({CONFIGURE_FAILED, REMOVE_FAILED, LIMITS_SET, LIMITS_FAILED, GATEWAY_SILENT})
"""Reasons of the node's Events: about what the controller says, they say nothing."""
_CONTAINER = re.compile(r"\b[0-9a-f]{64}\b|\bcni-[0-9a-f-]{36}\b|\b[0-9a-f]{8,12}_(?:\w{1,4}_)?h\b")
"""Ids of containers, and the names of network namespaces and interfaces that are made of them."""


class PodEvents:
    """Events about Pods of this node."""

    def __init__(self, events: Events) -> None:
        self._events = events

    def tell(self, pod: Pod | None, key: Key, reason: str, message: str, *, is_warning: bool = True) -> None:
        """There will be an Event; without ids of containers, which would make each try an Event of its own."""
        about = About("v1", "Pod", key, pod.uid if pod else "")
        self._events.tell(about, reason, _CONTAINER.sub("…", message), is_warning=is_warning)
