"""A Dockerfile as values: its stages, and the instructions of each."""

import re
from dataclasses import dataclass
from pathlib import Path

FILE = Path(__file__).resolve().parents[2] / "Dockerfile"


@dataclass(frozen=True)
class Stage:
    """One image: what it starts from, with the arguments filled in, and the instructions that follow."""

    name: str
    base: str
    steps: tuple[tuple[str, str], ...]

    def of(self, instruction: str) -> list[str]:
        return [argument for name, argument in self.steps if name == instruction]


def read(text: str) -> dict[str, Stage]:
    """The stages by name, in their order. Raises ValueError for an instruction before the first FROM that isn't ARG."""
    arguments: dict[str, str] = {}
    stages: dict[str, Stage] = {}
    for instruction, words in instructions(text):
        if instruction == "FROM":
            base, name = re.fullmatch(r"(\S+) AS (\S+)", words).groups()  # type: ignore[union-attr]  # each has a name
            stages[name] = Stage(name, filled(base, arguments), ())
        elif stages:
            last = list(stages.values())[-1]
            own = dict(argument.split("=", 1) for argument in last.of("ARG"))
            stages[last.name] = Stage(last.name, last.base, (*last.steps, (instruction, filled(words, own))))
        elif instruction == "ARG":
            name, value = words.split("=", 1)
            arguments[name] = value
        else:
            raise ValueError(f"{instruction} stands before the first FROM")
    return stages


def instructions(text: str) -> list[tuple[str, str]]:
    """Each instruction with what it says, on one line; comments are gone."""
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    whole = re.sub(r"\\\n\s*", " ", "\n".join(lines))
    return [(line.split(maxsplit=1)[0], line.split(maxsplit=1)[1]) for line in whole.splitlines() if line.strip()]


def filled(words: str, arguments: dict[str, str]) -> str:
    """The words with `${NAME}` replaced; a name that is no argument belongs to the shell and stays."""
    return re.sub(r"\$\{(\w+)\}", lambda found: arguments.get(found[1], found[0]), words)
