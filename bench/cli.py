"""The command line of the benchmark."""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from rich.console import Console

from bench import docker, isolation, nodes, pods, policies, pure, services, shown
from bench.bars import Line
from bench.load import Lost
from bench.place import NORTHD, Busy, place
from sandbox.errors import SandboxError
from sandbox.report import Shown

WIDTH = 130
"""Columns where there is no terminal that has a width of its own."""


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit code: 0, 1 when there are no figures, and with --strict 2 when a bar is missed."""
    wanted = _parser().parse_args(arguments)
    console = Console() if sys.stdout.isatty() else Console(width=WIDTH)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that everything that was brought up is removed
    try:
        lines = REAL[wanted.what](wanted, console) if wanted.what in REAL else _pure(wanted, console)
    except (Busy, SandboxError, Lost) as wrong:
        return _none(console, wrong)
    except BaseExceptionGroup as several:
        lost, rest = several.split(Lost)
        if lost is None or rest is not None:
            raise
        return _none(console, lost)
    shown.lines(console, lines)
    return 2 if wanted.strict and not all(line.is_met for line in lines) else 0


def _none(console: Console, wrong: BaseException) -> int:
    while isinstance(wrong, BaseExceptionGroup):
        wrong = wrong.exceptions[0]
    console.print(f"[red]no figures:[/] {wrong}", highlight=False)
    return 1


def _parser() -> argparse.ArgumentParser:
    found = argparse.ArgumentParser(
        "bench", description="What Pods, policies and Services cost; see docs/benchmarks.md."
    )
    found.add_argument("what", nargs="?", choices=(*REAL, *PURE), default="pods", help="default: pods")
    found.add_argument("--quick", action="store_true", help="the first two steps only, or a tenth of the others")
    found.add_argument(
        "--steps", type=_numbers, metavar="N,N,…", help="Pods of each step; Pods, policies and namespaces of isolation"
    )
    found.add_argument("--nodes", type=int, default=20, help="nodes that the Pods are bound to (20)")
    found.add_argument("--northd", choices=NORTHD, help="when ovn-northd may work (pods: idle, isolation: normal)")
    found.add_argument("--name", default="bench", help="name of the sandbox (bench)")
    found.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="environment of the controller")
    found.add_argument("--json", type=Path, help="file of the result (bench/results/…)")
    found.add_argument("--strict", action="store_true", help="exit with 2 when a bar is missed")
    return found


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(number) for number in text.split(","))


def _pods(wanted: argparse.Namespace, console: Console) -> list[Line]:
    steps = wanted.steps or (pods.QUICK if wanted.quick else pods.STEPS)
    options = dict(item.split("=", 1) for item in wanted.set)
    report = Shown(console)
    with place(wanted.nodes, options, report, wanted.name, wanted.northd or "idle") as found:
        result = asyncio.run(pods.run(found, wanted.nodes, steps, report))
    shown.steps(console, result.steps)
    console.print(f"stored in {shown.store('pods', result.encode(), wanted.json)}", highlight=False)
    return result.lines()


def _isolation(wanted: argparse.Namespace, console: Console) -> list[Line]:
    steps = zip(("pods", "policies", "spaces"), wanted.steps or (), strict=False)
    size = replace(isolation.Size(nodes=wanted.nodes), **dict(steps))
    if wanted.quick:
        size = replace(size, pods=size.pods // 10, policies=size.policies // 10)
    options = dict(item.split("=", 1) for item in wanted.set)
    report = Shown(console)
    northd = wanted.northd or "normal"
    with place(wanted.nodes, options, report, wanted.name, northd, with_floor=False) as found:
        console.print(f"OVN {found.real.ovn.release.name}", highlight=False)
        result = asyncio.run(isolation.run(found, size, report))
    console.print(f"stored in {shown.store('isolation', result.encode(), wanted.json)}", highlight=False)
    return result.lines()


def _nodes(wanted: argparse.Namespace, console: Console) -> list[Line]:
    found = nodes.run(wanted.name, 10 if wanted.quick else 50, Shown(console))
    path = shown.store("nodes", {"lines": [line.encode() for line in found]}, wanted.json)
    console.print(f"stored in {path}", highlight=False)
    return found


def _docker(wanted: argparse.Namespace, console: Console) -> list[Line]:
    found = docker.run(5 if wanted.quick else 30, Shown(console))
    path = shown.store("docker", {"lines": [line.encode() for line in found]}, wanted.json)
    console.print(f"stored in {path}", highlight=False)
    return found


REAL: Mapping[str, Callable[[argparse.Namespace, Console], list[Line]]] = {
    "pods": _pods,
    "isolation": _isolation,
    "nodes": _nodes,
    "docker": _docker,
}
"""What needs servers."""
PURE: Mapping[str, Callable[[int], list[Line]]] = {
    "pure": lambda share: pure.run(50_000 // share, 500 // share),
    "policies": lambda share: policies.run(25_000 // share, policies.CROWD // share),
    "services": lambda share: services.run(10_000 // share),
}
"""What doesn't, of all that it is about or a share of it."""


def _pure(wanted: argparse.Namespace, console: Console) -> list[Line]:
    found = PURE[wanted.what](10 if wanted.quick else 1)
    path = shown.store(wanted.what, {"lines": [line.encode() for line in found]}, wanted.json)
    console.print(f"stored in {path}", highlight=False)
    return found
