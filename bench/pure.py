"""The pure pipeline without any server: a whole cluster from objects, and then one Pod's change."""

from __future__ import annotations

import resource
import statistics
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from time import process_time
from typing import Any

from bench import bars
from bench.bars import Line
from bench.rows import written
from ovnloom.api.ip import IP, labels
from ovnloom.api.meta import FINALIZER
from ovnloom.api.namespace import Namespace
from ovnloom.api.node import Node
from ovnloom.api.pod import Pod
from ovnloom.api.subnet import Subnet
from ovnloom.api.vpc import Vpc
from ovnloom.controller import garbage
from ovnloom.northbound.edits import Plan
from ovnloom.pipeline import Pipeline
from ovnloom.settings import Settings

NODES = 200
CHANGES = 200


@dataclass(frozen=True, slots=True)
class Cost:
    """What a start cost: CPU seconds until each stage was done, after the one before it, and the most MiB."""

    read: float
    compiled: float
    planned: float
    peak: float
    operations: int
    """Of the plan against no rows."""

    @property
    def full(self) -> float:
        """Seconds of all stages."""
        return self.read + self.compiled + self.planned


def start(objects: Iterable[Any]) -> tuple[Pipeline, Cost]:
    """A pipeline of these objects whose first plan has been written, and what it cost up to that plan."""
    garbage.seldom()
    found = list(objects)
    pipeline = Pipeline(Settings())
    started = process_time()
    with garbage.postponed():  # as the controller's start is
        for each in found:
            pipeline.put(type(each), each.key, each)
        read = process_time()
        del found
        pipeline.run()
        compiled = process_time()
        plan = pipeline.plan()
        planned = process_time()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    stored(pipeline, plan)
    return pipeline, Cost(read - started, compiled - read, planned - compiled, peak, len(plan.operations))


def run(pods: int, subnets: int) -> list[Line]:
    """Full: choices made before are read from IP objects, everything is compiled and planned against no rows.

    Times are of CPU, which other programs of the machine disturb less; nothing here waits.
    """
    pipeline, cost = start(_objects(pods, subnets))
    assert cost.operations > pods
    changes = [_change(pipeline, f"new-{at}", at % subnets) for at in range(CHANGES)]
    what = f"{pods} Pods in {subnets} Subnets"
    return [
        Line(f"{what}: world, assign and compile", cost.read + cost.compiled, "s"),
        Line(f"{what}: plan", cost.planned, "s"),
        Line(f"{what}: full", cost.full, "s", bars.FULL_SECONDS),
        Line(f"{what}: most memory", cost.peak, "MiB", bars.FULL_MIB),
        Line(f"{what}: one Pod comes, median", statistics.median(changes) * 1e3, "ms", bars.CHANGE_MS),
    ]


def _change(pipeline: Pipeline, name: str, at: int) -> float:
    """Seconds until a new Pod's address is chosen and its rows are planned."""
    pod = _pod(name, at, 3)
    started = process_time()
    pipeline.put(Pod, pod.key, pod)
    pipeline.run()
    plan = pipeline.plan()
    seconds = process_time() - started
    assert plan.operations
    stored(pipeline, plan)
    return seconds


def stored(pipeline: Pipeline, plan: Plan) -> None:
    """The plan's rows are in the mirror, and nothing is due any more."""
    pipeline.observe(written(plan))
    pipeline.settled(plan.owners, plan)
    assert not pipeline.plan().operations
    pipeline.settled(tuple(pipeline.unsettled), pipeline.plan())


def _objects(pods: int, subnets: int) -> Iterator[Any]:
    yield Vpc.decode({"metadata": {"name": "ovn-cluster"}})
    for name, cidr in (("join", "100.64.0.0/16"), ("ovn-default", "10.16.0.0/16")):
        yield subnet(name, {"cidrBlock": cidr, "default": name == "ovn-default"})
    for at in range(NODES):
        status = {"addresses": [{"type": "InternalIP", "address": f"172.30.{at // 250}.{at % 250 + 1}"}]}
        yield Node.decode({"metadata": {"name": f"node-{at}"}, "status": status})
    for at in range(subnets):
        cidr = f"10.{120 + at // 250}.{at % 250}.0/24"
        yield subnet(f"subnet-{at}", {"cidrBlock": cidr, "namespaces": [f"ns-{at}"]})
        yield Namespace.decode({"metadata": {"name": f"ns-{at}"}})
    for at in range(pods):
        number, node = at % subnets, at % NODES
        yield _ip(f"pod-{at}", number, node, at // subnets + 2)
        yield _pod(f"pod-{at}", number, node)


def subnet(name: str, spec: dict[str, Any]) -> Subnet:
    return Subnet.decode({"metadata": {"name": name}, "spec": {"vpc": "ovn-cluster", **spec}})


def _pod(name: str, subnet: int, node: int) -> Pod:
    meta = {"name": name, "namespace": f"ns-{subnet}", "uid": name, "labels": {"app": f"app-{subnet}"}}
    return Pod.decode({"metadata": meta, "spec": {"nodeName": f"node-{node}"}, "status": {"phase": "Running"}})


def _ip(pod: str, subnet: int, node: int, host: int) -> IP:
    name, address = f"{pod}.ns-{subnet}", f"10.{120 + subnet // 250}.{subnet % 250}.{host}"
    mac = ":".join(f"{byte:02x}" for byte in (10, subnet >> 8, subnet & 255, 0, 0, host))
    return IP.decode(
        {
            "metadata": {
                "name": name,
                "labels": labels(f"subnet-{subnet}", f"node-{node}"),
                "finalizers": [FINALIZER],
            },
            "spec": {
                "podName": pod,
                "namespace": f"ns-{subnet}",
                "subnet": f"subnet-{subnet}",
                "nodeName": f"node-{node}",
                "ipAddress": address,
                "v4IpAddress": address,
                "macAddress": mac,
            },
        }
    )
