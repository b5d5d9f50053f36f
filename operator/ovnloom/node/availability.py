"""The condition NetworkUnavailable of this Node: the scheduler gives no Pods to a node that says True."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from ovnloom import log
from ovnloom.api.node import Node
from ovnloom.kube.client import Client
from ovnloom.kube.failures import Conflict, NotFound
from ovnloom.world.tables import BY_TYPE

logger = log.get("join")

TYPE = "NetworkUnavailable"
REACHABLE, UNREACHABLE = "JoinSubnetGatewayReachable", "JoinSubnetGatewayUnreachable"
TRIES = 5
"""The kubelet writes the same status; each time one of both has to read it again."""


class Availability:
    """Says it when it changes, once, and again to a Node that was deleted and made anew."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._told: tuple[str, bool] | None = None
        """The uid of the Node, and whether its network is there."""

    async def say(self, node: Node | None, silent: Sequence[str]) -> bool:
        """The Node's condition says whether all gateways answer; whether that was news. Raises Unavailable."""
        if node is None:
            return False
        # A Node that isn't ready may be so because somebody else wrote the condition: then the cluster is asked.
        told = (node.meta.uid, not silent)
        if told == self._told and (node.ready or silent):
            return False
        for _ in range(TRIES):
            try:
                is_news = await self._write(node, silent)
            except Conflict:
                continue
            except NotFound:
                return False
            self._told = told
            return is_news
        return False

    async def _write(self, node: Node, silent: Sequence[str]) -> bool:
        body = await self._client.get(BY_TYPE[Node], node.key)
        found = body.get("status", {}).get("conditions", [])
        conditions = changed(found, silent, datetime.now(UTC))
        if conditions is None:
            return False
        # A merge patch has lists as a whole, so it only holds for the version that was read.
        patch = {
            "metadata": {"resourceVersion": body["metadata"]["resourceVersion"]},
            "status": {"conditions": conditions},
        }
        await self._client.patch(BY_TYPE[Node], node.key, patch, subresource="status")
        logger.info("node said", condition=TYPE, status="True" if silent else "False", node=node.name)
        return True


def changed(found: Sequence[Mapping[str, Any]], silent: Sequence[str], now: datetime) -> list[Mapping[str, Any]] | None:
    """The conditions of a Node with ours as it should be; None when it is already."""
    status, reason = ("True", UNREACHABLE) if silent else ("False", REACHABLE)
    old = next((each for each in found if each.get("type") == TYPE), None)
    if old is not None and (old.get("status"), old.get("reason")) == (status, reason):
        return None
    stamp = now.strftime("%Y-%m-%dT%H:%M:%SZ")
    is_same = old is not None and old.get("status") == status
    ours = {
        "type": TYPE,
        "status": status,
        "reason": reason,
        "message": f"gateway {', '.join(silent)} of the join Subnet doesn't answer" if silent else "ovn0 is connected",
        "lastHeartbeatTime": stamp,
        "lastTransitionTime": old.get("lastTransitionTime", stamp) if is_same and old is not None else stamp,
    }
    return [*(each for each in found if each.get("type") != TYPE), ours]
