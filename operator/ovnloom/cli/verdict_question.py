"""`ovnloom verdict` and `ovnloom reach`: from files, and what they are held against, to two networks that are asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from ovnloom.api.subnet import Subnet
from ovnloom.cli.start import Against, choose, start
from ovnloom.cli.verdict_ends import Asked, End, Ends, port_of
from ovnloom.cli.verdict_ends import asked as read_port
from ovnloom.cli.wrong import Wrong
from ovnloom.pipeline import Pipeline
from ovnloom.settings import Settings
from ovnloom.verdict import Network, Question, Unknown, Verdict

MOST_NAMED = 5
"""ACLs that notes name."""


@dataclass(frozen=True, slots=True)
class State:
    """One state of the world and what its rows let through."""

    ends: Ends
    network: Network
    pipeline: Pipeline


@dataclass(slots=True)
class Situation:
    """The network as it will be, and the one before when there are files."""

    against: Against
    objects: str
    now: State
    before: State | None
    notes: list[str]


@dataclass(frozen=True, slots=True)
class Judgement:
    """The verdicts of one pair, one for each family, as it will be and as it was (None: not there, or no files)."""

    source: End
    target: End
    asked: Asked
    verdicts: tuple[Verdict, ...]
    before: tuple[Verdict, ...] | None = None

    @property
    def allowed(self) -> bool:
        """Whether it works in every family."""
        return all(verdict.allowed for verdict in self.verdicts)

    @property
    def was_allowed(self) -> bool | None:
        """The same before the files; None when there was no such question."""
        return None if self.before is None else all(verdict.allowed for verdict in self.before)

    @property
    def is_partly(self) -> bool:
        """Whether it depends on the way or on the family."""
        return not self.allowed and any(verdict.allowed or verdict.is_partly for verdict in self.verdicts)

    @property
    def has_changed(self) -> bool:
        """Whether the files make a difference."""
        return self.was_allowed is not None and self.was_allowed != self.allowed


@dataclass(slots=True)
class Result:
    """Everything that `ovnloom verdict` answers."""

    situation: Situation
    judgement: Judgement
    notes: list[str] = field(default_factory=list)


def situation(files: Sequence[str], against: str, settings: Settings, *, recursive: bool, namespace: str) -> Situation:
    """What there is, and with the files over it. Raises Wrong."""
    chosen = choose(against, settings)
    if chosen.kind == "nb-snapshot":
        raise Wrong("--against nb-snapshot has no objects to compute with; use cluster or empty")
    if not files and not chosen.has_cluster:
        raise Wrong("there is neither a file nor a cluster; name a file by -f FILE, or a cluster by --kubeconfig")
    begun = start(files, chosen, settings, recursive=recursive, namespace=namespace, with_rows=False)
    scenario, outlook = begun.scenario, begun.scenario.outlook
    outlook.settle()
    before = None
    if begun.manifests.has_any:
        if chosen.has_cluster:
            before = state_of(outlook.pipeline, namespace)
        scenario.apply(begun.manifests.given)
        outlook.settle()
    notes = [*begun.manifests.notes, *dict.fromkeys(scenario.notes)]
    held = sorted(owner for owner in outlook.pipeline.wanted.held() if outlook.exists(owner))
    if held:
        words = ", ".join(map(str, held))
        notes.append(f"{words}: can't be used as written, so rows that the database may still have of it don't count")
    return Situation(chosen, begun.objects, state_of(outlook.pipeline, namespace), before, notes)


def state_of(pipeline: Pipeline, namespace: str) -> State:
    subnets = {key.name: found for key, found in pipeline.world.tables[Subnet].items()}
    network = Network.of(pipeline.wanted, subnets)
    return State(Ends(pipeline.world, network, namespace), network, pipeline)


def judge(state: State, source: End, target: End, port: Asked) -> tuple[Verdict, ...]:
    """One verdict for each family that both ends have. Raises Wrong when there is none."""
    mine = dict(source.places)
    found = []
    for family, place in target.places:
        if family in mine:
            entry = source.entry if mine[family] != source.entry else ""
            question = Question(mine[family], place, port.protocol, port.port, 6 if family == 6 else 4, entry=entry)
            try:
                found.append(state.network.verdict(question))
            except Unknown as unknown:
                raise Wrong(str(unknown)) from unknown
    if not found:
        raise Wrong(f"{source.label} and {target.label} have no address of one family, so no packet can go there")
    return tuple(found)


def ask(there: Situation, source: str, target: str, port: str) -> Result:
    """May `source` reach `target`? Raises Wrong."""
    start_, end = there.now.ends.find(source, "FROM"), there.now.ends.find(target, "TO")
    asked = read_port(port)
    if asked is None:
        asked = port_of(end.service, "TO") if end.service else Asked()
    verdicts = judge(there.now, start_, end, asked)
    before = None
    if there.before is not None:
        try:
            ends = there.before.ends.find(source, "FROM"), there.before.ends.find(target, "TO")
            before = judge(there.before, *ends, asked)
        except Wrong:
            before = None
    judgement = Judgement(start_, end, asked, verdicts, before)
    return Result(there, judgement, [*there.notes, *_notes(judgement), *_unread(there.now, judgement)])


def _notes(judgement: Judgement) -> list[str]:
    """What a verdict doesn't say by itself."""
    steps = [step for verdict in judgement.verdicts for branch in verdict.branches for step in branch.steps]
    found = []
    if any(step.row is not None and step.row.columns.get("action") == "allow-stateless" for step in steps):
        found.append("allow-stateless lets no replies in by itself: ask for the way back, too")
    if judgement.source.entry and judgement.target.service is not None:
        found.append("a Node reaches Services by kube-proxy on itself; this is what OVN does with such an address")
    if judgement.target.service is not None and any("has no backend" in step.words for step in steps):
        found.append("backends come from EndpointSlices, which Kubernetes makes; files of a Service don't have them")
    return found


def _unread(state: State, judgement: Judgement) -> list[str]:
    """ACLs that have no effect, of which the steps say nothing."""
    found = dict.fromkeys(
        f"OVN doesn't read the ACL {row.columns.get('match')} of {row.parent.name if row.parent else '?'}: {why}"
        for verdict in judgement.verdicts
        for row, why in state.network.unread(verdict)
    )
    return list(found)[:MOST_NAMED]
