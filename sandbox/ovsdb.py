"""One OVSDB server with one database on a unix socket, and on a TCP port of loopback for who asks."""

import socket
from dataclasses import dataclass
from pathlib import Path

from sandbox import client, places, ports
from sandbox.errors import NotReadyError, SandboxError
from sandbox.release import Release
from sandbox.server import Server
from sandbox.wait import until_ready

TRIES = 5


@dataclass(frozen=True)
class Ovsdb:
    """The server `ovsdb-NAME` of the sandbox in `directory`, of the given release.

    Its database is made from `schema`, empty, when there is none yet.
    """

    name: str
    directory: Path
    schema: Path
    release: Release

    @property
    def address(self) -> str:
        """For `--db` and OVN_NB_DB."""
        return f"unix:{self._run / self.name}.sock"

    @property
    def server(self) -> Server:
        command = (
            "ovsdb-server",
            "-vconsole:info",
            "-vsyslog:off",
            "-vfile:off",
            f"--remote=p{self.address}",
            *(f"--remote=ptcp:{port}:{bracketed(address)}" for address, port in self._listening.items()),
            f"--unixctl={self._control}",
            str(self._file),
        )
        environment = {**self.release.environment(), **rundirs(self._run)}
        return Server(f"ovsdb-{self.name}", command, self.directory, environment)

    def start(self) -> None:
        """The server answers on its socket."""
        places.private(self.directory)
        places.private(self._run)
        if not self._file.exists():
            if not self.schema.is_file():
                raise SandboxError(f"{self.schema} is not there; `apt-get install ovn-central` brings OVN's schemas")
            self._output("ovsdb-tool", "create", self._file, self.schema)
        self.server.start()
        until_ready(self.server, self._accepts)

    def stop(self) -> None:
        """Nobody answers any more; what was committed stays in the file."""
        self.server.stop()

    def wipe(self) -> None:
        """The server runs with an empty database, as after the loss of its disk."""
        self.stop()
        self._file.unlink(missing_ok=True)
        self.start()

    def tcp(self, address: str = "127.0.0.1") -> str:
        """The server also listens on a TCP port of this address, after restarts too; the answer is for `--db`."""
        key = self._key(address)
        for _ in range(TRIES):
            port = self._listening.get(address) or ports.free()
            ports.record(self.directory, {**ports.recorded(self.directory), key: port})
            passive = f"ptcp:{port}:{bracketed(address)}"
            self._output("ovs-appctl", "-t", self._control, "ovsdb-server/add-remote", passive)
            try:
                socket.create_connection((address, port), timeout=5).close()
            except ConnectionRefusedError:  # the port was taken meanwhile; ovsdb-server says so only in its log
                self._output("ovs-appctl", "-t", self._control, "ovsdb-server/remove-remote", passive)
                ports.record(self.directory, {k: v for k, v in ports.recorded(self.directory).items() if k != key})
            else:
                return f"tcp:{bracketed(address)}:{port}"
        raise NotReadyError(f"{self.server.name} gets no TCP port after {TRIES} tries; see {self.server.log}")

    def _output(self, *command: str | Path) -> str:
        return client.output(*command, environment=self.release.environment())

    def _accepts(self) -> bool:
        with socket.socket(socket.AF_UNIX) as probe:
            try:
                probe.connect(self.address.removeprefix("unix:"))
            except (FileNotFoundError, ConnectionRefusedError):
                return False
        return True

    @property
    def _run(self) -> Path:
        return places.sockets(self.directory)

    @property
    def _control(self) -> Path:
        return self._run / f"{self.name}.ctl"

    @property
    def _file(self) -> Path:
        return self.directory / f"{self.name}.db"

    @property
    def _listening(self) -> dict[str, int]:
        """The addresses on which it listens, each with its port."""
        prefix = self._key("")
        found = ports.recorded(self.directory)
        return {key.removeprefix(prefix): port for key, port in found.items() if key.startswith(prefix)}

    def _key(self, address: str) -> str:
        return f"ovsdb-{self.name}@{address}"


def bracketed(address: str) -> str:
    """As it stands before a port."""
    return f"[{address}]" if ":" in address else address


def rundirs(run: Path) -> dict[str, str]:
    """Environment that keeps the programs of OVS and OVN away from the sockets of the system's own."""
    return {"OVS_RUNDIR": str(run), "OVN_RUNDIR": str(run)}
