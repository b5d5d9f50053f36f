"""Programs in a namespace of processes of their own, which this machine knows under other pids."""

import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from sandbox.errors import SandboxError
from sandbox.identity import Identity
from sandbox.server import Server
from sandbox.wait import until


@dataclass(frozen=True)
class Holder(Server):
    """The first process of a host. Its command is `unshare --fork`, which only waits for it."""

    def _identify(self, child: subprocess.Popen[bytes]) -> Identity | None:
        def forked() -> Identity | str | None:
            if child.poll() is not None:
                return "ended"
            pids = _children(child.pid)
            return Identity.of(pids[0]) if pids else None

        found = until(forked, "the first process of the host")
        return found if isinstance(found, Identity) else None


@dataclass(frozen=True)
class Inside(Server):
    """A server in a host. Its parent is the first process of the host, so that nothing outside has to wait for it.

    The command enters the namespaces and ends with the words of `detached`.
    """

    holder: int = 0

    def start(self) -> None:
        if not self.alive:
            _told(self.directory, self.name).unlink(missing_ok=True)
        super().start()

    def _identify(self, child: subprocess.Popen[bytes]) -> Identity | None:
        if child.wait():
            raise SandboxError(f"{self.name} can't be started; the end of {self.log}:\n{self.tail()}")
        number = until(self._number, f"{self.name} to say its pid")
        found = [pid for pid in _children(self.holder) if _inner(pid) == number]
        return Identity.of(found[0]) if found else None

    def _number(self) -> str:
        try:
            return _told(self.directory, self.name).read_text().strip()
        except FileNotFoundError:
            return ""


def detached(name: str, command: tuple[str, ...]) -> tuple[str, ...]:
    """Words that run the command in a host, adopted by the host's first process, and tell its pid there."""
    return "setsid", "--fork", "sh", "-c", f'echo "$$" >/run/sandbox/{name}; exec "$@"', name, *command


def _told(directory: Path, name: str) -> Path:
    return directory / "fs" / "run" / "sandbox" / name


def outside(holder: int) -> Iterator[Identity]:
    """Who waits outside for a program in the host of this first process: nsenter."""
    mine = _namespace(holder)
    for path in Path("/proc").glob("[0-9]*"):
        if path.name != str(holder) and _namespace(int(path.name)) == mine:
            parent = _parent(int(path.name))
            if parent and _namespace(parent) not in ("", mine) and (identity := Identity.of(parent)):
                yield identity


def _namespace(pid: int) -> str:
    try:
        return os.readlink(f"/proc/{pid}/ns/pid")
    except OSError:
        return ""


def _parent(pid: int) -> int:
    return int(_status(pid, "PPid") or 0)


def _inner(pid: int) -> str:
    """The pid that it has in its own namespace."""
    return _status(pid, "NSpid").split("\t")[-1]


def _status(pid: int, key: str) -> str:
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return ""
    return next((line.partition("\t")[2] for line in lines if line.startswith(f"{key}:")), "")


def _children(pid: int) -> list[int]:
    try:
        return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except (FileNotFoundError, ProcessLookupError):
        return []
