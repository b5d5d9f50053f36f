"""The one ConfigMap that chooses external gateway nodes: asked for by name, since a cluster may have thousands."""

from __future__ import annotations

import asyncio
from typing import Any

from ovnloom import log
from ovnloom.api.configmap import ConfigMap
from ovnloom.api.meta import Key
from ovnloom.controller.inbox import Inbox
from ovnloom.errors import Refused
from ovnloom.kube.client import Client
from ovnloom.kube.follow import follow
from ovnloom.world.external_gateway import ABSENT, CONFIG
from ovnloom.world.tables import Table

logger = log.get("watch")

TABLE = Table(ConfigMap, "", "v1", "configmaps", True, ConfigMap.decode)
REFUSED_PAUSE = 60.0
"""Seconds after which somebody may have given us the right."""


async def follow_external_gateways(client: Client, inbox: Inbox) -> None:
    """The inbox has the ConfigMap as it is, or that there is none, until cancelled."""

    def listed(bodies: list[dict[str, Any]]) -> None:
        inbox.put(TABLE, CONFIG, ConfigMap.decode(bodies[0]) if bodies else ABSENT)

    def changed(key: Key, body: dict[str, Any] | None) -> None:
        if key == CONFIG:
            inbox.put(TABLE, CONFIG, ConfigMap.decode(body) if body else ABSENT)

    told = ""
    while True:
        try:
            await follow(
                client, TABLE, listed, changed, namespace=CONFIG.namespace, fields=f"metadata.name={CONFIG.name}"
            )
        except Refused as refused:
            if refused.reason != told:
                logger.warning("external gateway nodes are not chosen", reason=refused.reason)
            told = refused.reason
            await asyncio.sleep(REFUSED_PAUSE)
