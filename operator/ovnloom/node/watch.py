"""The watches of a node: everything that concerns it arrives on the board."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any

from ovnloom import log
from ovnloom.api.meta import Key
from ovnloom.api.pod import Pod
from ovnloom.errors import Refused
from ovnloom.kube.client import Client
from ovnloom.kube.follow import follow
from ovnloom.node.board import Board
from ovnloom.node.view import FIELDS
from ovnloom.world.tables import BY_TYPE

logger = log.get("watch")

REFUSED_PAUSE = 10.0


async def run_watches(client: Client, board: Board) -> None:
    """The board says what the cluster says, until cancelled."""
    async with asyncio.TaskGroup() as group:
        for kind in FIELDS:
            # Of Pods only our own: a cluster has many nodes, and each would read the Pods of all.
            fields = f"spec.nodeName={board.name}" if kind is Pod else ""
            group.create_task(_watch(client, board, kind, fields), name=f"watch-{kind.__name__}")


async def _watch(client: Client, board: Board, kind: type, fields: str) -> None:
    table = BY_TYPE[kind]
    told = ""

    def listed(found: list[dict[str, Any]]) -> None:
        board.listed(kind, {table.key(body): table.decode(body) for body in found})

    def changed(key: Key, body: dict[str, Any] | None) -> None:
        board.changed(kind, key, None if body is None else table.decode(body))

    while True:
        try:
            await follow(client, table, _careful(listed), _careful(changed), fields=fields)
        except Refused as refused:
            if refused.reason != told:
                logger.error("watch refused", kind=kind.__name__, reason=refused.reason)  # noqa: TRY400 # rights, no bug
            told = refused.reason
            await asyncio.sleep(REFUSED_PAUSE)


def _careful(act: Callable[..., None]) -> Callable[..., None]:
    """A bug of ours with one object ends no watch."""
    return partial(_try, act)


def _try(act: Callable[..., None], *args: Any) -> None:
    try:
        act(*args)
    except Exception:
        logger.exception("unexpected failure with an object")
