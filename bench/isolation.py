"""NetworkPolicies against real servers: what the controller spends on them beside OVN, until ovn-northd is done."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict, dataclass, field
from time import monotonic
from typing import Any

from bench import account, bars
from bench.account import MIB
from bench.bars import Line
from bench.load import PATIENCE, Api, Lost, each
from bench.place import Place
from ovnloom.kube.client import MERGE, OBJECT
from sandbox.report import Report

OVN = ("ovn-northd", "ovsdb-nb", "ovsdb-sb")
CHANGES = 100
LOOK_SECONDS = 0.25
"""Between two looks at the northbound database, which cost it something."""
SETTLE = 1.0
"""Seconds after a phase in which the controller ends what it puts off."""


@dataclass(frozen=True, slots=True)
class Size:
    """What is made, spread evenly over nodes and namespaces. With one namespace each Pod is in many policies."""

    pods: int = 1000
    policies: int = 500
    spaces: int = 20
    nodes: int = 20


@dataclass(frozen=True, slots=True)
class Phase:
    """Something that was done. Times are in seconds from its first request."""

    what: str
    written: float
    """Until the northbound database had all of it."""
    done: float
    """Until ovn-northd had answered that (nb_cfg came back as sb_cfg)."""
    cpu: dict[str, float]
    """Of each program, CPU seconds until then."""
    foreign: float
    """Cores that were busy with programs that have nothing to do with this."""
    rss: int
    """Of the controller after it, in bytes."""


@dataclass(slots=True)
class Result:
    """All that one run found: the first phases are the load, the others are changes to it."""

    load: list[Phase] = field(default_factory=list)
    changes: list[Phase] = field(default_factory=list)

    def lines(self) -> list[Line]:
        """The figures with their bars."""
        found = []
        for phase in (*self.load, *self.changes):
            found += [
                Line(f"{phase.what}: until the northbound database has it", phase.written, "s"),
                Line(f"{phase.what}: until ovn-northd is done", phase.done, "s"),
                Line(f"{phase.what}: CPU of the controller", phase.cpu["ovnloom"], "s"),
                Line(f"{phase.what}: CPU of OVN", sum(phase.cpu[name] for name in OVN), "s"),
                Line(f"{phase.what}: the controller's share", share([phase]), "%"),
            ]
        what = " and ".join(phase.what for phase in self.load)
        found.append(Line(f"{what}: the controller's share", share(self.load), "%", bars.CONTROLLER_SHARE))
        found.append(Line(f"{what}: the controller's share of all, with the API server", whole(self.load), "%"))
        found.append(Line(f"{what}: until ovn-northd is done", sum(phase.done for phase in self.load), "s"))
        found.append(Line(f"{what}: memory of the controller", self.load[-1].rss / MIB, "MiB"))
        found.append(Line("foreign", max(phase.foreign for phase in (*self.load, *self.changes)), "cores"))
        return found

    def encode(self) -> dict[str, Any]:
        return {
            "load": [asdict(phase) for phase in self.load],
            "changes": [asdict(phase) for phase in self.changes],
            "lines": [line.encode() for line in self.lines()],
        }


def share(phases: Sequence[Phase]) -> float:
    """Percent of the controller's CPU of that of the controller, ovn-northd and the databases."""
    mine = sum(phase.cpu["ovnloom"] for phase in phases)
    return _percent(mine, mine + sum(phase.cpu[name] for phase in phases for name in OVN))


def whole(phases: Sequence[Phase]) -> float:
    """Percent of the controller's CPU of that of all programs of the cluster."""
    return _percent(sum(phase.cpu["ovnloom"] for phase in phases), sum(sum(phase.cpu.values()) for phase in phases))


def _percent(part: float, of: float) -> float:
    """CPU is counted in hundredths of a second: a phase of ten Pods may have cost none."""
    return 100 * part / of if of else 0.0


async def run(found: Place, size: Size, report: Report) -> Result:
    """One run; the cluster is empty before it. Raises Lost when something doesn't arrive."""
    result = Result()
    async with Api.open(str(found.real.kubeconfig)) as api:
        with report.step("controller"):
            found.controller.start()
            for at in range(size.spaces):
                await api.add_namespace(space(at), {"team": f"team-{at % 4}"})
            await _until(lambda: "ovn-default" in _names(found, "Logical_Switch"), "the default Subnet")
            await asyncio.sleep(SETTLE)
        phases = _Phases(found, api, report)
        bodies = [pod(at, size) for at in range(size.pods)]
        ports = {f"{body['metadata']['name']}.{body['metadata']['namespace']}" for body in bodies}
        result.load.append(
            await phases.run(
                f"{size.pods:,} Pods",
                lambda: _create(api, "/api/v1", "pods", bodies),
                lambda: ports <= _names(found, "Logical_Switch_Port"),
            )
        )
        made = [policy(at, size) for at in range(size.policies)]
        groups = {f"policy.{at}.{space(at % size.spaces).replace('-', '.')}" for at in range(size.policies)}
        result.load.append(
            await phases.run(
                f"{size.policies:,} policies",
                lambda: _create(api, NETWORKING, "networkpolicies", made),
                lambda: groups <= _names(found, "Port_Group"),
            )
        )
        _check(found, size.policies)
        some = [f"pod-{at}" for at in range(min(CHANGES, size.pods))]
        moved = "moved"
        selector = {"podSelector": {"matchLabels": {"app": moved}}, "policyTypes": ["Ingress"]}
        for at in range(size.spaces):
            await api.write("POST", f"{NETWORKING}/namespaces/{space(at)}/networkpolicies", _named("moved", selector))
        result.changes.append(
            await phases.run(
                f"labels of {len(some)} Pods change",
                lambda: each(some, lambda name: _relabel(api, name, moved, size)),
                lambda: _members(found, "moved.") == len(some),
            )
        )
        result.changes.append(
            await phases.run(
                "all policies go",
                lambda: _delete(api, size),
                lambda: not groups & _names(found, "Port_Group"),
            )
        )
    return result


@dataclass(frozen=True)
class _Phases:
    """Does one thing after the other and measures it."""

    found: Place
    api: Api
    report: Report

    async def run(self, what: str, do: Callable[[], Awaitable[None]], is_written: Callable[[], bool]) -> Phase:
        with self.report.step(what) as tell:
            before, busy, mine, started = self.found.used(), account.machine(), account.own(), monotonic()
            await do()
            tell("created")
            await _until(is_written, what)
            written = monotonic() - started
            tell("in the northbound database")
            await asyncio.to_thread(self.found.real.nbctl, "--wait=sb", "sync")
            done = monotonic() - started
            after, busy = self.found.used(), account.machine() - busy
            cpu = {name: after[name].cpu - before[name].cpu for name in after}
            foreign = max(0.0, busy - sum(cpu.values()) - (account.own() - mine)) / done
            await asyncio.sleep(SETTLE)
        return Phase(what, written, done, cpu, foreign, after["ovnloom"].rss)


NETWORKING = "/apis/networking.k8s.io/v1"


def space(at: int) -> str:
    return f"space-{at}"


def pod(at: int, size: Size) -> dict[str, Any]:
    """A Pod that was bound already, with a named port that isn't the same number on all."""
    container = {"name": "main", "image": "pause", "ports": [{"name": "http", "containerPort": 8080 + at % 3}]}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": f"pod-{at}",
            "namespace": space(at % size.spaces),
            "labels": {"app": f"app-{at // size.spaces % 5}"},
        },
        "spec": {
            "nodeName": f"worker-{at % size.nodes + 1}",
            "automountServiceAccountToken": False,
            "terminationGracePeriodSeconds": 0,
            "containers": [container],
        },
    }


def policy(at: int, size: Size) -> dict[str, Any]:
    """The kinds of policies that people write, in turns: nothing comes in; one application reaches another, by a
    number, by a named port, from namespaces; some addresses outside; and everything."""
    app = {"matchLabels": {"app": f"app-{at % 5}"}}
    other = {"podSelector": {"matchLabels": {"app": f"app-{(at + 1) % 5}"}}}
    team = {"namespaceSelector": {"matchLabels": {"team": f"team-{at % 4}"}}}
    outside = {"ipBlock": {"cidr": f"192.0.{at % 250}.0/24", "except": [f"192.0.{at % 250}.128/25"]}}
    forms: tuple[dict[str, Any], ...] = (
        {"podSelector": app, "policyTypes": ["Ingress"]},
        {
            "podSelector": app,
            "ingress": [{"from": [other], "ports": [{"port": 8080}, {"port": 9000, "endPort": 9100}]}],
        },
        {"podSelector": app, "ingress": [{"from": [team], "ports": [{"port": "http"}]}]},
        {"podSelector": {}, "policyTypes": ["Egress"], "egress": [{"to": [outside]}, {"to": [{**team, **other}]}]},
        {"podSelector": app, "ingress": [{"from": [outside, other]}]},
    )
    body = _named(f"policy-{at}", forms[at // size.spaces % len(forms)])
    body["metadata"]["namespace"] = space(at % size.spaces)
    return body


def _named(name: str, spec: dict[str, Any]) -> dict[str, Any]:
    return {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": {"name": name}, "spec": spec}


async def _create(api: Api, root: str, plural: str, bodies: Sequence[dict[str, Any]]) -> None:
    by_name = {body["metadata"]["name"]: body for body in bodies}

    async def create(name: str) -> None:
        where = by_name[name]["metadata"]["namespace"]
        await api.write("POST", f"{root}/namespaces/{where}/{plural}", by_name[name])

    await each(by_name, create)


async def _relabel(api: Api, name: str, app: str, size: Size) -> None:
    where = space(int(name.removeprefix("pod-")) % size.spaces)
    await api.write("PATCH", f"/api/v1/namespaces/{where}/pods/{name}", {"metadata": {"labels": {"app": app}}}, MERGE)


async def _delete(api: Api, size: Size) -> None:
    for at in range(size.spaces):
        await api.write("DELETE", f"{NETWORKING}/namespaces/{space(at)}/networkpolicies", {}, accept=OBJECT)


async def _until(is_so: Callable[[], bool], what: str) -> None:
    started = monotonic()
    while not await asyncio.to_thread(is_so):
        if monotonic() - started > PATIENCE:
            raise Lost(f"{what}: it doesn't arrive in the northbound database")
        await asyncio.sleep(LOOK_SECONDS)


def _names(found: Place, table: str) -> set[str]:
    return set(found.real.nbctl("--bare", "--columns=name", "list", table).split())


def _members(found: Place, group: str) -> int:
    """Ports in the groups whose names begin like that."""
    lines = found.real.nbctl("--no-headings", "--format=csv", "--columns=name,ports", "list", "Port_Group").splitlines()
    return sum(_uuids(line) for line in lines if line.startswith(group))


def _uuids(line: str) -> int:
    _, _, ports = line.partition(",")
    return len(ports.strip('"[]').split(",")) if ports.strip('"[]') else 0


def _check(found: Place, policies: int) -> None:
    """Every policy drops, and those with rules let something through."""
    actions = found.real.nbctl("--bare", "--columns=action", "list", "ACL").split()
    if actions.count("drop") < policies or actions.count("allow-related") < policies // 2:
        raise Lost(f"{actions.count('drop')} ACLs of {policies} policies drop: not all of them are there")
