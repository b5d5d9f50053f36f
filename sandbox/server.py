"""One server of a sandbox: a running program with a pid file and a log."""

import signal
import subprocess
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from sandbox import client
from sandbox.errors import SandboxError
from sandbox.identity import Identity

# Servers that this very interpreter started have to be reaped by it; those of an earlier one belong to init.
_children: dict[int, subprocess.Popen[bytes]] = {}


@dataclass(frozen=True)
class Server:
    """A program that can be started, stopped and found again by a later run of Python.

    `directory` is the sandbox's; the pid file is `pids/NAME`, the log `logs/NAME.log` in it.
    """

    name: str
    command: tuple[str, ...]
    directory: Path
    environment: Mapping[str, str] = field(default_factory=dict)

    @property
    def log(self) -> Path:
        return self.directory / "logs" / f"{self.name}.log"

    @property
    def pid_file(self) -> Path:
        return self.directory / "pids" / self.name

    @property
    def identity(self) -> Identity | None:
        """The recorded run, dead or alive; None when the server was never started or was stopped by us."""
        try:
            return Identity.parse(self.pid_file.read_text())
        except FileNotFoundError:
            return None

    @property
    def alive(self) -> bool:
        identity = self.identity
        if identity and (child := _children.get(identity.pid)):
            child.poll()
        return identity is not None and identity.alive

    def start(self) -> None:
        """The program runs; one that ran before stays.

        It has a session of its own, so that Ctrl-C in a terminal doesn't reach it.
        """
        if self.alive:
            return
        self.log.parent.mkdir(parents=True, exist_ok=True)
        self.pid_file.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            try:
                child = subprocess.Popen(
                    self.command,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    cwd=self.directory,
                    env=client.surroundings(self.environment),
                    start_new_session=True,
                )
            except FileNotFoundError:
                raise client.missing(self.command[0]) from None
        identity = self._identify(child)
        _children[identity.pid if identity else child.pid] = child
        self.pid_file.write_text(f"{identity or ''}\n")

    def _identify(self, child: subprocess.Popen[bytes]) -> Identity | None:
        """Which program is the server: the one that was started."""
        return Identity.of(child.pid)

    def stop(self, how: signal.Signals = signal.SIGKILL, patience: float = 10.0) -> None:
        """The program is gone and its pid file too.

        Killed by default: a sandbox keeps nothing that would need an orderly end, and tests want the hard one.
        What another signal doesn't end within `patience` seconds is killed.
        """
        if identity := self.identity:
            if not identity.end(how, patience) and not identity.end(signal.SIGKILL, patience):
                raise SandboxError(f"{self.name} doesn't end, not even by SIGKILL; see /proc/{identity.pid}/status")
            if child := _children.pop(identity.pid, None):
                child.wait()
        self.pid_file.unlink(missing_ok=True)

    def send(self, which: signal.Signals) -> None:
        """The program has got the signal, SIGSTOP or SIGCONT for example; nothing happens when it isn't running."""
        if identity := self.identity:
            identity.end(which, patience=0)

    def tail(self, lines: int = 15) -> str:
        """The end of the log."""
        try:
            with self.log.open(errors="replace") as log:
                return "".join(deque(log, lines)).rstrip()
        except FileNotFoundError:
            return "(no log)"


def recorded(directory: Path) -> tuple[Server, ...]:
    """The servers that have a pid file in the directory, to be stopped: what started them may not be known any more."""
    pids = directory / "pids"
    return tuple(Server(path.name, (), directory) for path in sorted(pids.iterdir())) if pids.is_dir() else ()
