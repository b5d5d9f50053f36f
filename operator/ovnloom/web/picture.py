"""All items of the page, and what of them differs after a change."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from ovnloom.api.pod import Pod
from ovnloom.intent import Owner, Problem
from ovnloom.pipeline import Pipeline, Turn
from ovnloom.web.items import FEW, TYPES, Item, item

Delta = dict[str, Item | None]
"""Items by their id; None for one that is gone."""
_NOTHING: Mapping[Owner, tuple[Problem, ...]] = {}


class Picture:
    """What every page shows that is up to date."""

    def __init__(self, pipeline: Pipeline, problems: Mapping[Owner, tuple[Problem, ...]] = _NOTHING) -> None:
        """Nothing is in it before the first `refresh`."""
        self.pipeline = pipeline
        self.items: dict[str, Item] = {}
        self.problems: dict[Owner, tuple[Problem, ...]] = dict(problems)

    def note(self, turn: Turn) -> set[Owner]:
        """What a turn of the pipeline says is wrong with objects; the owners that it looked at."""
        for owner, intent in turn.intents.items():
            said = self.pipeline.problems(owner, intent)
            if said:
                self.problems[owner] = said
            else:
                self.problems.pop(owner, None)
        return set(turn.intents)

    def pods(self) -> set[Owner]:
        """All Pods that are there."""
        return {Owner("Pod", key) for key in self.pipeline.world.tables[Pod]}

    def refresh(self, touched: Collection[Owner], *, has_rows: bool) -> Delta:
        """What differs, now that these owners may have changed."""
        delta: Delta = {}
        for owner in self._due(touched):
            found, name = item(self.pipeline, owner, has_rows=has_rows), str(owner)
            if found is not None and (said := self.problems.get(owner)):
                found = {**found, "problems": len(said)}
            if found == self.items.get(name):
                continue
            delta[name] = found
            if found is None:
                del self.items[name]
            else:
                self.items[name] = found
        return delta

    def _due(self, touched: Iterable[Owner]) -> set[Owner]:
        """Pods that were touched, and all objects of the kinds that are few; those that are gone included."""
        due = {Owner("Pod", owner.key) for owner in touched if owner.kind in ("Pod", "Membership")}
        for kind in FEW:
            due.update(Owner(kind, key) for key in self.pipeline.world.tables[TYPES[kind]])
        due.update(owner for owner in touched if owner.kind in FEW)
        return due
