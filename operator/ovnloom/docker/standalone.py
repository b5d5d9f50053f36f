"""A Site without an API server: objects are records in the northbound database, rows follow in the same transaction."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Self, TypeVar

from ovnloom import log
from ovnloom.assign.choice import Release
from ovnloom.docker.records import Records
from ovnloom.docker.state import Body, Objects, Place, State
from ovnloom.errors import Refused, Unavailable
from ovnloom.intent import Owner
from ovnloom.northbound.connection import Connection
from ovnloom.northbound.edits import Plan
from ovnloom.northbound.operations import Written
from ovnloom.northbound.reply import Reply
from ovnloom.pipeline import Pipeline
from ovnloom.settings import Settings

logger = log.get("docker")

Answer = TypeVar("Answer")

CONNECT_SECONDS = 10.0
"""How long a call waits for the database, as after a reboot; dockerd waits some seconds longer for the call."""
MOST_TRIES = 200
"""Transactions that may come too late, one after another; each means that another plugin's was in time."""


class Standalone:
    """The objects of all plugins that share one northbound database."""

    is_cluster = False

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._news = asyncio.Event()
        self._arrival = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._nb = Connection(settings.ovn_nb, self._wake, timeout=settings.ovn_timeout)
        self._objects = Objects(Pipeline(settings))
        self._records = Records()
        self._alone = asyncio.Lock()
        self._due: set[Owner] = set()
        """Owners whose rows this process has to compare: what it compiled since it last wrote."""

    async def __aenter__(self) -> Self:
        self._nb.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await asyncio.to_thread(self._nb.stop)

    def _wake(self) -> None:
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._heard)

    def _heard(self) -> None:
        self._news.set()
        self._arrival.set()

    def unready(self) -> str:
        """Why nothing can be written; empty when all can."""
        return "" if self._nb.state == "synced" else "the northbound database is not connected"

    async def run(self) -> None:
        """What others change is known soon, for ever: whoever asks later needn't wait for it.

        At first rows that aren't as this version wants them are written. Later only those that a call is about: where
        hosts have different versions, they would undo each other's.
        """
        await self._arrived(None)
        async with self._alone:
            self._follow()
            await self._rest()
        while True:
            await self._news.wait()
            self._news.clear()
            async with self._alone:
                self._follow()

    async def connected(self) -> None:
        """The database is there, and all of it is known; it is waited for a moment. Raises Unavailable."""
        try:
            await self._arrived(CONNECT_SECONDS)
        except TimeoutError:
            wrong = f"{self.unready()}; see OVNLOOM_OVN_NB and whether its ovsdb-server runs, then try again"
            raise Unavailable(wrong) from None

    async def _arrived(self, seconds: float | None) -> None:
        async with asyncio.timeout(seconds):
            while self.unready():
                self._arrival.clear()
                await self._arrival.wait()

    async def read(self, look: Callable[[State], Answer]) -> Answer:
        """What `look` finds as of now: what another host had written before is seen."""
        return await self.change(look)

    async def change(self, act: Callable[[State], Answer]) -> Answer:
        """What `act` answers, once its changes and the rows that follow from them are in the database."""
        async with self._alone:
            await self.connected()
            for _ in range(MOST_TRIES):
                self._follow()
                state = State(self._objects)
                refused: Refused | None = None
                try:
                    answer = act(state)
                except Refused as problem:
                    refused = problem
                except BaseException:
                    self._undo(state)
                    raise
                if refused is not None or not state.edits:
                    self._undo(state)
                    if await self._is_current():
                        if refused is not None:
                            raise refused
                        return answer
                elif await self._write(state):
                    return answer
        raise Unavailable("other hosts write to the northbound database all the time; try again")

    async def _write(self, state: State) -> bool:
        """Whether the changes are written; False when somebody else wrote before, and all has to be looked at anew."""
        try:
            plan = self._turn(state)
            reply = await self._commit(state.edits, plan)
        except BaseException:
            self._undo(state)
            raise
        if reply.status == "ok":
            self._follow()
            self._objects.pipeline.settled(plan.owners, plan)
            self._due -= plan.owners
            await self._rest()
            return True
        self._undo(state)
        _raise(reply)
        return False

    async def _is_current(self) -> bool:
        """Whether what was looked at is what the database says."""
        reply = await asyncio.to_thread(self._nb.commit, [self._records.guard()])
        if reply.status != "ok":
            _raise(reply)
        return reply.status == "ok"

    async def _rest(self) -> None:
        """Rows that had to wait for a row of the first plan: they are written, too, if they can be."""
        plan = self._plan()
        while plan.operations:
            reply = await self._commit({}, plan)
            self._follow()
            if reply.status == "ok":
                self._objects.pipeline.settled(plan.owners, plan)
                self._due -= plan.owners
            elif reply.status != "stale":
                logger.warning("rows are not written yet", reason=reply.reason)
                return
            plan = self._plan()

    def _follow(self) -> None:
        """The world is what the database says now."""
        changes = self._nb.drain()
        pipeline = self._objects.pipeline
        if changes:
            pipeline.observe(changes)
            for place, body in self._records.follow(changes, pipeline.mirror).items():
                self._objects.put(place, body)
            self._settle(None)

    def _settle(self, state: State | None) -> None:
        """All owners that are due are compiled; choices that the pipeline makes itself are part of the change."""
        pipeline = self._objects.pipeline
        while True:
            turn = pipeline.turn()
            self._due.update(turn.intents)
            for owner, bug in turn.failures.items():
                logger.error("unexpected failure; the owner's rows stay as they are", owner=str(owner), exc_info=bug)
            if not turn.choices or state is None:
                return
            for _, choice in turn.choices:
                if isinstance(choice, Release):
                    state.remove("IP", choice.key.name)
                else:
                    state.put(choice.ip.encode())

    def _turn(self, state: State) -> Plan:
        self._settle(state)
        return self._plan()

    def _plan(self) -> Plan:
        """The plan for owners of ours alone: others in this database have their own controller."""
        pipeline = self._objects.pipeline
        for owner in [owner for owner in pipeline.unsettled if owner not in self._due and not self._is_ours(owner)]:
            del pipeline.unsettled[owner]
        return pipeline.plan()

    def _is_ours(self, owner: Owner) -> bool:
        return bool(self._objects.pipeline.wanted.rows(owner))

    async def _commit(self, edits: dict[Place, Body | None], plan: Plan) -> Reply:
        operations = [*self._records.operations(edits), *Written(plan).operations]
        return await asyncio.to_thread(self._nb.commit, operations)

    def _undo(self, state: State) -> None:
        state.undo()
        self._settle(None)


def _raise(reply: Reply) -> None:
    """Raises Refused and Unavailable, where trying again at once wouldn't help."""
    if reply.status == "refused":
        raise Refused(f"the northbound database refuses it: {reply.reason}")
    if reply.status == "unavailable":
        raise Unavailable(f"the northbound database can't be asked: {reply.reason}; try again")
