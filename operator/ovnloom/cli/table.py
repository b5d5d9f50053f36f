"""Rows of an answer as a table for people, or as JSON or YAML for programs."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import yaml
from rich.console import Console
from rich.table import Table
from rich.text import Text

WIDE = 10_000
"""Columns of an output that is no terminal: who filters lines doesn't want them broken."""


def show(columns: Sequence[str], rows: Sequence[Sequence[str]], styles: Mapping[str, str]) -> None:
    """The table is on stdout; `styles` are those of whole cells, by their text or the first word of it."""
    table = Table(*columns, box=None, header_style="bold", pad_edge=False, padding=(0, 3, 0, 0))
    for row in rows:
        table.add_row(*(Text(cell, styles.get(cell.split(" ", 1)[0], "")) for cell in row))
    is_terminal = sys.stdout.isatty()
    console = Console(highlight=False, width=None if is_terminal else WIDE)
    if is_terminal:
        console.print(table)
        return
    with console.capture() as captured:
        console.print(table)
    # Without a terminal the last column is padded to its end as well, which nobody wants in a file.
    sys.stdout.write("".join(f"{line.rstrip()}\n" for line in captured.get().splitlines()))


def dump(answer: Mapping[str, Any], form: Literal["json", "yaml"]) -> str:
    """The answer as text for programs."""
    if form == "json":
        return json.dumps(answer, indent=2, ensure_ascii=False) + "\n"
    return yaml.safe_dump(dict(answer), sort_keys=False, allow_unicode=True, width=120)
