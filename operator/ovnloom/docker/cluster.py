"""A Site whose objects the API server has: the Subnets and IPs that Pods use, of which the controller makes rows."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from typing import Any, Self, TypeVar

from ovnloom import log
from ovnloom.api.ip import IP
from ovnloom.api.ippool import IPPool
from ovnloom.api.meta import Key
from ovnloom.api.node import Node
from ovnloom.api.providernetwork import ProviderNetwork
from ovnloom.api.subnet import Subnet
from ovnloom.api.vlan import Vlan
from ovnloom.api.vpc import Vpc
from ovnloom.assign.addresses import is_unfinished
from ovnloom.docker.state import Body, Objects, Place, State, table_of
from ovnloom.errors import Refused, Unavailable
from ovnloom.host.cable import first
from ovnloom.kube.client import Client
from ovnloom.kube.failures import AlreadyExists, Conflict, NotFound
from ovnloom.kube.follow import follow
from ovnloom.pipeline import Pipeline
from ovnloom.settings import Settings
from ovnloom.world.tables import BY_TYPE, Table

logger = log.get("docker")

Answer = TypeVar("Answer")

FOLLOWED: tuple[type, ...] = (Node, Vpc, ProviderNetwork, Vlan, Subnet, IPPool, IP)
"""What says which addresses are there and who has them."""
MOST_TRIES = 20
ORDER = ("Vpc", "Subnet", "IP")
"""What others need comes first, and goes last."""


class _Late(Exception):
    """Somebody else was faster: look again."""


class Cluster:
    """The objects as the watches say them. What a call changes is in the world when the API server has said so."""

    is_cluster = True

    def __init__(self, settings: Settings, client: Client, patience: float) -> None:
        """`patience` is in seconds: how long the controller may take to book an address or judge a Subnet."""
        self._client = client
        self._patience = patience
        self._objects = Objects(Pipeline(settings))
        self._listed: set[type] = set()
        self._alone = asyncio.Lock()
        self._news = asyncio.Condition()
        self._waking: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        return None

    def unready(self) -> str:
        """Why nothing can be written; empty when all can."""
        missing = [kind.__name__ for kind in FOLLOWED if kind not in self._listed]
        return f"{', '.join(missing)} objects are not known yet" if missing else ""

    async def run(self) -> None:
        """The world is what the API server says, until cancelled. Raises Refused when we have no right to ask."""
        try:
            async with asyncio.TaskGroup() as group:
                for kind in FOLLOWED:
                    group.create_task(self._watch(BY_TYPE[kind]), name=f"watch-{kind.__name__}")
        except BaseExceptionGroup as failures:
            raise first(failures) from failures

    async def _watch(self, table: Table) -> None:
        def listed(found: list[dict[str, Any]]) -> None:
            there = {table.key(body): body for body in found}
            for kind, key in [place for place in self._objects.bodies if place[0] == table.kind]:
                if key not in there:
                    self._objects.put((kind, key), None)
            for key, body in there.items():
                self._objects.put((table.kind, key), body)
            self._listed.add(table.type)
            self._tell()

        def changed(key: Key, body: dict[str, Any] | None) -> None:
            self._objects.put((table.kind, key), body)
            self._tell()

        await follow(self._client, table, listed, changed)

    def _tell(self) -> None:
        async def wake() -> None:
            async with self._news:
                self._news.notify_all()

        task = asyncio.get_running_loop().create_task(wake())
        self._waking.add(task)
        task.add_done_callback(self._waking.discard)

    async def read(self, look: Callable[[State], Answer]) -> Answer:
        """What `look` finds in what the watches have said."""
        await self._complete()
        return look(State(self._objects))

    async def change(self, act: Callable[[State], Answer]) -> Answer:
        """What `act` answers, once the API server has its changes and the controller has booked its addresses."""
        async with self._alone:
            await self._complete()
            for _ in range(MOST_TRIES):
                state = State(self._objects)
                try:
                    answer = act(state)
                    edits, before = state.edits, dict(state.before)
                finally:
                    state.undo()
                try:
                    await self._write(edits, before)
                except (_Late, AlreadyExists, Conflict):
                    continue
                return answer
        raise Unavailable("others change the same objects all the time; try again")

    async def _complete(self) -> None:
        await self._until(lambda: not self.unready(), "the API server doesn't answer: " + self.unready())

    async def _until(self, ask: Callable[[], bool], otherwise: str) -> None:
        try:
            async with asyncio.timeout(self._patience), self._news:
                await self._news.wait_for(ask)
        except TimeoutError:
            raise Unavailable(f"{otherwise}; try again") from None

    async def _write(self, edits: Mapping[Place, Body | None], before: Mapping[Place, Body | None]) -> None:
        going = [place for place, body in edits.items() if body is None]
        for place in sorted(going, key=lambda place: ORDER.index(place[0]), reverse=True):
            await self._delete(place)
        coming = [(place, body) for place, body in edits.items() if body is not None]
        for place, body in sorted(coming, key=lambda item: ORDER.index(item[0][0])):
            old = before[place]
            if old is not None and place[0] == "IP" and old["spec"] != body["spec"]:
                await self._delete(place)
                await self._until(partial(self._is_missing, place), f"IP {place[1]} doesn't go")
                old = None
            if old is None:
                await self._create(place, body)
            else:
                await self._amend(place, body, old)

    def _is_missing(self, place: Place) -> bool:
        return place not in self._objects.bodies

    async def _delete(self, place: Place) -> None:
        with suppress(NotFound):
            await self._client.delete(table_of(place[0]), place[1])
        await self._until(lambda: _is_gone(self._objects.bodies.get(place)), f"{place[0]} {place[1]} doesn't go")
        if place[0] != "IP":
            # The next one may want its addresses or its name, and would be judged while it is still there.
            with suppress(Unavailable):
                await self._until(partial(self._is_missing, place), "it has addresses that go slowly")

    async def _create(self, place: Place, body: Body) -> None:
        """Only what the controller has booked is ours; who asked for the same address at the same time may have won."""
        kind, key = place
        meta = {name: value for name, value in body["metadata"].items() if name in ("name", "labels", "annotations")}
        await self._client.create(table_of(kind), {**body, "metadata": meta})
        try:
            if kind == "IP":
                await self._until(lambda: self._is_booked(key), f"the controller has not booked IP {key}; see its log")
            elif kind == "Subnet":
                await self._until(lambda: self._is_judged(key), f"the controller has not looked at Subnet {key}")
        except BaseException:
            await self._client.delete(table_of(kind), key)
            raise

    def _is_booked(self, key: Key) -> bool:
        """Raises _Late when somebody else has the address."""
        world = self._objects.pipeline.world.tables[IP]
        ip = world.get(key)
        if ip is None:
            return False
        if not is_unfinished(ip):
            return True
        rivals = State(self._objects).ips_of(ip.subnet)
        if any(not is_unfinished(other) and ({other.v4, other.v6} & {ip.v4, ip.v6} - {""}) for other in rivals):
            raise _Late
        return False

    def _is_judged(self, key: Key) -> bool:
        """Raises Refused with what is wrong with it."""
        subnet = self._objects.pipeline.world.tables[Subnet].get(key)
        for condition in subnet.conditions if subnet is not None else ():
            if condition.type == "Validated" and condition.status == "False":
                raise Refused(f"Subnet {key} can't be: {condition.message}")
            if condition.type == "Ready" and condition.status == "True":
                return True
        return False

    async def _amend(self, place: Place, body: Body, old: Body) -> None:
        wanted, there = body["metadata"].get("annotations", {}), old["metadata"].get("annotations", {})
        annotations = {key: wanted.get(key) for key in {*wanted, *there} if wanted.get(key) != there.get(key)}
        patch: dict[str, Any] = {"metadata": {"annotations": annotations}}
        if body["spec"] != old["spec"]:
            patch["spec"] = body["spec"]
        await self._client.patch(table_of(place[0]), place[1], patch)
        await self._until(
            lambda: _says(self._objects.bodies.get(place), annotations), f"{place[0]} {place[1]} stays as it was"
        )


def _is_gone(body: Body | None) -> bool:
    return body is None or "deletionTimestamp" in body["metadata"]


def _says(body: Body | None, annotations: Mapping[str, str | None]) -> bool:
    said = body["metadata"].get("annotations", {}) if body is not None else {}
    return all(said.get(key) == value for key, value in annotations.items())
