"""`ovnloom plan`: from files, and what they are held against, to what would change."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from ovnloom.api.ip import IP
from ovnloom.api.meta import Key
from ovnloom.cli import manifest
from ovnloom.cli.addresses import Address, addresses
from ovnloom.cli.judge import Given, Manifests, judge
from ovnloom.cli.outlook import Outlook, Step
from ovnloom.cli.scenario import Scenario
from ovnloom.cli.workload import Expansion
from ovnloom.cli.wrong import Wrong
from ovnloom.intent import Owner, Problem
from ovnloom.ipam import Malformed
from ovnloom.kube.access import SERVICE_ACCOUNT
from ovnloom.northbound.mirror import Mirror
from ovnloom.settings import Settings
from ovnloom.world import defaults
from ovnloom.world.tables import BY_KIND

SNAPSHOT = "nb-snapshot="
SHOWN = 12
"""Strangers that a note names."""
AGAINST = "cluster, nb-snapshot=FILE or empty"


@dataclass(frozen=True, slots=True)
class Against:
    """What the files are held against: where objects come from and where rows come from."""

    kind: Literal["cluster", "nb-snapshot", "empty"]
    has_cluster: bool
    snapshot: str = ""
    why: str = ""


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
    held: list[Owner] = field(default_factory=list)
    problems: Mapping[Owner, tuple[Problem, ...]] = field(default_factory=dict)
    solved: Mapping[Owner, tuple[Problem, ...]] = field(default_factory=dict)
    expansions: list[Expansion] = field(default_factory=list)
    ignored: list[Given] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def has_changes(self) -> bool:
        """Whether the files change anything: a row, or who has an address."""
        return bool(self.step.operations) or any(found.verb != "keeps" for found in self.addresses)

    def is_new(self, owner: Owner, problem: Problem) -> bool:
        """Whether the files bring the problem."""
        return problem not in self.pending.problems.get(owner, ())


def choose(against: str, settings: Settings) -> Against:
    """What to compare with; with nothing said, a cluster that the environment names. Raises Wrong."""
    named = settings.kubeconfig or os.environ.get("KUBECONFIG", "")
    if not against:
        if named:
            return Against("cluster", True, why="a kubeconfig is named")
        if (SERVICE_ACCOUNT / "token").exists():
            return Against("cluster", True, why="this is a Pod")
        return Against("empty", False, why="no kubeconfig is named")
    if against == "cluster":
        return Against("cluster", True)
    if against == "empty":
        return Against("empty", False)
    path = against.removeprefix(SNAPSHOT)
    if against.startswith(SNAPSHOT) and path:
        return Against("nb-snapshot", bool(settings.kubeconfig), path)
    raise Wrong(f"--against is {against!r}; use {AGAINST}")


def make(
    files: Sequence[str], against: str, settings: Settings, *, recursive: bool, namespace: str, is_deletion: bool
) -> Result:
    """What the manifests in the files would change; without files, what the controller has yet to write.

    Raises Wrong with everything that is wrong with the question.
    """
    chosen = choose(against, settings)
    if not files and (is_deletion or not chosen.has_cluster):
        raise Wrong("there is no file; name one by -f FILE, a directory by -f DIRECTORY, or stdin by -f -")
    documents = manifest.read(files, recursive=recursive)
    if files and not documents:
        raise Wrong(f"{', '.join(files)}: there is no object in it")
    manifests = judge(documents, namespace)
    wanted = {(given.kind, given.key) for given in manifests.given}
    try:
        defaults.check(settings)
    except defaults.Unusable as wrong:
        raise Wrong(f"{wrong} (settings come from OVNLOOM_… variables)") from wrong
    server, objects, bodies, notes = "the files, and what every cluster has from the start", [], {}, []
    if chosen.has_cluster:
        from ovnloom.cli import cluster

        found = cluster.read(settings, wanted)
        server, objects, bodies, notes = found.server, found.objects, found.bodies, found.notes
    mirror, rows = _mirror(chosen, settings)
    outlook = Outlook(settings, mirror, all_rows=chosen.has_cluster)
    outlook.put(objects)
    notes += _defaults(outlook, settings, has_cluster=chosen.has_cluster)
    if chosen.kind == "nb-snapshot" and not chosen.has_cluster:
        from ovnloom.cli import snapshot

        outlook.put(snapshot.addresses(mirror))
    scenario = Scenario(outlook, bodies, notes=notes)
    return _compare(chosen, server, rows, scenario, manifests, is_deletion=is_deletion)


def _mirror(chosen: Against, settings: Settings) -> tuple[Mirror, str]:
    if chosen.kind == "cluster":
        from ovnloom.cli import rows

        return rows.read(settings), settings.ovn_nb
    if chosen.kind == "nb-snapshot":
        from ovnloom.cli import snapshot

        return snapshot.read(chosen.snapshot), chosen.snapshot
    return Mirror(), "none but those of what every cluster has from the start"


def _defaults(outlook: Outlook, settings: Settings, *, has_cluster: bool) -> list[str]:
    """What the controller makes at its first start is there."""
    notes = []
    try:
        bodies = defaults.bodies(settings)
    except Malformed as malformed:
        raise Wrong(f"settings of the default Subnets: {malformed}") from malformed
    for body in bodies:
        table = BY_KIND[body["apiVersion"], body["kind"]]
        # Older than everything that the files bring.
        found = table.decode({**body, "metadata": {**body["metadata"], "creationTimestamp": "1970-01-01T00:00:00Z"}})
        if found.key not in outlook.pipeline.world.tables[table.type]:
            outlook.put((found,))
            if has_cluster:
                notes.append(
                    f"{table.kind} {found.key} is not there yet; the plan has it as the controller will make it"
                )
    return notes


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
