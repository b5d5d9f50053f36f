"""States of a cluster, what they mean, and how to reach them in any order; see README.md."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from random import Random
from typing import Any

import yaml

from ovnloom.api.ip import IP
from ovnloom.api.meta import Key
from ovnloom.assign.choice import Take
from ovnloom.pipeline import KIND_TYPES, Pipeline
from ovnloom.settings import Settings
from ovnloom.world.catalog import DERIVED
from ovnloom.world.made import Made
from ovnloom.world.moments import MOMENTS, Overdue
from ovnloom.world.world import KINDS
from tests.compile.account import Blocks, account, missed, render
from tests.compile.manifests import load_file

HERE = Path(__file__).parent
OURS = {*MOMENTS, *DERIVED, Made} - {Overdue}
"""What the pipeline itself puts into the world."""
Objects = dict[tuple[type, Key], Any]


@dataclass(frozen=True)
class Meaning:
    """What one state means: to be reviewed, to be compared, and the IP objects that are there then."""

    text: str
    comparable: dict[str, Blocks]
    ips: Objects


@dataclass(frozen=True)
class Case:
    """A directory of numbered states. Its `cluster.yaml` and `settings.yaml`, if any, stand for the usual ones."""

    directory: Path

    @property
    def name(self) -> str:
        return str(self.directory.relative_to(HERE))

    @cached_property
    def settings(self) -> Settings:
        path = self.directory / "settings.yaml"
        return Settings(**yaml.safe_load(path.read_text())) if path.exists() else Settings()

    @cached_property
    def cluster(self) -> Objects:
        own = self.directory / "cluster.yaml"
        return keyed(load_file(own if own.exists() else HERE / "cluster.yaml"))

    @cached_property
    def paths(self) -> list[Path]:
        return sorted(self.directory.glob("[0-9]*.yaml"), key=lambda path: int(path.stem))

    @cached_property
    def states(self) -> list[Objects]:
        return [{**self.cluster, **keyed(load_file(path))} for path in self.paths]

    @cached_property
    def meanings(self) -> list[Meaning]:
        """What the states mean when they follow each other as they are numbered, from nothing on."""
        quiet = Pipeline(self.settings)
        step(quiet, {}, self.cluster)
        usual = account(quiet)
        pipeline, found, before = Pipeline(self.settings), [], Objects()
        for state in self.states:
            step(pipeline, before, state)
            before = state
            assert not list(missed(pipeline))
            ips = {(IP, key): ip for key, ip in pipeline.world.tables[IP].items()} | made(pipeline)
            found.append(Meaning(render(account(pipeline), usual), account(pipeline, with_held=False), ips))
        return found

    def pinned(self, at: int) -> tuple[Objects, Objects]:
        """The objects of a state without IPs, and the IPs that were there when it was reached first."""
        return {place: found for place, found in self.states[at].items() if place[0] is not IP}, self.meanings[at].ips


def cases() -> list[Case]:
    """All cases, by name."""
    return [Case(path.parent) for path in sorted(HERE.glob("*/*/1.yaml"))]


def keyed(objects: Iterable[Any]) -> Objects:
    return {(type(found), found.key): found for found in objects}


def made(pipeline: Pipeline) -> Objects:
    """The Kubernetes objects that owners need and the pipeline made, each with what is known of it as ours."""
    found: Objects = {}
    for place, one in pipeline.world.tables[Made].items():
        kind = KIND_TYPES[one.kind]
        found[Made, place] = one
        found[kind, one.target] = pipeline.world.tables[kind][one.target]
    return found


def step(pipeline: Pipeline, before: Objects, after: Objects) -> None:
    """Users turn one state into the next, and all that follows has happened.

    An IP object that a state lists is its user's: it is written when it is new or other than before, and gone when the
    next state lacks it. All others are ours.
    """
    for place in before.keys() - after.keys():
        pipeline.put(*place, None)
    for place, found in after.items():
        if place[0] is not IP or before.get(place) != found:
            pipeline.put(*place, found)
    pipeline.run()


def reach(pipeline: Pipeline, objects: Objects, ips: Objects, chance: Random, in_batches: bool) -> None:
    """The pipeline has seen exactly these objects: their events come shuffled, all at once or in batches.

    Choices made on the way aren't saved (addresses depend on who comes first): the IP objects of the state come last.
    """
    events: list[tuple[type, Key, Any]] = [(*place, found) for place, found in objects.items()]
    for kind in KINDS:
        if kind is not IP and kind not in OURS:
            events += [(kind, key, None) for key in pipeline.world.tables[kind] if (kind, key) not in objects]
    last: list[tuple[type, Key, Any]] = [(*place, found) for place, found in ips.items()]
    last += [(IP, key, None) for key in pipeline.world.tables[IP] if (IP, key) not in ips]
    last += [(Made, key, None) for key in pipeline.world.tables[Made] if (Made, key) not in ips]
    chance.shuffle(events)
    chance.shuffle(last)
    for event in events:
        pipeline.put(*event)
        if chance.random() < 0.2:
            pipeline.put(*event)
        if in_batches and chance.random() < 0.4:
            _turn(pipeline)
    if in_batches:
        _turn(pipeline)
    for event in sorted(last, key=lambda event: event[2] is not None):
        pipeline.put(*event)
    assert pipeline.run() == []


def _turn(pipeline: Pipeline) -> None:
    turn = pipeline.turn()
    assert not turn.failures, turn.failures
    for _, choice in turn.choices:
        if isinstance(choice, Take):
            pipeline.revoke(choice)
        else:
            pipeline.save(choice)
