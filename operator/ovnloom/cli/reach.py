"""`ovnloom reach`: who may reach whom, as a matrix."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from ovnloom.api.pod import Pod
from ovnloom.api.selector import Expression, LabelSelector
from ovnloom.cli.prose import BLANK, Line
from ovnloom.cli.verdict_ends import Asked, End, port_of
from ovnloom.cli.verdict_ends import asked as read_port
from ovnloom.cli.verdict_prose import cell
from ovnloom.cli.verdict_question import Judgement, Situation, State, judge
from ovnloom.cli.wrong import Wrong
from ovnloom.verdict import Verdict

MOST = 40_000
"""Pairs of one matrix; more would take minutes and nobody could read it."""
_KEY = r"[A-Za-z0-9][A-Za-z0-9_./-]*"
_SET = re.compile(rf"({_KEY})\s+(in|notin)\s+\(([^()]*)\)")
_EQUAL = re.compile(rf"({_KEY})\s*(==|=|!=)\s*([A-Za-z0-9_.-]*)")
_BARE = re.compile(rf"(!?)\s*({_KEY})")
_COMMA = re.compile(r",(?![^()]*\))")


@dataclass(slots=True)
class Matrix:
    """Each pair of the two sides, where source and target differ and a packet can go."""

    situation: Situation
    sources: list[End]
    targets: list[End]
    asked: Asked | None
    cells: dict[tuple[str, str], Judgement] = field(default_factory=dict)

    @property
    def allowed(self) -> bool:
        """Whether every pair is allowed."""
        return all(found.allowed for found in self.cells.values())


def make(there: Situation, sources: Sequence[str], targets: Sequence[str], port: str) -> Matrix:
    """The verdict for each pair. Raises Wrong."""
    asked = read_port(port)
    found = Matrix(there, _side(there.now, sources, "--from"), _side(there.now, targets, "--to"), asked)
    count = len(found.sources) * len(found.targets)
    if count > MOST:
        raise Wrong(f"--from and --to make {count} pairs, more than {MOST}; narrow the selectors")
    for source in found.sources:
        for target in found.targets:
            if source.label == target.label or not {one for one, _ in source.places} & {
                one for one, _ in target.places
            }:
                continue
            what = asked or (port_of(target.service, "--to") if target.service else Asked())
            verdicts = judge(there.now, source, target, what)
            found.cells[source.label, target.label] = Judgement(
                source, target, what, verdicts, _before(there.before, source, target, what)
            )
    return found


def _before(state: State | None, source: End, target: End, what: Asked) -> tuple[Verdict, ...] | None:
    """What was so before the files; None without files, or when an end wasn't there."""
    if state is None:
        return None
    try:
        return judge(state, source, target, what)
    except Wrong:
        return None


def _side(state: State, texts: Sequence[str], flag: str) -> list[End]:
    found: dict[str, End] = {}
    for text in texts:
        for end in _ends(state, text, flag):
            found.setdefault(end.label, end)
    if not found:
        raise Wrong(f"{flag} is missing; use NAMESPACE/LABELS, like default/app=web, or /app=web for all namespaces")
    return list(found.values())


def _ends(state: State, text: str, flag: str) -> Iterator[End]:
    """The Pods of a selector, or what else a question can be about."""
    namespace, slash, labels = text.partition("/")
    if not slash or namespace in ("svc", "service", "node", "pod"):
        yield state.ends.find(text, flag)
        return
    wanted = selector(labels, flag)
    pods = sorted(
        key
        for key, pod in state.pipeline.world.tables[Pod].items()
        if not pod.finished and (not namespace or key.namespace == namespace) and wanted.matches(pod.labels)
    )
    if not pods:
        where = f"in namespace {namespace}" if namespace else "in any namespace"
        raise Wrong(f"{flag} {text!r} selects no Pod {where}; look at `kubectl get pods -A --show-labels`")
    for key in pods:
        yield state.ends.pod(key, flag)


def selector(text: str, flag: str) -> LabelSelector:
    """A selector as kubectl reads it: `a=b`, `a!=b`, `a in (b, c)`, `a notin (b)`, `a`, `!a`, joined by commas."""
    found: list[Expression] = []
    for part in filter(None, (word.strip() for word in _COMMA.split(text))):
        if match := _SET.fullmatch(part):
            values = tuple(value.strip() for value in match[3].split(","))
            found.append(Expression(match[1], "In" if match[2] == "in" else "NotIn", values))
        elif match := _EQUAL.fullmatch(part):
            found.append(Expression(match[1], "NotIn" if match[2] == "!=" else "In", (match[3],)))
        elif match := _BARE.fullmatch(part):
            found.append(Expression(match[2], "DoesNotExist" if match[1] else "Exists"))
        else:
            raise Wrong(f"{flag}: {part!r} is no label selector; write labels as in kubectl -l, like app=web,tier!=db")
    return LabelSelector(match_expressions=tuple(found))


def prose(matrix: Matrix) -> Iterator[Line]:
    """The matrix for people: rows from, columns to. With files a cell that they change says what it was."""
    there = matrix.situation
    why = f" ({there.against.why}; choose by --against)" if there.against.why else ""
    yield Line(f"Against {there.against.kind}{why}: {there.objects}", "dim")
    for note in there.notes:
        yield Line(f"note: {note}")
    yield BLANK
    corner = f"from \\ to, {matrix.asked or 'ping, or the port of a Service'}"
    table = [[corner, *(end.label for end in matrix.targets)]]
    table += [[one.label, *(_cell(matrix, one, other) for other in matrix.targets)] for one in matrix.sources]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    for at, row in enumerate(table):
        line = "  ".join(word.ljust(width) for word, width in zip(row, widths, strict=True)).rstrip()
        yield Line(line, "" if at else "bold")
    yield BLANK
    yield Line(_summary(matrix))


def _cell(matrix: Matrix, source: End, target: End) -> str:
    found = matrix.cells.get((source.label, target.label))
    if found is None:
        return "-"
    was = {True: "yes", False: "no", None: ""}[found.was_allowed]
    return f"{cell(found)} (was {was})" if found.has_changed else cell(found)


def _summary(matrix: Matrix) -> str:
    words = [cell(found) for found in matrix.cells.values()]
    parts = [f"{words.count('yes')} of {len(words)} pairs are allowed"]
    if "part" in words:
        parts.append(f"{words.count('part')} in part: ask `ovnloom verdict` which way fails")
    changed = sum(found.has_changed for found in matrix.cells.values())
    if matrix.situation.before is not None:
        parts.append(f"{changed} changed by the files")
    return ", ".join(parts) + "."
