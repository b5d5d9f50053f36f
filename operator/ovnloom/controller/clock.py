"""Time that passes: a Pod whose grace period is over gives its addresses back, whether or not its node answers."""

from __future__ import annotations

import asyncio
from time import time
from typing import Any

from ovnloom.api.meta import Key
from ovnloom.api.pod import Pod
from ovnloom.pipeline import Pipeline
from ovnloom.world.moments import Overdue


class Clock:
    """Puts an Overdue into the world when a Pod should have been gone, and takes it out when the Pod is gone."""

    def __init__(self, pipeline: Pipeline, wake: asyncio.Event) -> None:
        self._pipeline = pipeline
        self._wake = wake

    def follow(self, kind: type, key: Key, found: Any) -> None:
        """An object came, changed or went."""
        if kind is not Pod:
            return
        if found is None:
            self._pipeline.put(Overdue, key, None)
        elif found.deletion_time is not None and not found.finished:
            # deletionTimestamp already includes the grace period (Kubernetes API, ObjectMeta).
            delay = max(0.0, found.deletion_time - time())
            asyncio.get_running_loop().call_later(delay, self._pass, key, found.uid)

    def _pass(self, key: Key, uid: str) -> None:
        pod: Pod | None = self._pipeline.world.tables[Pod].get(key)
        if pod is not None and pod.uid == uid and pod.deletion_time is not None and pod.deletion_time <= time() + 0.5:
            self._pipeline.put(Overdue, key, Overdue(key, uid))
            self._wake.set()
