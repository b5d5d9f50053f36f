"""How the demo looks on a terminal, and anywhere else."""

import re
import shlex
import textwrap
from dataclasses import dataclass

from rich.console import Console
from rich.markup import escape

LABEL = re.compile(r" *(\S+ ?\S+ {2,})?")
"""What a line begins with: an indent, and maybe a word or two before a wide gap."""


@dataclass(frozen=True)
class Page:
    """Where sections are written, one below the other.

    Where there is no terminal lines stay as they are: whoever reads a file can search in them.
    """

    out: Console

    def title(self, title: str, words: str) -> None:
        """A section begins; `words` say what a newcomer sees in it."""
        self.out.print()
        self.out.rule(f"[bold]{title}[/]", align="left")
        self.prose(words)

    def command(self, *words: str) -> None:
        """What follows is what this command prints."""
        self.out.print(f"[dim]$ {escape(shlex.join(words))}[/]", soft_wrap=True)

    def text(self, text: str) -> None:
        """As it is."""
        self.out.print(text.rstrip(), markup=False, soft_wrap=True)

    def table(self, text: str) -> None:
        """A terminal cuts its lines: one that is cut is easier to read than three."""
        if self.out.is_terminal:
            self.out.print(text.rstrip(), markup=False, no_wrap=True, overflow="ellipsis")
        else:
            self.text(text)

    def prose(self, text: str, style: str = "") -> None:
        """On a terminal lines end between words and go on below their text, which may stand behind a wide gap."""
        if self.out.is_terminal:
            text = "\n".join(fold(line, self.out.width) for line in text.splitlines())
        self.out.print(text, style=style or None, markup=False, soft_wrap=True)


def fold(line: str, width: int) -> str:
    """The line in lines of at most this width, unless a word is longer."""
    found = LABEL.match(line)
    behind = found.end() if found else 0
    if found and behind and not found[1]:
        behind += 2  # a step of a verdict: what goes on isn't the next one
    return textwrap.fill(line, width, subsequent_indent=" " * behind, break_long_words=False, break_on_hyphens=False)
