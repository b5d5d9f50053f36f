"""The files over the world: applied, or deleted, as the API server and its controllers would do it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ovnloom.api.ip import IP
from ovnloom.api.ippool import IPPool
from ovnloom.api.meta import Key
from ovnloom.api.namespace import Namespace
from ovnloom.api.pod import Pod
from ovnloom.api.subnet import Subnet
from ovnloom.api.vip import Vip
from ovnloom.api.vpc import Vpc
from ovnloom.cli.judge import Given
from ovnloom.cli.merge import applied
from ovnloom.cli.outlook import Outlook
from ovnloom.cli.workload import Expansion, expand, pods_of
from ovnloom.intent import Owner
from ovnloom.world.tables import TABLES

NEW = "9999-12-31T23:59:59Z"
"""When objects of the files are made: after everything that is there, all in the same second."""
BUILT_IN = frozenset({"default", "kube-system", "kube-public", "kube-node-lease"})
"""Namespaces that every cluster has."""
FINALIZED: tuple[type, ...] = (IP, IPPool, Vip, Subnet, Vpc)
"""Kinds whose deletion waits until nothing uses them."""


@dataclass(slots=True)
class Scenario:
    """What was done with the world, and what there is to say about it."""

    outlook: Outlook
    bodies: Mapping[tuple[str, Key], Mapping[str, Any]] = field(default_factory=dict)
    """Objects that are there, in full, by kind and key."""
    expansions: list[Expansion] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def apply(self, given: Iterable[Given]) -> None:
        """The objects are there as the files say, with the Pods that their workloads mean."""
        given = list(given)
        pods_last = sorted(given, key=lambda item: item.kind == "Pod" or item.is_workload)
        for item in pods_last:
            if item.table is not None:
                self.outlook.put((item.table.decode(self._body(item)),))
            if item.is_workload:
                self._expand(item)
        self._miss_namespaces(given)

    def _body(self, item: Given) -> Mapping[str, Any]:
        there = self.bodies.get((item.kind, item.key))
        if there is not None:
            return applied(there, item.body)
        meta = {"creationTimestamp": NEW, **item.body["metadata"]}
        return {**item.body, "metadata": meta}

    def _expand(self, item: Given) -> None:
        found = expand(item, self.outlook.pipeline.world)
        self.expansions.append(found)
        if found.note:
            self.notes.append(found.note)
        self.outlook.put(Pod.decode(body) for body in found.coming)
        for key in found.going:
            self._remove(Pod, key)

    def _miss_namespaces(self, given: Iterable[Given]) -> None:
        there = self.outlook.pipeline.world.tables[Namespace]
        wanted = {item.key.namespace for item in given if item.key.namespace}
        for name in sorted(wanted - BUILT_IN - {key.name for key in there}):
            self.notes.append(f"Namespace {name} does not exist; create it first, or add it to the files")

    def delete(self, given: Iterable[Given]) -> None:
        """The objects are gone, with all that Kubernetes removes along; those in use stay, being deleted."""
        waiting: list[tuple[type, Key]] = []
        given = [item for item in given if self._is_there(item)]
        for item in given:
            going = list(pods_of(item, self.outlook.pipeline.world)) if item.is_workload else []
            if item.table is not None and item.table.type in FINALIZED:
                waiting.append((item.table.type, item.key))
                continue
            if item.table is not None:
                self._remove(item.table.type, item.key)
            for key in going:
                self._remove(Pod, key)
            if item.kind == "Namespace":
                self._empty(item.key.name)
        self._finish(waiting)

    def _is_there(self, item: Given) -> bool:
        there = item.table is None or item.key in self.outlook.pipeline.world.tables[item.table.type]
        if not there:
            self.notes.append(f"{item} is not there, so there is nothing to delete")
        return there

    def entitle(self) -> None:
        """Addresses that were kept only because nobody knew their holder are their Pod's, where that is there now."""
        tables = self.outlook.pipeline.world.tables
        for ip in [ip for ip in tables[IP].values() if ip.reserved and Key(ip.pod_name, ip.namespace) in tables[Pod]]:
            self.outlook.put((replace(ip, meta=replace(ip.meta, labels={})),))

    def _empty(self, namespace: str) -> None:
        for table in TABLES:
            if table.namespaced:
                for key in [
                    key for key in self.outlook.pipeline.world.tables[table.type] if key.namespace == namespace
                ]:
                    self._remove(table.type, key)

    def _finish(self, waiting: list[tuple[type, Key]]) -> None:
        """What nothing uses any more goes; that may free others."""
        for kind, key in waiting:
            there = self.outlook.pipeline.world.tables[kind][key]
            self.outlook.put((replace(there, meta=replace(there.meta, deletion_time=0.0)),))
        while True:
            self.outlook.settle()
            free = [place for place in waiting if not self.outlook.blockers(Owner(place[0].__name__, place[1]))]
            if not free:
                return
            for kind, key in free:
                self._remove(kind, key)
                waiting.remove((kind, key))

    def _remove(self, kind: type, key: Key) -> None:
        self.outlook.pipeline.put(kind, key, None)
