"""ovn-central of the chart as processes of this machine: the scripts of the chart, run as its containers run them."""

from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from sandbox import client
from sandbox.errors import CommandError
from sandbox.release import chosen
from sandbox.server import Server
from sandbox.wait import until

SCRIPTS = Path(__file__).resolve().parents[2] / "charts" / "ovnloom" / "files" / "ovn-central"
SCHEMAS = chosen().schemas
NAMES = {"nb": "OVN_Northbound", "sb": "OVN_Southbound"}


@dataclass(frozen=True)
class Member:
    """One Pod of ovn-central: three servers that share a folder.

    On one machine the members of a cluster differ by their loopback address; only one of them can have the port that
    clients use, so the others are asked through their sockets.
    """

    directory: Path
    ports: tuple[int, int, int, int]
    address: str = "127.0.0.1"
    addresses: tuple[str, ...] = ()
    tls: Path | None = None
    schemas: Path = SCHEMAS
    more: dict[str, str] = field(default_factory=dict)

    @property
    def environment(self) -> dict[str, str]:
        """As the chart sets it."""
        nb, sb, nb_raft, sb_raft = map(str, self.ports)
        return {
            "OVN_DBDIR": str(self.directory),
            "OVN_RUNDIR": str(self.directory / "run"),
            "OVN_SCHEMAS": str(self.schemas),
            "LISTEN": "0.0.0.0",
            "NB_PORT": nb,
            "SB_PORT": sb,
            "NB_RAFT_PORT": nb_raft,
            "SB_RAFT_PORT": sb_raft,
            "PROBE_SECONDS": "60",
            "LOOK_SECONDS": "0",
            "ELECTION_TIMER": "1000",
            "REPLICAS": str(max(1, len(self.addresses))),
            "ADDRESSES": " ".join(self.addresses),
            "OWN_ADDRESS": self.address,
            "TLS": str(self.tls or ""),
            **self.more,
        }

    def script(self, name: str) -> Path:
        return SCRIPTS / name

    def server(self, name: str) -> Server:
        """`nb`, `sb` or `northd`."""
        script = (self.script("northd.sh"),) if name == "northd" else (self.script("serve.sh"), name)
        command = ("/bin/sh", *map(str, script))
        return Server(name, command, self.directory, self.environment)

    def start(self, *names: str) -> None:
        self.directory.mkdir(exist_ok=True)
        for name in names or ("nb", "sb", "northd"):
            self.server(name).start()

    def stop(self) -> None:
        for name in ("nb", "sb", "northd"):
            self.server(name).stop()

    def is_ready(self, name: str) -> bool:
        """What the readiness probe says."""
        return self._succeeds("/bin/sh", str(self.script("ready.sh")), name)

    def is_connected(self, name: str) -> bool:
        """Whether the database belongs to a cluster that has a leader."""
        return self._succeeds("ovsdb-client", "-t", "2", "wait", self.socket(name), NAMES[name], "connected")

    def has_schema(self, name: str, version: str) -> bool:
        """False also while the database is being converted, which cuts off its clients."""
        try:
            return (
                client.output("ovsdb-client", "get-schema-version", self.socket(name), NAMES[name]).strip() == version
            )
        except CommandError:
            return False

    def until_ready(self, *names: str) -> None:
        for name in names or ("nb", "sb", "northd"):
            until(partial(self.is_ready, name), f"{name} of {self.address}: {self.server(name).tail()}", 60)

    def socket(self, name: str) -> str:
        return f"unix:{self.directory}/run/ovn{name}_db.sock"

    def ctl(self, name: str, *arguments: str) -> str:
        """What ovn-nbctl or ovn-sbctl prints, at this member even when another one leads."""
        return client.output(f"ovn-{name}ctl", "--no-leader-only", f"--db={self.socket(name)}", "-t", "20", *arguments)

    def cluster_status(self, name: str) -> str:
        control = f"{self.directory}/run/ovn{name}_db.ctl"
        return client.output("ovs-appctl", "-T", "5", "-t", control, "cluster/status", NAMES[name])

    def _succeeds(self, *command: str) -> bool:
        try:
            client.output(*command, environment=self.environment)
        except CommandError:
            return False
        return True
