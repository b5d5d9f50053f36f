"""OVN without Kubernetes: northbound and southbound database and the translator between them, up in about a second."""

import shutil
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from sandbox import client, debian, places, release
from sandbox.ovsdb import Ovsdb, rundirs
from sandbox.release import Release
from sandbox.report import Quiet
from sandbox.server import Server, recorded
from sandbox.wait import until_ready


@dataclass(frozen=True)
class Ovn:
    """The OVN servers of the sandbox in `directory`.

    They are of the given release, by default of the one that SANDBOX_OVN says. Another `nb_schema` makes a northbound
    database of an older or newer OVN. As a context manager it is up inside the block, and leaves neither a server nor a
    file behind.
    """

    directory: Path
    nb_schema: Path | None = None
    sb_schema: Path | None = None
    release: Release = field(default_factory=release.chosen)

    @property
    def nb(self) -> str:
        """The northbound database's address, as for OVN_NB_DB."""
        return self._nb.address

    @property
    def sb(self) -> str:
        """The southbound database's address, as for OVN_SB_DB."""
        return self._sb.address

    @property
    def servers(self) -> tuple[Server, ...]:
        return self._nb.server, self._sb.server, self._northd

    def up(self) -> None:
        """The three servers run, and a change of the northbound database reaches the southbound one."""
        debian.fetch(self.release, Quiet())
        places.private(self.directory)
        release.record(self.directory, self.release)
        self.start_sb()
        self.start_nb()
        self.start_northd()
        self.sync()

    def down(self) -> None:
        """No server and no file is left."""
        for server in recorded(self.directory):
            server.stop()
        shutil.rmtree(places.sockets(self.directory), ignore_errors=True)
        shutil.rmtree(self.directory, ignore_errors=True)

    def start_nb(self) -> None:
        """The northbound database answers and has its NB_Global row, as it has wherever ovn-ctl starts it."""
        self._nb.start()
        self.nbctl("init")

    def stop_nb(self) -> None:
        """The northbound database is killed; its rows stay in its file."""
        self._nb.stop()

    def wipe_nb(self) -> None:
        """The northbound database runs and has lost every row."""
        self._nb.wipe()
        self.nbctl("init")

    def start_sb(self) -> None:
        self._sb.start()
        self.sbctl("init")

    def stop_sb(self) -> None:
        """The southbound database is killed; its rows stay in its file."""
        self._sb.stop()

    def start_northd(self) -> None:
        """ovn-northd runs and answers on its control socket."""
        self._northd.start()
        until_ready(self._northd, self._northd_control.exists)

    def stop_northd(self) -> None:
        """Nobody translates: the southbound database stays as it is."""
        self._northd.stop()
        self._northd_control.unlink(missing_ok=True)

    def nb_tcp(self, address: str = "127.0.0.1") -> str:
        """The northbound database also listens on this address, from now on; the answer is where."""
        return self._nb.tcp(address)

    def sb_tcp(self, address: str = "127.0.0.1") -> str:
        """The southbound database also listens on this address, from now on; the answer is where."""
        return self._sb.tcp(address)

    def nbctl(self, *arguments: str) -> str:
        """What `ovn-nbctl` prints."""
        return self._output("ovn-nbctl", f"--db={self.nb}", "--timeout=30", *arguments)

    def sbctl(self, *arguments: str) -> str:
        """What `ovn-sbctl` prints."""
        return self._output("ovn-sbctl", f"--db={self.sb}", "--timeout=30", *arguments)

    def trace(self, datapath: str, flow: str, *options: str) -> str:
        """What `ovn-trace` prints: the way of the packets of `flow` that enter at `datapath`."""
        return self._output("ovn-trace", f"--db={self.sb}", *options, datapath, flow)

    def sync(self) -> None:
        """The southbound database says what the northbound one says now."""
        self.nbctl("--wait=sb", "sync")

    def __enter__(self) -> Self:
        try:
            self.up()
        except BaseException:
            self.down()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.down()

    def _output(self, *command: str) -> str:
        return client.output(*command, environment=self.release.environment())

    @property
    def _nb(self) -> Ovsdb:
        return self._ovsdb("nb", self.nb_schema)

    @property
    def _sb(self) -> Ovsdb:
        return self._ovsdb("sb", self.sb_schema)

    def _ovsdb(self, name: str, schema: Path | None) -> Ovsdb:
        schema = schema or self.release.schemas / f"ovn-{name}.ovsschema"
        return Ovsdb(name, self.directory, schema, self.release)

    @property
    def _northd(self) -> Server:
        command = (
            "ovn-northd",
            "-vconsole:info",
            "-vsyslog:off",
            "-vfile:off",
            f"--ovnnb-db={self.nb}",
            f"--ovnsb-db={self.sb}",
            f"--unixctl={self._northd_control}",
        )
        environment = {**self.release.environment(), **rundirs(places.sockets(self.directory))}
        return Server("ovn-northd", command, self.directory, environment)

    @property
    def _northd_control(self) -> Path:
        return places.sockets(self.directory) / "northd.ctl"
