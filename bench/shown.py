"""A result as tables for people and as JSON for comparing runs."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Sequence
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
    for name in (
        "Pods",
        "Pods/s",
        "floor/s",
        "to floor",
        "RSS MiB",
        "controller",
        "API",
        "etcd",
        "northd",
        "nb",
        "floor's API",
    ):
        table.add_column(name, justify="right")
    for step in found:
        spent = [step.cpu.get(name, 0.0) / step.pods * 1e3 for name in PROGRAMS]
        table.add_row(
            f"+{step.pods}",
            f"{step.pods / step.seconds:.0f}",
            f"{step.pods / step.floor:.0f}",
            f"{step.ratio:.2f}",
            f"{step.foreign:.1f}",
            f"{step.rss / MIB:.0f}",
            *(f"{each:.2f}" for each in spent),
        )
    console.print(table)
    console.print("Columns of programs: CPU seconds for 1,000 Pods. Foreign: cores that others kept busy.", style="dim")
    if max(step.foreign for step in found) > NOISY:
        console.print("[yellow]Other programs kept this machine busy: times and their ratios mean little.[/]")


NOISY = 0.3
"""Cores kept busy by others from which on times mean little."""
PROGRAMS = {
    "ovnloom": "controller",
    "kube-apiserver": "API",
    "etcd": "etcd",
    "ovn-northd": "northd",
    "ovsdb-nb": "nb",
    "floor kube-apiserver": "floor's API",
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
