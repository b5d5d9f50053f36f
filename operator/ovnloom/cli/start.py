"""Where a question starts: the objects that are there, and the files that come over them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from ovnloom.cli import manifest
from ovnloom.cli.judge import Manifests, judge
from ovnloom.cli.outlook import Outlook
from ovnloom.cli.scenario import Scenario
from ovnloom.cli.wrong import Wrong
from ovnloom.ipam import Malformed
from ovnloom.kube.access import SERVICE_ACCOUNT
from ovnloom.northbound.mirror import Mirror
from ovnloom.settings import Settings
from ovnloom.world import defaults
from ovnloom.world.tables import BY_KIND

SNAPSHOT = "nb-snapshot="
AGAINST = "cluster, nb-snapshot=FILE or empty"


@dataclass(frozen=True, slots=True)
class Against:
    """What the files are held against: where objects come from and where rows come from."""

    kind: Literal["cluster", "nb-snapshot", "empty"]
    has_cluster: bool
    snapshot: str = ""
    why: str = ""


@dataclass(frozen=True, slots=True)
class Start:
    """The objects are in the scenario's world, the manifests aren't yet."""

    against: Against
    scenario: Scenario
    manifests: Manifests
    objects: str
    """Where the objects came from, in words."""
    rows: str


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


def start(
    files: Sequence[str], chosen: Against, settings: Settings, *, recursive: bool, namespace: str, with_rows: bool
) -> Start:
    """Everything is read; without `with_rows` no database is, and none of its rows are there. Raises Wrong."""
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
    mirror, rows = _mirror(chosen, settings) if with_rows else (Mirror(), "none")
    outlook = Outlook(settings, mirror, all_rows=chosen.has_cluster)
    outlook.put(objects)
    notes += _defaults(outlook, settings, has_cluster=chosen.has_cluster)
    if chosen.kind == "nb-snapshot" and not chosen.has_cluster:
        from ovnloom.cli import snapshot

        outlook.put(snapshot.addresses(mirror))
    return Start(chosen, Scenario(outlook, bodies, notes=notes), manifests, server, rows)


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
