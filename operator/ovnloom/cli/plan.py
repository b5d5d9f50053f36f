"""`ovnloom plan`: from files, and what they are held against, to what would change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ovnloom.api.ip import IP
from ovnloom.api.meta import Key
from ovnloom.cli.addresses import Address, addresses
from ovnloom.cli.isolation import Isolation, changes, pods, state
from ovnloom.cli.judge import Given, Manifests
from ovnloom.cli.outlook import Step
from ovnloom.cli.scenario import Scenario
from ovnloom.cli.start import Against, choose, start
from ovnloom.cli.workload import Expansion
from ovnloom.cli.wrong import Wrong
from ovnloom.intent import Owner, Problem
from ovnloom.settings import Settings

SHOWN = 12
"""Strangers that a note names."""


@dataclass(slots=True)
class Result:
    """Everything that `ovnloom plan` answers."""

    against: Against
    objects: str
    """Where the objects came from, in words."""
    rows: str
    is_deletion: bool
    has_files: bool
    step: Step
    pending: Step
    addresses: list[Address] = field(default_factory=list)
    pending_addresses: list[Address] = field(default_factory=list)
    isolation: list[Isolation] = field(default_factory=list)
    """What the files change in it; without files nothing, as there is nothing to compare with."""
    held: list[Owner] = field(default_factory=list)
    problems: Mapping[Owner, tuple[Problem, ...]] = field(default_factory=dict)
    solved: Mapping[Owner, tuple[Problem, ...]] = field(default_factory=dict)
    expansions: list[Expansion] = field(default_factory=list)
    ignored: list[Given] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def has_changes(self) -> bool:
        """Whether the files change anything: a row, or who has an address."""
        return bool(self.step.operations or self.step.objects) or any(found.verb != "keeps" for found in self.addresses)

    def is_new(self, owner: Owner, problem: Problem) -> bool:
        """Whether the files bring the problem."""
        return problem not in self.pending.problems.get(owner, ())


def make(
    files: Sequence[str], against: str, settings: Settings, *, recursive: bool, namespace: str, is_deletion: bool
) -> Result:
    """What the manifests in the files would change; without files, what the controller has yet to write.

    Raises Wrong with everything that is wrong with the question.
    """
    chosen = choose(against, settings)
    if not files and (is_deletion or not chosen.has_cluster):
        raise Wrong("there is no file; name one by -f FILE, a directory by -f DIRECTORY, or stdin by -f -")
    begun = start(files, chosen, settings, recursive=recursive, namespace=namespace, with_rows=True)
    return _compare(chosen, begun.objects, begun.rows, begun.scenario, begun.manifests, is_deletion=is_deletion)


def _compare(
    chosen: Against, server: str, rows: str, scenario: Scenario, manifests: Manifests, *, is_deletion: bool
) -> Result:
    outlook, ips = scenario.outlook, scenario.outlook.pipeline.world.tables[IP]
    if is_deletion and not chosen.has_cluster:
        scenario.apply(manifests.given)  # nobody else says that they are there
        scenario.entitle()
    first: Mapping[Key, IP] = dict(ips)
    pending = outlook.step() if manifests.has_any else Step()
    before = dict(ips) if manifests.has_any else first
    isolated, there = state(outlook.pipeline), pods(outlook.pipeline)
    if is_deletion:
        scenario.delete(manifests.given)
    else:
        scenario.apply(manifests.given)
    step = outlook.step()
    shown = {Owner(given.kind, given.key) for given in manifests.given}
    shown |= {
        Owner("Pod", Key(body["metadata"]["name"], body["metadata"]["namespace"]))
        for expansion in scenario.expansions
        for body in expansion.coming
    }
    result = Result(chosen, server, rows, is_deletion, manifests.has_any, step, pending)
    result.addresses = addresses(step.choices, before, ips, shown)
    result.pending_addresses = [one for one in addresses(pending.choices, first, before) if one.verb != "keeps"]
    if manifests.has_any:
        result.isolation = changes(isolated, state(outlook.pipeline), there, pods(outlook.pipeline))
    result.held = outlook.held()
    result.problems = step.problems
    result.solved = {
        owner: left
        for owner, said in pending.problems.items()
        if (left := tuple(problem for problem in said if problem not in step.problems.get(owner, ())))
    }
    result.expansions = scenario.expansions
    result.ignored = manifests.ignored
    result.notes = [*manifests.notes, *dict.fromkeys(scenario.notes)]
    strangers = outlook.strangers()
    if strangers and not chosen.has_cluster:
        words = ", ".join(map(str, strangers[:SHOWN])) + (", …" if len(strangers) > SHOWN else "")
        wrong = (
            "rows in the snapshot, but no object in the files, so the plan takes them as missing where files name them"
        )
        result.notes.append(f"{words}: {wrong}; add their manifests, or read the cluster's by --kubeconfig")
    return result
