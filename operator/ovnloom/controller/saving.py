"""Choices become IP objects: what assign chose is written before a compile may read it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from ovnloom import log
from ovnloom.api.ip import IP
from ovnloom.api.meta import FINALIZER, OLD_FINALIZER, Key
from ovnloom.assign.choice import Amend, Choice, Claim, Release, Take
from ovnloom.intent import Owner, Ref
from ovnloom.kube.client import Client
from ovnloom.kube.failures import AlreadyExists, Conflict, NotFound
from ovnloom.kube.writer import Outcome, Writer
from ovnloom.pipeline import Pipeline
from ovnloom.world.tables import BY_TYPE

logger = log.get("saving")

IPS = BY_TYPE[IP]


class Saving:
    """Writes choices and tells the pipeline what came of them. An IP object counts once the watch has shown it."""

    def __init__(
        self, pipeline: Pipeline, client: Client, writer: Writer[Any], told: Callable[[Owner, str, str], None]
    ) -> None:
        """`told(owner, reason, message)` tells the user of an object why its address could not be saved."""
        self._pipeline = pipeline
        self._client = client
        self._writer = writer
        self._told = told
        self._under_way: dict[Key, Choice] = {}
        self._releases: dict[Key, Owner] = {}

    def take(self, choices: Iterable[tuple[Claim, Choice]], assigned: Iterable[Owner]) -> None:
        """The choices of one turn are being written; a release waits until no port has the address any more.

        Releases chosen before on behalf of the same owners and not chosen again are off.
        """
        looked_at = set(assigned)
        if self._releases:
            self._releases = {key: owner for key, owner in self._releases.items() if owner not in looked_at}
        for claim, choice in choices:
            match choice:
                case Release(key):
                    self._releases[key] = claim.owner
                case Take(ip) | Amend(ip):
                    if self._under_way.get(ip.key) != choice:
                        self._under_way[ip.key] = choice
                        self._submit(claim.owner, choice, ip)

    def arrived(self, key: Key, found: IP | None) -> None:
        """The watch has shown the IP object, so nothing about it is under way; a release is until it is gone."""
        if found is None or not isinstance(self._under_way.get(key), Release):
            self._under_way.pop(key, None)

    def release(self) -> None:
        """IP objects that nobody is entitled to go, if their port is gone."""
        for key in [key for key in self._releases if self._pipeline.mirror.find(_port(key)) is None]:
            del self._releases[key]
            ip: IP | None = self._pipeline.world.tables[IP].get(key)
            if ip is not None and not isinstance(self._under_way.get(key), Release):
                self._under_way[key] = Release(key)
                self._writer.submit(("IP", key), partial(self._delete, ip), self._deleted)

    def _submit(self, owner: Owner, choice: Take | Amend, ip: IP) -> None:
        def report(outcome: Outcome[Any]) -> None:
            self._written(owner, choice, outcome)

        write = self._create if isinstance(choice, Take) else self._amend
        self._writer.submit(("IP", ip.key), partial(write, ip), report)

    async def _create(self, ip: IP) -> None:
        try:
            await self._client.create(IPS, ip.encode())
        except AlreadyExists:
            if ip.key not in self._pipeline.world.tables[IP]:
                body = await self._client.get(IPS, ip.key)
                self._pipeline.books.follow(ip, None)
                self._pipeline.put(IP, ip.key, IP.decode(body))

    async def _amend(self, ip: IP) -> None:
        body = {
            "metadata": {"labels": dict(ip.labels), "finalizers": list(ip.finalizers)},
            "spec": {**ip.encode_spec()},
        }
        try:
            await self._client.patch(IPS, ip.key, body)
        except NotFound:
            return

    async def _delete(self, ip: IP) -> None:
        try:
            await self._client.delete(IPS, ip.key, uid=ip.uid)
            rest = [name for name in ip.finalizers if name not in (FINALIZER, OLD_FINALIZER)]
            await self._client.patch(IPS, ip.key, {"metadata": {"uid": ip.uid or None, "finalizers": rest}})
        except (NotFound, Conflict):
            return

    def _written(self, owner: Owner, choice: Take | Amend, outcome: Outcome[Any]) -> None:
        if outcome.is_written:
            return
        self._under_way.pop(choice.ip.key, None)
        reason = outcome.refused.reason if outcome.refused else f"ovnloom failed: {outcome.failed!r}"
        logger.error("address not saved", owner=str(owner), ip=choice.ip.name, reason=reason)
        self._pipeline.books.follow(choice.ip, self._pipeline.world.tables[IP].get(choice.ip.key))
        self._told(owner, "SaveAddressFailed", f"the IP object {choice.ip.name} was refused: {reason}")

    def _deleted(self, outcome: Outcome[Any]) -> None:
        key = outcome.key[1]
        self._under_way.pop(key, None)
        if not outcome.is_written:
            logger.error("address not released", ip=str(key), reason=str(outcome.refused or outcome.failed))


def _port(key: Key) -> Ref:
    return Ref("Logical_Switch_Port", key.name)
