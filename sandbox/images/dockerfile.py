"""A Dockerfile as values: its stages, the instructions of each, and what they do."""

import json
import re
import shlex
from dataclasses import dataclass
from pathlib import Path

from sandbox.errors import SandboxError

FILE = Path(__file__).resolve().parents[2] / "Dockerfile"


@dataclass(frozen=True)
class Stage:
    """One image: what it starts from, with the arguments filled in, and the instructions that follow."""

    name: str
    base: str
    steps: tuple[tuple[str, str], ...]

    def of(self, instruction: str) -> list[str]:
        return [argument for name, argument in self.steps if name == instruction]

    def last(self, instruction: str) -> str:
        """What the last instruction of this name says, which is the one that counts; "" when there is none."""
        return (self.of(instruction) or [""])[-1]

    def words(self, instruction: str) -> tuple[str, ...]:
        """The same of one whose form is a list: ENTRYPOINT, CMD."""
        return tuple(json.loads(self.last(instruction) or "[]"))

    @property
    def environment(self) -> dict[str, str]:
        return dict(word.split("=", 1) for argument in self.of("ENV") for word in shlex.split(argument))

    @property
    def copies(self) -> tuple[tuple[str, str, str], ...]:
        """What comes from other stages: which, the path there, the path here."""
        found = [re.fullmatch(r"--from=(\S+) (\S+) (\S+)", argument) for argument in self.of("COPY")]
        if None in found:
            raise SandboxError(f"Dockerfile, stage {self.name}: only COPY --from=STAGE PATH PATH can be built here")
        return tuple((match[1], match[2], match[3]) for match in found if match)

    @property
    def packages(self) -> tuple[str, ...]:
        """What apt installs, with versions."""
        form = re.compile(r"(?:\S+=\S+ )*apt-get -q install --yes --no-install-recommends (.+)")
        matches = [form.fullmatch(command) for command in self.commands]
        return tuple(word for match in matches if match for word in shlex.split(match[1]))

    @property
    def folders(self) -> tuple[tuple[str, int], ...]:
        """Folders that are made, and the user and group, of one number, that each belongs to."""
        made = [re.fullmatch(r"install -d -o (\d+) -g \1 (.+)", command) for command in self.commands]
        return tuple((path, int(match[1])) for match in made if match for path in match[2].split())

    @property
    def commands(self) -> list[str]:
        """What RUN runs, one by one."""
        return [command.strip() for argument in self.of("RUN") for command in argument.split("&&")]

    @property
    def unknown(self) -> list[str]:
        """Commands of which this doesn't say what they do. Those that only remove are known: they make nothing."""
        known = re.compile(
            r"(\S+=\S+ )*apt-get -q (update|install --yes --no-install-recommends .+)|rm -rf .+|install -d .+"
        )
        return [command for command in self.commands if not known.fullmatch(command)]


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
