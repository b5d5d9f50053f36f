"""Pods on real nodes: how long they take to be Ready, beside the reference bridge plugin, and what packets cost.

Two clusters of two nodes are up at once, one with each network, and take turns: whatever else the machine does meets
both.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from statistics import median
from typing import Any

from bench.bars import ADD_MS, ADD_SLOW_MS, OWN_MS, TIMES_BRIDGE, Line
from demo.tour.install import Installed
from sandbox import Sandbox
from sandbox.report import Report

ROUNDS = 3
NODE, OTHER = "worker-1", "worker-2"
AGENT = "http://127.0.0.1:10665/metrics"
SAMPLE = re.compile(r"^(\w+)\{(.*)\} (\S+)$", re.MULTILINE)
IPERF_SECONDS = 5
STEPS = ("own", "installed")


@dataclass(frozen=True)
class Buckets:
    """A histogram of Prometheus, cumulative: upper bound in seconds -> count."""

    counts: Mapping[float, float]

    def since(self, earlier: Buckets) -> Buckets:
        return Buckets({bound: count - earlier.counts.get(bound, 0.0) for bound, count in self.counts.items()})

    def quantile(self, share: float) -> float:
        """In seconds, within its bucket taken for a straight line, as Prometheus' histogram_quantile does it."""
        total, below, before = max(self.counts.values(), default=0.0), 0.0, 0.0
        for bound, count in sorted(self.counts.items()):
            if count >= total * share:
                if bound == float("inf") or count == before:
                    return below
                return below + (bound - below) * (total * share - before) / (count - before)
            below, before = bound, count
        return below


def run(name: str, pods: int, report: Report) -> list[Line]:
    """The figures of both networks, and their ratio."""
    with _cluster(f"{name}-bridge", report, bridge=True) as bridge, _cluster(name, report) as ours:
        for each in (bridge, ours):
            _pods(each, 2)  # images are unpacked, caches warm
        before = {step: _histogram(ours, "ovnloom_node_pod_seconds", f'step="{step}"') for step in STEPS}
        added = _histogram(ours, "cni_op_latency_seconds", 'method="/api/v1/add"')
        times: dict[str, list[float]] = {"bridge": [], "ours": []}
        for turn in range(ROUNDS):
            with report.step(f"{pods} Pods on one node, round {turn + 1} of {ROUNDS}"):
                times["bridge"].append(_pods(bridge, pods))
                times["ours"].append(_pods(ours, pods))
        adds = _histogram(ours, "cni_op_latency_seconds", 'method="/api/v1/add"').since(added)
        steps = {
            step: _histogram(ours, "ovnloom_node_pod_seconds", f'step="{step}"').since(before[step]) for step in STEPS
        }
        ratio = median(mine / theirs for mine, theirs in zip(times["ours"], times["bridge"], strict=True))
        return [
            Line(f"{pods} Pods on one node until Ready, bridge plugin", median(times["bridge"]), "s"),
            Line(f"{pods} Pods on one node until Ready", median(times["ours"]), "s"),
            Line("… beside the bridge plugin", ratio, "times", TIMES_BRIDGE),
            Line("ADD, median", adds.quantile(0.5) * 1e3, "ms", ADD_MS),
            Line("ADD, 99 %", adds.quantile(0.99) * 1e3, "ms", ADD_SLOW_MS),
            Line("… the agent's own time, median", steps["own"].quantile(0.5) * 1e3, "ms", OWN_MS),
            Line("… until ovn-controller has the port, median", steps["installed"].quantile(0.5) * 1e3, "ms"),
            *_packets("bridge plugin", bridge, report),
            *_packets("ovnloom", ours, report),
        ]


@contextmanager
def _cluster(name: str, report: Report, *, bridge: bool = False) -> Iterator[Sandbox]:
    sandbox = Sandbox(name, kubelets=True, cni="bridge" if bridge else "none")
    try:
        if bridge:
            sandbox.up(2, report)
        else:
            Installed(sandbox, report).up(2)
        yield sandbox
    finally:
        sandbox.down()


def _pods(sandbox: Sandbox, count: int) -> float:
    """Seconds from the creation of a Deployment of so many Pods until all are Ready; afterwards they are gone."""
    started = time.monotonic()
    sandbox.kubectl("create", "-f", "-", stdin=json.dumps(_deployment("crowd", count, NODE)))
    sandbox.kubectl("rollout", "status", "deployment/crowd", "--timeout=300s", seconds=310)
    seconds = time.monotonic() - started
    sandbox.kubectl("delete", "deployment", "crowd")
    sandbox.kubectl("wait", "pods", "-l", "app=crowd", "--for=delete", "--timeout=300s", seconds=310)
    return seconds


def _deployment(name: str, count: int, node: str, *command: str) -> dict[str, Any]:
    image = "docker.io/ovnloom/toolbox:sandbox" if command else "registry.k8s.io/pause:3.10.1"
    container: dict[str, Any] = {"name": name, "image": image, "imagePullPolicy": "IfNotPresent"}
    if command:
        container["command"] = list(command)
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": "default"},
        "spec": {
            "replicas": count,
            "selector": {"matchLabels": {"app": name}},
            "template": {
                "metadata": {"labels": {"app": name}},
                "spec": {
                    "nodeSelector": {"kubernetes.io/hostname": node},
                    "terminationGracePeriodSeconds": 0,
                    "containers": [container],
                },
            },
        },
    }


def _packets(title: str, sandbox: Sandbox, report: Report) -> Iterator[Line]:
    """Between Pods on two nodes. Where Open vSwitch forwards in userspace this says nothing about a kernel's."""
    with report.step(f"packets between Pods: {title}"):
        for name, node, command in (
            ("server", OTHER, ("iperf3", "--server")),
            ("client", NODE, ("sleep", "infinity")),
        ):
            sandbox.kubectl("create", "-f", "-", stdin=json.dumps(_deployment(name, 1, node, *command)))
        for name in ("server", "client"):
            sandbox.kubectl("rollout", "status", f"deployment/{name}", "--timeout=60s", seconds=70)
        address = sandbox.kubectl("get", "pods", "-l", "app=server", "-o", "jsonpath={.items[0].status.podIP}")
        inside = ("exec", "deployment/client", "--")
        pinged = sandbox.kubectl(*inside, "ping", "-q", "-i", "0.01", "-c", "300", address)
        found = json.loads(sandbox.kubectl(*inside, "iperf3", "--json", "-t", str(IPERF_SECONDS), "-c", address))
    average = float(re.search(r"= [\d.]+/([\d.]+)/", pinged)[1])  # type: ignore[index]  # ping ended well, so it said it
    yield Line(f"Pod to Pod across nodes, round trip: {title}", average, "ms")
    yield Line(
        f"Pod to Pod across nodes, TCP: {title}", found["end"]["sum_received"]["bits_per_second"] / 1e9, "Gbit/s"
    )


def _histogram(sandbox: Sandbox, metric: str, label: str) -> Buckets:
    """What the agent of the node counted so far, over all other labels."""
    counts: dict[float, float] = {}
    for name, labels, value in SAMPLE.findall(sandbox.host(NODE).run("curl", "--silent", "--fail", AGENT)):
        bound = re.search(r'le="([^"]+)"', labels)
        if name == f"{metric}_bucket" and bound and label in labels:
            counts[float(bound[1])] = counts.get(float(bound[1]), 0.0) + float(value)
    return Buckets(counts)
