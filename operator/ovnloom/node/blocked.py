"""Why a Pod gets no address: what the controller said about it in an Event."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from ovnloom.api.pod import Pod
from ovnloom.errors import Refused, Unavailable
from ovnloom.kube.client import Client
from ovnloom.kube.events import COMPONENT
from ovnloom.kube.follow import follow
from ovnloom.kube.kind import EVENTS
from ovnloom.node.events import OURS

GRACE_SECONDS = 1.0
"""How long a Pod waits before it is asked why: most have their address already, and asking costs the API server."""


async def reason(client: Client, pod: Pod) -> str:
    """Returns once the controller has said in an Event why the Pod has no address. Who has waited enough cancels it."""
    told: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    def hear(found: Mapping[str, Any] | None) -> None:
        if found is not None and found.get("reason") not in OURS and not told.done():
            told.set_result(f"{found.get('reason')}: {found.get('message')}")

    def listed(found: list[dict[str, Any]]) -> None:
        if found:
            hear(max(found, key=lambda each: each.get("lastTimestamp") or ""))

    await asyncio.sleep(GRACE_SECONDS)
    fields = f"involvedObject.uid={pod.uid},type=Warning,source={COMPONENT}"
    following = asyncio.create_task(
        follow(client, EVENTS, listed, lambda _, found: hear(found), namespace=pod.namespace, fields=fields)
    )
    try:
        waits: list[asyncio.Future[Any]] = [told, following]
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        if told.done():
            return told.result()
        await following
    except (Unavailable, Refused):
        pass  # without rights to read Events the Pod waits as long as it may
    finally:
        following.cancel()
    await asyncio.Event().wait()
    raise AssertionError("unreachable")
