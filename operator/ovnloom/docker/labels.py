"""Labels of containers become those of their endpoints. A network driver isn't told them, so Docker itself is asked."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from functools import partial

from ovnloom import log
from ovnloom.api.ip import ENDPOINT_LABELS
from ovnloom.docker import dockerd
from ovnloom.docker.site import Site
from ovnloom.docker.state import State
from ovnloom.errors import Refused, Unavailable

logger = log.get("docker")

PAUSE = 1.0
"""Seconds between two tries while Docker doesn't answer."""

Labels = Mapping[str, Mapping[str, str]]
"""The labels of containers by the endpoints that they have."""


def apply(state: State, host: str, labels: Labels) -> None:
    """Each endpoint of this host has its container's labels, besides those that it was given itself, which win."""
    for endpoint, found in labels.items():
        ip = state.of_endpoint(endpoint)
        if ip is None or ip.node_name != host or not found:
            continue
        text = json.dumps({**found, **_given(ip.endpoint_labels)}, sort_keys=True)
        if text != ip.endpoint_labels:
            state.annotate("IP", ip.name, {ENDPOINT_LABELS: text})


def _given(text: str) -> Mapping[str, str]:
    try:
        found = json.loads(text or "{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


class LabelFollower:
    """Looks whenever Docker says that a container was connected to a network."""

    def __init__(self, site: Site, host: str, api: str) -> None:
        self._site = site
        self._host = host
        self._api = api

    async def run(self) -> None:
        """For ever, until cancelled. Docker may be away: then all is looked at when it is back."""
        while True:
            try:
                async for _ in dockerd.connections(self._api):
                    labels = await dockerd.labels(self._api)
                    await self._site.change(partial(apply, host=self._host, labels=labels))
            except (Unavailable, Refused) as problem:
                logger.debug("labels of containers are not followed", reason=str(problem))
            await asyncio.sleep(PAUSE)
