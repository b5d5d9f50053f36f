"""The benchmark against real servers: Pods come in steps, and then there are restarts and edits of their Subnet."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, field
from time import monotonic
from typing import Any

from bench import account, bars
from bench.account import MIB
from bench.bars import Line
from bench.load import NAMESPACE, PODS, Api, Lost, Served, each, pod, write_floor
from bench.place import Place
from sandbox.report import Report

PLANE = ("kube-apiserver", "etcd", "kube-controller-manager", "kube-scheduler")
BLOCK = 1000
"""Pods in one go; then it is the floor's turn, so that both see the same noise of the machine."""
STEPS = (200, 1000, 3000, 5000)
QUICK = (200, 1000)
SUBNET = "/apis/kubeovn.io/v1/subnets/ovn-default"
SETTLE = 1.0
"""Seconds after a step in which the controller ends what it puts off, such as the Subnet's status."""


@dataclass(frozen=True, slots=True)
class Step:
    """So many more Pods. Times are in seconds, memory in bytes after the step."""

    pods: int
    total: int
    seconds: float
    floor: float
    cpu: dict[str, float]
    rss: int
    peak: int
    foreign: float = 0.0
    """Cores that were busy with programs that have nothing to do with this; from half a core on, times mean little."""

    @property
    def cpu_ms(self) -> float:
        """Of the controller, for one Pod."""
        return self.cpu["ovnloom"] / self.pods * 1e3

    @property
    def ratio(self) -> float:
        return self.seconds / self.floor

    @property
    def work(self) -> float:
        """CPU of all programs, OVN's own ones apart, to that for the floor: the ratio of times on a machine that is
        busy with nothing else and never waits."""
        real = sum(cpu for name, cpu in self.cpu.items() if name in (*PLANE, "ovnloom", "ovsdb-nb", "load"))
        return real / sum(self.cpu[f"floor {name}"] for name in (*PLANE, "load"))


@dataclass(slots=True)
class Result:
    """All that one run found."""

    steps: list[Step] = field(default_factory=list)
    restarts: dict[int, tuple[float, float]] = field(default_factory=dict)
    """Seconds from SIGTERM to the first new Pod that is served, and the new controller's CPU seconds until then, by the
    number of Pods that were there."""
    edits: dict[str, tuple[float, float]] = field(default_factory=dict)
    """Seconds until the database shows it, and the controller's CPU seconds for it."""

    def lines(self) -> list[Line]:
        """The figures with their bars."""
        times = bars.TIMES_THE_FLOOR
        found = [Line(f"{step.total} Pods: time to the floor's", step.ratio, "times", times) for step in self.steps]
        found += [Line(f"{step.total} Pods: CPU of all to the floor's", step.work, "times") for step in self.steps]
        most = bars.CPU_MS_A_POD
        found += [Line(f"{step.total} Pods: CPU of a Pod", step.cpu_ms, "ms", most) for step in self.steps]
        found += [Line(f"{step.total} Pods: memory", step.rss / MIB, "MiB", _rss_bar(step)) for step in self.steps]
        first, last = self.steps[0], self.steps[-1]
        if last is not first:
            cpu = last.cpu_ms / first.cpu_ms
            time = last.ratio / first.ratio
            found.append(Line("CPU of a Pod, last step to first", cpu, "times", bars.LAST_TO_FIRST))
            found.append(Line("time to the floor's, last step to first", time, "times", bars.LAST_TO_FIRST))
        for pods, (seconds, cpu) in self.restarts.items():
            bar = bars.RESTART_SECONDS if pods <= bars.RSS_PODS else None
            found += [Line(f"{pods} Pods: restart", seconds, "s", bar), Line(f"{pods} Pods: restart, CPU", cpu, "s")]
        for edit, (seconds, cpu) in self.edits.items():
            found += [Line(edit, seconds, "s"), Line(f"{edit}, CPU", cpu, "s")]
        return found

    def encode(self) -> dict[str, Any]:
        return {
            "steps": [asdict(step) for step in self.steps],
            "restarts": self.restarts,
            "edits": self.edits,
            "lines": [line.encode() for line in self.lines()],
        }


def _rss_bar(step: Step) -> float | None:
    return bars.RSS_MIB if step.total <= bars.RSS_PODS else None


async def run(found: Place, nodes: int, steps: Sequence[int], report: Report) -> Result:
    """One run; the clusters are empty before it. Raises Lost when a Pod was not served."""
    result = Result()
    async with _clients(found) as (real, floor, served):
        with report.step("controller"):
            found.controller.start()
            await _create(real, served, ["first"], nodes, 0)
            await asyncio.sleep(SETTLE)
        total = 0
        for count in steps:
            with report.step(f"{count} more Pods") as tell:
                step = await _step(found, real, floor, served, nodes, count, total, tell)
            result.steps.append(step)
            total += count
            if total == bars.RSS_PODS or count == steps[-1]:
                with report.step(f"restart with {total} Pods"):
                    result.restarts[total] = await _restart(found, real, served, nodes, total)
        with report.step(f"edits of a Subnet with {total} Pods"):
            result.edits = await _edits(found, real, total)
    return result


@asynccontextmanager
async def _clients(found: Place) -> AsyncIterator[tuple[Api, Api, Served]]:
    async with Api.open(str(found.real.kubeconfig)) as real, Api.open(str(found.floor.kubeconfig)) as floor:
        await real.add_namespace()
        await floor.add_namespace()
        served = Served(real)
        async with asyncio.TaskGroup() as group:
            watch = group.create_task(served.follow())
            yield real, floor, served
            watch.cancel()


async def _create(api: Api, served: Served, names: Sequence[str], nodes: int, first: int) -> float:
    """Seconds from the first create until all Pods are served."""
    numbers = {name: at for at, name in enumerate(names, first)}
    started = monotonic()
    await each(names, lambda name: api.write("POST", PODS, pod(name, f"worker-{numbers[name] % nodes + 1}")))
    await served.all(names)
    return monotonic() - started


async def _step(
    found: Place, real: Api, floor: Api, served: Served, nodes: int, count: int, total: int, tell: Any
) -> Step:
    names = [f"pod-{at}" for at in range(total, total + count)]
    before, busy, began = found.used(), account.machine(), monotonic()
    load = {"load": 0.0, "floor load": 0.0}
    seconds = least = 0.0
    for turn, at in enumerate(range(0, count, BLOCK)):
        block = names[at : at + BLOCK]
        for is_floor in (True, False) if turn % 2 == 0 else (False, True):
            mine = account.own()
            if is_floor:
                started = monotonic()
                await write_floor(floor, block, nodes, total + at)
                least += monotonic() - started
            else:
                seconds += await _create(real, served, block, nodes, total + at)
            load["floor load" if is_floor else "load"] += account.own() - mine
        tell(f"{at + len(block)} of {count}: {(at + len(block)) / seconds:.0f} Pods/s")
    await asyncio.sleep(SETTLE)
    after, busy = found.used(), account.machine() - busy
    cpu = load | {name: after[name].cpu - before[name].cpu for name in after}
    foreign = max(0.0, busy - sum(cpu.values())) / (monotonic() - began)
    _check_ports(found, names)
    return Step(count, total + count, seconds, least, cpu, after["ovnloom"].rss, after["ovnloom"].peak, foreign)


def _check_ports(found: Place, names: Sequence[str]) -> None:
    """Every Pod that was told its address has its port: the answer on a Pod comes after the database's."""
    there = set(found.real.nbctl("--bare", "--columns=name", "list", "Logical_Switch_Port").split())
    missing = [name for name in names if f"{name}.{NAMESPACE}" not in there]
    if missing:
        raise Lost(f"{len(missing)} Pods have no port, such as {missing[0]}")


async def _restart(found: Place, real: Api, served: Served, nodes: int, total: int) -> tuple[float, float]:
    name = f"after-restart-{total}"
    started = monotonic()
    await asyncio.to_thread(found.stop_controller)
    found.controller.start()
    await _create(real, served, [name], nodes, total)
    seconds = monotonic() - started
    cpu = found.used()["ovnloom"].cpu
    await asyncio.sleep(SETTLE)
    return seconds, cpu


async def _edits(found: Place, real: Api, total: int) -> dict[str, tuple[float, float]]:
    acl = {"direction": "to-lport", "priority": 3000, "match": "ip4.src == 198.51.100.7", "action": "drop"}
    one = await _edit(found, real, {"acls": [acl]}, lambda: bool(_find(found, "ACL", "priority=3000")))
    every = await _edit(
        found,
        real,
        {"enableDHCP": True},
        lambda: len(_find(found, "Logical_Switch_Port", "dhcpv4_options!=[]")) >= total,
    )
    return {f"{total} Pods: edit of no Pod's rows": one, f"{total} Pods: edit of every Pod's row": every}


def _find(found: Place, table: str, condition: str) -> list[str]:
    return found.real.nbctl("--bare", "--columns=_uuid", "find", table, condition).split()


async def _edit(found: Place, real: Api, spec: dict[str, Any], is_done: Any) -> tuple[float, float]:
    before = found.used()["ovnloom"].cpu
    started = monotonic()
    await real.write("PATCH", SUBNET, {"spec": spec}, "application/merge-patch+json")
    while not await asyncio.to_thread(is_done):
        if monotonic() - started > 120:
            raise Lost(f"the edit {spec} doesn't arrive in the database")
        await asyncio.sleep(0.02)
    seconds = monotonic() - started
    await asyncio.sleep(SETTLE)
    return seconds, found.used()["ovnloom"].cpu - before
