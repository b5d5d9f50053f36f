"""Who of several replicas may write: the one that holds a Lease, in the way of client-go.

Clocks of two machines are never compared. A standby takes a silent leader's Lease when it saw no renewal for the whole
lease time by its own clock; the leader stops to believe in itself after two thirds of it, counted from before it asked
for the renewal. So the leader is always the first to know.
"""

import asyncio
import math
import random
import secrets
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Self

from ovnloom import log
from ovnloom.api.meta import Key
from ovnloom.errors import Refused, Unavailable
from ovnloom.kube.client import Client
from ovnloom.kube.failures import AlreadyExists, Conflict, NotFound
from ovnloom.kube.kind import LEASES

logger = log.get("lease")

BELIEF = 2 / 3
"""Share of the lease time after which a leader that could not renew counts itself as replaced."""
POLL_SECONDS = 1.5
"""How often a standby looks at most; a leader that steps down is followed within this time."""


def name(chosen: str = "") -> str:
    """The name of this replica in the Lease: the chosen one, or one that no other process has."""
    return chosen or f"{socket.gethostname()}_{secrets.token_hex(4)}"


def clock() -> float:
    """Seconds that go on while the process is stopped and while the machine sleeps, and that nobody can set."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


@dataclass(frozen=True, slots=True)
class Record:
    """What a Lease says."""

    holder: str
    seconds: float
    transitions: int
    acquired: str
    renewed: str
    version: str

    @classmethod
    def read(cls, body: dict[str, Any]) -> Self:
        """The record in a Lease; what is missing counts as released long ago."""
        spec = body.get("spec") or {}
        return cls(
            str(spec.get("holderIdentity") or ""),
            float(spec.get("leaseDurationSeconds") or 0),
            int(spec.get("leaseTransitions") or 0),
            str(spec.get("acquireTime") or ""),
            str(spec.get("renewTime") or ""),
            str(body["metadata"].get("resourceVersion") or ""),
        )

    @property
    def beat(self) -> tuple[str, str, int]:
        """Changes with every renewal; a label that somebody puts on the Lease is none."""
        return self.holder, self.renewed, self.transitions


class Lease:
    """One replica's part in the election. `run` takes part for ever; `is_held` is the truth at every moment."""

    def __init__(self, client: Client, key: Key, identity: str, seconds: float = 15.0) -> None:
        """`seconds` is the lease time that others grant us; a whole number, because the API takes no other."""
        self.identity = identity
        self._client = client
        self._key = key
        self._seconds = float(max(1, math.ceil(seconds)))
        self._pause = min(POLL_SECONDS, self._seconds / 5)
        self._deadline = -math.inf
        self._record: Record | None = None
        self._beat_at = -math.inf
        self._resume_at = -math.inf
        self._writing = asyncio.Lock()
        self._hurry = asyncio.Event()
        self._told = ""

    @property
    def is_held(self) -> bool:
        """Whether we may write now. False right after a freeze, whatever the rest of the process still believes."""
        return clock() < self._deadline

    @property
    def holder(self) -> str:
        """Who held the Lease when we last looked; empty when nobody did."""
        return self._record.holder if self._record else ""

    async def run(self, on_gain: Callable[[], None], on_loss: Callable[[], None]) -> None:
        """`on_gain` is called when we become leader, then `on_loss` when we aren't any more, and so on until cancelled.

        A cancelled leader keeps the Lease until it runs out; call `give_up` too, so that nobody has to wait for it.
        """
        while True:
            while not await self._attempt():
                await self._sleep(self._pause * random.uniform(0.8, 1.2))
            logger.info("lease gained", lease=str(self._key), identity=self.identity)
            try:
                on_gain()
                await self._keep()
            finally:
                self._deadline = -math.inf
                logger.warning("lease not held any more", lease=str(self._key), holder=self.holder)
                on_loss()

    async def give_up(self) -> None:
        """We aren't leader and the next standby can be at once; we don't try again ourselves for one lease time.

        When the API server can't be asked the Lease runs out by itself.
        """
        self._deadline = -math.inf
        self._resume_at = clock() + self._seconds
        self._hurry.set()
        async with self._writing:
            record = self._record
            if record is None or record.holder != self.identity:
                return
            try:
                async with asyncio.timeout(self._seconds):
                    await self._write(Record("", 1, record.transitions, _now(), _now(), record.version))
            except (Unavailable, Refused, TimeoutError) as problem:
                logger.warning("lease could not be given up; it runs out", lease=str(self._key), reason=str(problem))

    async def _attempt(self) -> bool:
        """One look at the Lease, and one try to take it when it is free."""
        try:
            async with asyncio.timeout(self._seconds), self._writing:
                return await self._take()
        except (Conflict, AlreadyExists, NotFound) as lost:
            self._tell(f"somebody else was faster: {lost}", is_usual=True)
        except Refused as problem:
            self._tell(problem.reason)
        except Unavailable as problem:
            self._tell(str(problem))
        except TimeoutError:
            self._tell("no answer from the API server in one lease time")
        return False

    async def _take(self) -> bool:
        started = clock()
        try:
            found = Record.read(await self._client.get(LEASES, self._key))
        except NotFound:
            if started < self._resume_at:
                return False
            await self._create(started)
            return self.is_held
        if self._record is None or self._record.beat != found.beat:
            self._beat_at = clock()  # after the answer: the renewal itself was earlier, which errs on the safe side
        self._record = found
        if found.holder not in ("", self.identity) and clock() - self._beat_at < (found.seconds or self._seconds):
            self._tell(f"held by {found.holder}", is_usual=True)
            return False
        if started < self._resume_at:
            return False
        transitions = found.transitions + (found.holder != self.identity)
        await self._write(Record(self.identity, self._seconds, transitions, _now(), _now(), found.version))
        self._deadline = started + self._seconds * BELIEF
        return self.is_held

    async def _keep(self) -> None:
        """Returns when the Lease was given up, was taken by another, or could not be renewed in time."""
        while self.is_held:
            await self._sleep(self._pause)
            if not self.is_held:
                return
            try:
                async with asyncio.timeout(self._deadline - clock()), self._writing:
                    if not await self._renew():
                        return
            except (Unavailable, TimeoutError) as problem:
                self._tell(f"not renewed: {problem}")
            except Refused as problem:
                self._tell(f"not renewed: {problem.reason}")

    async def _renew(self) -> bool:
        """Whether the Lease is still ours, with a new renewal time if it is."""
        record, started = self._record, clock()
        if record is None or not self.is_held:
            return False
        try:
            await self._write(
                Record(self.identity, self._seconds, record.transitions, record.acquired, _now(), record.version)
            )
        except Conflict:
            found = Record.read(await self._client.get(LEASES, self._key))
            self._record = found
            if found.holder != self.identity:
                return False
            await self._write(
                Record(self.identity, self._seconds, found.transitions, found.acquired, _now(), found.version)
            )
        except NotFound:
            await self._create(started)  # somebody deleted it; nobody else can be leader if this succeeds
        self._deadline = started + self._seconds * BELIEF
        self._told = ""
        return True

    async def _create(self, started: float) -> None:
        record = Record(self.identity, self._seconds, 0, _now(), _now(), "")
        about = {"name": self._key.name, "namespace": self._key.namespace}
        body = {"apiVersion": LEASES.api_version, "kind": LEASES.kind, "metadata": about, "spec": _spec(record)}
        written = await self._client.create(LEASES, body)
        self._remember(record, written.resource_version)
        self._deadline = started + self._seconds * BELIEF

    async def _write(self, record: Record) -> None:
        """The Lease says so, if it is still in the version that the record names. Raises Conflict."""
        body = {"metadata": {"resourceVersion": record.version}, "spec": _spec(record)}
        written = await self._client.patch(LEASES, self._key, body)
        self._remember(record, written.resource_version)

    def _remember(self, record: Record, version: str) -> None:
        self._record = Record(
            record.holder, record.seconds, record.transitions, record.acquired, record.renewed, version
        )
        self._beat_at = clock()

    async def _sleep(self, seconds: float) -> None:
        self._hurry.clear()
        try:
            async with asyncio.timeout(seconds):
                await self._hurry.wait()
        except TimeoutError:
            return

    def _tell(self, why: str, *, is_usual: bool = False) -> None:
        """The log has each reason once, however often it is found again."""
        if why == self._told:
            return
        self._told = why
        tell = logger.info if is_usual else logger.warning
        tell("lease waits", lease=str(self._key), identity=self.identity, reason=why)


def _spec(record: Record) -> dict[str, Any]:
    return {
        "holderIdentity": record.holder,
        "leaseDurationSeconds": int(record.seconds),
        "leaseTransitions": record.transitions,
        "acquireTime": record.acquired or None,
        "renewTime": record.renewed,
    }


def _now() -> str:
    """For people and other clients to read; nothing here reckons with it."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
