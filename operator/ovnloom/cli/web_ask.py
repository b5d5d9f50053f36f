"""What `ovnloom web` answers about traffic: the questions of `ovnloom reach` and `ovnloom verdict`, for one Pod."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from time import monotonic
from typing import Any

from ovnloom.api.meta import Key
from ovnloom.api.node import Node
from ovnloom.api.pod import Pod
from ovnloom.api.service import Service
from ovnloom.cli import isolation, verdict_prose
from ovnloom.cli.start import Against
from ovnloom.cli.verdict_ends import Asked, End, port_of
from ovnloom.cli.verdict_ends import asked as read_port
from ovnloom.cli.verdict_question import Judgement, Situation, State, ask, judge, state_of
from ovnloom.cli.wrong import Wrong
from ovnloom.errors import Refused
from ovnloom.intent import Owner
from ovnloom.pipeline import Pipeline
from ovnloom.web.asking import Direction

PAGE_SECONDS = 0.1
"""How long a page of verdicts may take: nothing else is answered meanwhile."""
STALE_SECONDS = 1.0
"""How old the rows may be that verdicts are about while everything changes: reading them anew takes some 100 ms."""


@dataclass(slots=True)
class _Seen:
    version: int
    since: float
    state: State
    ends: list[str]
    """All ids that can be asked about, sorted."""
    effects: isolation.State


class Questions:
    """An `Asker` about what a pipeline wants now."""

    def __init__(self, pipeline: Pipeline, version: Callable[[], int]) -> None:
        """`version` grows with each change of the pipeline."""
        self._pipeline = pipeline
        self._version = version
        self._last: _Seen | None = None

    def reach(self, pod: Key, direction: Direction, port: str, after: str) -> Mapping[str, Any]:
        seen = self._seen()
        try:
            asked, mine = read_port(port), seen.state.ends.pod(pod, "the Pod")
        except Wrong as wrong:
            raise Refused(wrong.sentences[0]) from wrong
        start, found, last = monotonic(), {}, ""
        at = bisect_right(seen.ends, after)
        for last in seen.ends[at:]:
            at += 1
            if last != str(Owner("Pod", pod)) and (word := self._cell(seen, mine, last, asked, direction)):
                found[last] = word
            if monotonic() - start > PAGE_SECONDS:
                break
        return {
            "version": seen.version,
            "found": found,
            "next": last if at < len(seen.ends) else "",
            "isolation": [
                {"direction": place.direction, "effect": place.effect, "network": place.network, "by": sorted(by)}
                for place, by in sorted(seen.effects.items())
                if place.pod == pod
            ],
        }

    def why(self, source: str, target: str, port: str) -> Mapping[str, Any]:
        seen = self._seen()
        try:
            there = Situation(Against("cluster", True), "", seen.state, None, [])
            result = ask(there, _word(source), _word(target), port)
        except Wrong as wrong:
            raise Refused(wrong.sentences[0]) from wrong
        judgement = result.judgement
        lines = list(verdict_prose.answer(judgement.verdicts))
        return {
            "allowed": judgement.allowed,
            "port": str(judgement.asked),
            "said": verdict_prose.word(judgement.verdicts),
            "lines": [line.text.strip() for line in lines],
            "notes": result.notes,
        }

    def _cell(self, seen: _Seen, mine: End, other: str, asked: Asked | None, direction: Direction) -> str:
        """yes, no or part; empty where nothing can be asked."""
        try:
            end = seen.state.ends.find(_word(other), other)
            source, target = (mine, end) if direction == "from" else (end, mine)
            if target.service is not None and asked is None:
                asked = port_of(target.service, other)
            if source.service is not None:
                return ""
            what = asked or Asked()
            return verdict_prose.cell(Judgement(source, target, what, judge(seen.state, source, target, what)))
        except Wrong:
            return ""

    def _seen(self) -> _Seen:
        """The rows as they are now; while they change all the time, as they were a moment ago."""
        version, now = self._version(), monotonic()
        last = self._last
        if last is None or (last.version != version and now - last.since > STALE_SECONDS):
            state = state_of(self._pipeline, "default")
            last = _Seen(version, now, state, sorted(self._ends()), isolation.state(self._pipeline))
            self._last = last
        return last

    def _ends(self) -> Iterator[str]:
        tables = self._pipeline.world.tables
        yield from (
            str(Owner("Pod", key)) for key, pod in tables[Pod].items() if not (pod.finished or pod.host_network)
        )
        yield from (str(Owner("Node", key)) for key in tables[Node])
        yield from (str(Owner("Service", key)) for key, service in tables[Service].items() if service.cluster_ips)


WORDS = {"Pod": "pod/", "Node": "node/", "Service": "svc/"}


def _word(end: str) -> str:
    """An id as questions write it; an address is one already."""
    kind, slash, rest = end.partition("/")
    return f"{WORDS[kind]}{rest}" if slash and kind in WORDS else end
