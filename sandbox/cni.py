"""The CNI plugin, built from the checkout: `python -m sandbox.cni` prints where it is, `… DIRECTORY` puts it there."""

import hashlib
import os
import re
import shutil
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from sandbox.build import Programs, build
from sandbox.errors import SandboxError
from sandbox.report import Shown

ROOT = Path(__file__).parent.parent
NAME = "kube-ovn"


@dataclass(frozen=True)
class OwnPrograms(Programs):
    """Programs whose code is in the checkout, so that each change of it makes others."""

    @property
    def key(self) -> str:
        """Changes with the code as well; tests of it make no other program."""
        digest = hashlib.sha256(super().key.encode())
        for file in sorted(self.module.rglob("*.go")):
            if not file.name.endswith("_test.go"):
                digest.update(f"{file.relative_to(self.module)}\0".encode() + file.read_bytes() + b"\0")
        return digest.hexdigest()[:16]


def plugin() -> OwnPrograms:
    """The plugin as the checkout has it now, with its version."""
    found = re.search(r'^__version__ = "(.+)"$', (ROOT / "operator/ovnloom/__init__.py").read_text(), re.MULTILINE)
    version = found[1] if found else "unreleased"
    return OwnPrograms(
        ROOT / "operator" / "cni", ((NAME, "ovnloom.io/cni/kube-ovn"),), (("ovnloom.io/cni/plugin.Version", version),)
    )


def put(program: Path, directory: Path) -> Path:
    """The program is in the directory, whole at every moment: a runtime may start it while it is replaced."""
    directory.mkdir(parents=True, exist_ok=True)
    number, draft = tempfile.mkstemp(prefix=f".{program.name}-", dir=directory)
    os.close(number)
    try:
        shutil.copyfile(program, draft)
        Path(draft).chmod(0o755)
        return Path(draft).rename(directory / program.name)
    except OSError:
        Path(draft).unlink(missing_ok=True)
        raise


def main(arguments: list[str]) -> str:
    """What is printed: the place of the plugin."""
    programs = plugin()
    build(programs, Shown(Console(stderr=True, highlight=False)))
    program = programs.bin / NAME
    return str(put(program, Path(arguments[0])) if arguments else program)


if __name__ == "__main__":
    try:
        sys.stdout.write(main(sys.argv[1:]) + "\n")
    except SandboxError as problem:
        sys.exit(f"error: {problem}")
