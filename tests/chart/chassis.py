"""Open vSwitch and ovn-controller of one node: the scripts of the chart, run as the containers of `ovs-ovn` do."""

from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from sandbox import client
from sandbox.errors import CommandError
from sandbox.release import chosen
from sandbox.server import Server
from sandbox.wait import until

SCRIPTS = Path(__file__).resolve().parents[2] / "charts" / "ovnloom" / "files" / "ovs"
SERVERS = ("ovsdb", "vswitchd", "controller")


@dataclass(frozen=True)
class Chassis:
    """One Pod of `ovs-ovn`: three servers that share the folders of their node, in the node's network namespace."""

    directory: Path
    netns: str
    remote: str = ""
    schemas: Path = field(default_factory=lambda: chosen().root / "usr" / "share" / "openvswitch")
    more: dict[str, str] = field(default_factory=dict)

    @property
    def environment(self) -> dict[str, str]:
        """As the chart sets it."""
        return {
            "OVS_DBDIR": str(self.directory / "etc"),
            "OVS_RUNDIR": str(self.directory / "run"),
            "OVN_RUNDIR": str(self.directory / "ovn"),
            "OVS_SCHEMAS": str(self.schemas),
            "NODE_NAME": "node-1",
            "ENCAP_TYPE": "geneve",
            "OVN_REMOTE": self.remote,
            "DATAPATH": "userspace",
            "HW_OFFLOAD": "false",
            "SETTLE_SECONDS": "20",
            "TLS": "",
            **self.more,
        }

    def run(self, script: str, *arguments: str) -> str:
        return client.output(*self._inside(script), *arguments, environment=self.environment)

    def server(self, name: str) -> Server:
        """`ovsdb`, `vswitchd` or `controller`."""
        return Server(name, self._inside(f"{name}.sh"), self.directory, self.environment)

    def _inside(self, script: str) -> tuple[str, ...]:
        return ("nsenter", f"--net=/run/netns/{self.netns}", "/bin/sh", str(SCRIPTS / script))

    def start(self, *names: str) -> None:
        self.directory.mkdir(exist_ok=True)
        for name in names or SERVERS:
            self.server(name).start()

    def stop(self) -> None:
        for name in reversed(SERVERS):
            self.server(name).stop()

    def is_ready(self, name: str) -> bool:
        """What the readiness probe says."""
        try:
            self.run("ready.sh", name)
        except CommandError:
            return False
        return True

    def until_ready(self, *names: str) -> None:
        for name in names or SERVERS:
            until(partial(self.is_ready, name), f"{name}: {self.server(name).tail()}", 60)

    def ctl(self, *arguments: str) -> str:
        """What ovs-vsctl prints."""
        return client.output("ovs-vsctl", f"--db=unix:{self.directory}/run/db.sock", "-t", "20", *arguments).strip()

    def told(self, column: str, key: str) -> str:
        """One key of the row that describes the switch; empty when it isn't there."""
        return self.ctl("--no-wait", "--if-exists", "get", "Open_vSwitch", ".", f"{column}:{key}").strip('"')

    def rules(self) -> int:
        """How many rules the integration bridge has."""
        said = client.output(
            "ovs-ofctl", "dump-aggregate", "br-int", environment={"OVS_RUNDIR": str(self.directory / "run")}
        )
        return int(said.rsplit("flow_count=", 1)[1])
