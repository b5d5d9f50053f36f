"""What a command line answers instead of a result."""

from __future__ import annotations


class Wrong(Exception):
    """The command can't do what it was asked; each sentence says where, what is wrong and what to do."""

    def __init__(self, *sentences: str) -> None:
        super().__init__("\n".join(sentences))
        self.sentences = sentences
