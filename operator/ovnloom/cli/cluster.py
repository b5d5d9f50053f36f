"""The cluster as the API server shows it at this moment: nothing is written, nothing is watched."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from ovnloom.api.meta import Key
from ovnloom.api.pod import Pod
from ovnloom.cli.wrong import Wrong
from ovnloom.errors import Refused, Unavailable
from ovnloom.kube.client import Client
from ovnloom.kube.failures import Expired, Forbidden, NotFound
from ovnloom.settings import Settings
from ovnloom.world.made import Made
from ovnloom.world.moments import Overdue
from ovnloom.world.tables import TABLES, Table


@dataclass(slots=True)
class Cluster:
    """All objects that ovnloom watches, and the full bodies of those that somebody asks for."""

    server: str = ""
    objects: list[Any] = field(default_factory=list)
    bodies: dict[tuple[str, Key], Mapping[str, Any]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def read(settings: Settings, wanted: Collection[tuple[str, Key]]) -> Cluster:
    """Every table, listed; `wanted` are the kinds and keys whose bodies are kept. Raises Wrong."""
    try:
        return asyncio.run(_read(settings, wanted))
    except (Refused, Unavailable) as problem:
        raise Wrong(f"API server: {problem}; name another by --kubeconfig, or plan with --against empty") from problem


async def _read(settings: Settings, wanted: Collection[tuple[str, Key]]) -> Cluster:
    async with await Client.open(settings.kubeconfig, settings.kube_timeout, settings.kube_writes) as client:
        found = Cluster(client.access.server)
        for table in TABLES:
            try:
                await _list(client, table, wanted, found)
            except NotFound:
                if not table.is_optional:
                    missing = f"{table.plural}.{table.group}"
                    found.notes.append(
                        f"the cluster doesn't serve {missing}; install ovnloom's CRDs before its objects"
                    )
            except Forbidden as problem:
                raise Wrong(f"API server: {problem.reason}; a plan must list all {table.plural}: grant it") from problem
        return found


async def _list(client: Client, table: Table, wanted: Collection[tuple[str, Key]], found: Cluster) -> None:
    while True:
        objects: list[Any] = []
        try:
            async for page in client.pages(table):
                for item in page.items:
                    made = Made.decode(table.kind, item)
                    objects += [made] if made is not None else []
                    objects.append(table.decode(item))
                    if (table.kind, objects[-1].key) in wanted:
                        # Items of a list don't say what they are.
                        body = {"apiVersion": table.api_version, "kind": table.kind, **item}
                        found.bodies[table.kind, objects[-1].key] = body
        except Expired:
            continue
        found.objects += objects
        if table.type is Pod:
            found.objects += _overdue(objects)
        return


def _overdue(pods: Collection[Pod]) -> list[Overdue]:
    now = time.time()
    return [Overdue(pod.key, pod.uid) for pod in pods if pod.deletion_time is not None and pod.deletion_time <= now]
