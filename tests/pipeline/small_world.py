"""A small world in which everything may happen, and what must be true of it at every moment."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

from ovnloom.api.ip import IP
from ovnloom.api.meta import Key
from ovnloom.api.pod import Pod
from ovnloom.api.subnet import Subnet
from ovnloom.assign.addresses import is_unfinished
from ovnloom.assign.choice import Amend, Choice, Release, Take
from ovnloom.intent import Owner
from ovnloom.pipeline import Pipeline
from ovnloom.settings import Settings
from tests.compile.account import account, missed
from tests.compile.kit import OURS
from tests.compile.manifests import load_file

Event = tuple[type, Key, Any]

_SAID = [(type(found), found.key, found) for found in load_file(Path(__file__).parent / "universe.yaml")]
_WATCHED = [Key(name) for name in ("web.default", "api.default", "a.shop", "db-0.default", "vm.shop", "node-n1")]


def _deleted(ip: IP | None) -> IP | None:
    """A user deletes an IP object; it stays until its finalizer goes."""
    return replace(ip, meta=replace(ip.meta, deletion_time=1.0)) if ip else None


EVENTS: dict[str, Event] = {
    **{
        f"{kind.__name__} {key} as said in document {at} of universe.yaml": (kind, key, found)
        for at, (kind, key, found) in enumerate(_SAID, start=1)
    },
    **{f"{kind.__name__} {key} goes": (kind, key, None) for kind, key, _ in _SAID},
    **{f"IP {key} is deleted": (IP, key, _deleted) for key in _WATCHED},
}
"""An object comes, changes, or goes; by the name under which a failed example shows it."""
SETTINGS = {rows: Settings(distributed_rows=rows) for rows in ("node", "subnet-node")}


def put(pipeline: Pipeline, happened: str) -> None:
    """An event, as the API server would send it: the answer on a Pod stays through its user's edits."""
    kind, key, found = EVENTS[happened]
    if found is _deleted:
        found = found(pipeline.world.tables[kind].get(key))
    if kind is Pod and found is not None:
        before = pipeline.world.tables[Pod].get(key)
        if before is not None and before.uid == found.uid:
            found = replace(found, written=before.written)
    pipeline.put(kind, key, found)


def run(pipeline: Pipeline) -> list[Choice]:
    """`Pipeline.run`, but a pipeline that makes choices for ever fails the test instead of hanging it."""
    made: list[Choice] = []
    for _ in range(100):
        turn = pipeline.turn()
        assert not turn.failures, turn.failures
        if not turn.choices:
            return made
        for _, choice in turn.choices:
            made.append(choice)
            pipeline.save(choice)
    raise AssertionError(f"it never rests: {made[-4:]}")


def answer(pipeline: Pipeline) -> None:
    """The answers are written on Pods, as the controller does after it saved the choices."""
    for owner, intent in list(pipeline.intents()):
        if owner.kind == "Pod" and intent.report.annotations:
            pod = pipeline.world.tables[Pod][owner.key]
            written = {key: value for key, value in intent.report.annotations.items() if value is not None}
            pipeline.put(Pod, owner.key, replace(pod, written={**pod.written, **written}))
    run(pipeline)


class Late:
    """Saves choices later than they were made, as controller/saving.py does through a slow API server."""

    def __init__(self, pipeline: Pipeline) -> None:
        self.pipeline = pipeline
        self._under_way: dict[Key, Take | Amend] = {}
        self._releases: dict[Key, Owner] = {}

    def turn(self) -> None:
        """What is due is looked at; releases that were chosen before and aren't any more are off."""
        turn = self.pipeline.turn()
        assert not turn.failures, turn.failures
        self._releases = {key: owner for key, owner in self._releases.items() if owner not in turn.assigned}
        for claim, choice in turn.choices:
            if isinstance(choice, Release):
                self._releases[choice.key] = claim.owner
            else:
                self._under_way[choice.ip.key] = choice

    def save_one(self, is_refused: bool) -> None:
        """The oldest choice is saved, or refused; without any, a release goes through."""
        if self._under_way:
            choice = self._under_way.pop(next(iter(self._under_way)))
            if is_refused and isinstance(choice, Take):
                self.pipeline.revoke(choice)
            elif isinstance(choice, Take) or choice.ip.key in self.pipeline.world.tables[IP]:
                self.pipeline.save(choice)
        elif self._releases:
            key = next(iter(self._releases))
            del self._releases[key]
            self.pipeline.save(Release(key))

    def save_all(self) -> None:
        """Everything that follows has happened."""
        for _ in range(1000):
            self.turn()
            if not self._under_way and not self._releases:
                return
            self.save_one(is_refused=False)
        raise AssertionError("it never rests")


def restarted(pipeline: Pipeline) -> Pipeline:
    """A new pipeline that has read what is there; what it knows besides, it must find out by itself."""
    fresh = Pipeline(pipeline.settings)
    for kind, table in pipeline.world.tables.items():
        if kind not in OURS:
            for key, found in table.items():
                fresh.put(kind, key, found)
    return fresh


def assert_sound(pipeline: Pipeline) -> None:
    """What a restart would do is nothing, nobody was forgotten, and no address has two owners."""
    assert list(missed(pipeline)) == []
    assert_no_address_twice(pipeline)
    fresh = restarted(pipeline)
    assert run(fresh) == []
    assert account(fresh, with_held=False) == account(pipeline, with_held=False)


def assert_no_address_twice(pipeline: Pipeline) -> None:
    """Two IP objects of one Subnet never have an address in common, and the books agree with all of them."""
    ips = [ip for ip in pipeline.world.tables[IP].values() if not is_unfinished(ip)]
    twice = [place for place, times in Counter(_places(ips)).items() if times > 1]
    assert not twice
    for ip in ips:
        held = pipeline.books.peek(ip.subnet)
        if held is not None and ip.subnet in {key.name for key in pipeline.world.tables[Subnet]}:
            assert held.address_of(ip.name).text == ip.ip_address
    macs = [mac for mac, times in Counter(ip.mac for ip in ips if ip.mac).items() if times > 1]
    assert not macs


def _places(ips: Iterable[IP]) -> Iterable[tuple[str, str]]:
    for ip in ips:
        for address in filter(None, (ip.v4, ip.v6)):
            yield ip.subnet, address
