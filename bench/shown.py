"""A result as tables for people and as JSON for comparing runs."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from bench.account import MIB
from bench.bars import Line
from bench.pods import Step

RESULTS = Path(__file__).parent / "results"


def steps(console: Console, found: Sequence[Step]) -> None:
    """What each step cost, and which program spent it."""
    table = Table(title="Pods", title_justify="left")
    for name in COLUMNS:
        table.add_column(name, justify="right")
    for step in found:
        table.add_row(*(show(step) for show in COLUMNS.values()))
    console.print(table)
    console.print("Columns of programs: CPU seconds for 1,000 Pods. foreign: cores that others kept busy.", style="dim")
    if max(step.foreign for step in found) > NOISY:
        console.print("[yellow]Other programs kept this machine busy: times and their ratios mean little.[/]")


def _cpu(name: str) -> Callable[[Step], str]:
    return lambda step: f"{step.cpu.get(name, 0.0) / step.pods * 1e3:.2f}"


NOISY = 0.3
"""Cores kept busy by others from which on times mean little."""
COLUMNS: Mapping[str, Callable[[Step], str]] = {
    "Pods": lambda step: f"+{step.pods}",
    "Pods/s": lambda step: f"{step.pods / step.seconds:.0f}",
    "floor/s": lambda step: f"{step.pods / step.floor:.0f}",
    "to floor": lambda step: f"{step.ratio:.2f}",
    "foreign": lambda step: f"{step.foreign:.1f}",
    "RSS": lambda step: f"{step.rss / MIB:.0f} MiB",
    "controller": _cpu("ovnloom"),
    "API": _cpu("kube-apiserver"),
    "(floor)": _cpu("floor kube-apiserver"),
    "etcd": _cpu("etcd"),
    "northd": _cpu("ovn-northd"),
    "load": _cpu("load"),
    "(floor's)": _cpu("floor load"),
}


def lines(console: Console, found: Sequence[Line]) -> None:
    """Every figure, with its bar and whether it is met."""
    table = Table(title="Bars", title_justify="left")
    table.add_column("")
    for name in ("value", "bar", ""):
        table.add_column(name, justify="right")
    for line in found:
        bar = "" if line.bar is None else f"≤ {line.bar:g} {line.unit}"
        mark = "" if line.bar is None else "[green]met[/]" if line.is_met else "[red]missed[/]"
        table.add_row(line.name, f"{line.value:.2f} {line.unit}", bar, mark)
    console.print(table)


def store(name: str, found: dict[str, Any], to: Path | None = None) -> Path:
    """The result is in a file of its own, with what is needed to compare it."""
    now = datetime.now(UTC)
    about = {"at": now.isoformat(timespec="seconds"), "cpus": os.cpu_count(), "python": platform.python_version()}
    path = to or RESULTS / f"{now:%Y%m%dT%H%M%S}-{name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({**about, **found}, indent=1) + "\n")
    return path
