"""What a container's start costs on ovnloom, beside Docker's own bridge: in turn, on one host, in one run."""

from __future__ import annotations

import re
import statistics
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

from bench import bars
from bench.bars import Line
from demo.docker_site import DRIVER, DockerHost, DockerSite
from sandbox.docker_engine import ENGINE
from sandbox.images import others
from sandbox.report import Report

BRIDGE, DEFAULT, ROUTED = "reference", "blue", "red"
"""Networks: Docker's own; ovnloom's, where Docker's way out is a second interface; one whose way out is OVN."""
WARM = 3
"""Starts on each network that aren't counted: the first ones fetch programs from disk."""
CALL = re.compile(r"call=/(\S+) +seconds=([\d.]+)")
CALLS = ("NetworkDriver.CreateEndpoint", "NetworkDriver.Join")
COUNTED = ("IpamDriver.RequestAddress", *CALLS, "NetworkDriver.Leave", "NetworkDriver.DeleteEndpoint")


def run(count: int, report: Report) -> list[Line]:
    """Each network gets this many containers, one after the other; `docker run` ends when the container has."""
    with TemporaryDirectory(prefix="ovnloom-bench-") as directory:
        site = DockerSite(Path(directory), (ENGINE,))
        try:
            with report.step("a machine with Docker, OVN and ovnloom docker"):
                site.up(others.busybox(lambda _: None))
            with report.step(f"{count} containers on each of three networks"):
                return list(measure(site.hosts[0], count))
        finally:
            site.down()
            Path(directory).mkdir(exist_ok=True)


def measure(host: DockerHost, count: int) -> Iterator[Line]:
    """The figures of one host, on which these networks aren't there yet."""
    host.run("network", "create", BRIDGE)
    host.run("network", "create", *DRIVER, "--subnet", "10.77.0.0/24", DEFAULT)
    host.run("network", "create", *DRIVER, "--subnet", "10.79.0.0/24", "-o", "ovnloom.outside=ovn", ROUTED)
    networks = (BRIDGE, DEFAULT, ROUTED)
    for network in networks * WARM:
        _start(host, network)
    before = host.plugin.log.stat().st_size
    found: dict[str, list[float]] = {network: [] for network in networks}
    for _ in range(count):
        for network in networks:
            found[network].append(_start(host, network))
    medians = {network: statistics.median(times) for network, times in found.items()}
    yield Line("docker run on Docker's own bridge, median", medians[BRIDGE] * 1e3, "ms")
    yield Line("docker run on ovnloom, median", medians[DEFAULT] * 1e3, "ms")
    yield Line("docker run on ovnloom, way out through OVN, median", medians[ROUTED] * 1e3, "ms")
    yield Line(
        "docker run on ovnloom, to Docker's own bridge", medians[DEFAULT] / medians[BRIDGE], "times", bars.DOCKER_TIMES
    )
    calls = _calls(host.plugin.log, before)
    both = [sum(pair) * 1e3 for pair in zip(*(calls[name] for name in CALLS), strict=True)]
    yield Line(
        "create and join of an endpoint in the plugin, median", statistics.median(both), "ms", bars.ENDPOINT_JOIN_MS
    )
    yield Line("create and join of an endpoint in the plugin, slowest", max(both), "ms")
    for name in COUNTED:
        yield Line(f"{name}, median", statistics.median(calls[name]) * 1e3, "ms")


def _start(host: DockerHost, network: str) -> float:
    """Seconds that `docker run` of a container takes that does nothing."""
    started = perf_counter()
    host.run("run", "--rm", "--network", network, "busybox:sandbox", "true")
    return perf_counter() - started


def _calls(log: Path, before: int) -> dict[str, list[float]]:
    """Seconds of the plugin's calls by their name, as its log has them from this byte on."""
    found: dict[str, list[float]] = {}
    with log.open() as lines:
        lines.seek(before)
        for line in lines:
            if (call := CALL.search(line)) is not None:
                found.setdefault(call[1], []).append(float(call[2]))
    return found
