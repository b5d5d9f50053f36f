"""Open vSwitch of a host, and the ovn-controller that programs it: at the paths where every program looks for them."""

import contextlib
import subprocess
import uuid
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from sandbox import client
from sandbox.errors import CommandError
from sandbox.host import NIC, Host
from sandbox.inside import Inside
from sandbox.wait import until_ready

DATABASE = "/etc/openvswitch/conf.db"
SOCKET = "/run/openvswitch/db.sock"
SYSTEM_ID = "/etc/openvswitch/system-id.conf"
QUIET = ("-vconsole:info", "-vsyslog:off", "-vfile:off")
INTEGRATION = "br-int"
# Has the host's address on the fabric: tunnels of the userspace datapath need it on a bridge.
PHYSICAL = "br-phy"


@cache
def kernel_datapath() -> bool:
    """Whether this machine's kernel forwards for Open vSwitch; without its module that happens in userspace."""
    module = Path("/sys/module/openvswitch")
    if not module.is_dir():
        with contextlib.suppress(FileNotFoundError):
            subprocess.run(["modprobe", "--quiet", "openvswitch"], env=client.surroundings({}), check=False)
    return module.is_dir()


def datapath_type() -> str:
    """For `datapath_type` of a bridge, and ovn-bridge-datapath-type."""
    return "system" if kernel_datapath() else "netdev"


@dataclass(frozen=True)
class OpenVswitch:
    """The servers of a host that is up."""

    host: Host

    @property
    def db(self) -> str:
        """The local database's address, as this machine reaches it; in the host it is unix:/run/openvswitch/db.sock."""
        return f"unix:{self.host.path(SOCKET)}"

    @property
    def chassis(self) -> str:
        """The system-id, by which OVN knows the host. It lasts as long as the host's disk."""
        return self.host.path(SYSTEM_ID).read_text().strip()

    def up(self) -> None:
        """Both servers run, there is a br-int, and the host's addresses are where tunnels find them."""
        share = self.host.release.root / "usr" / "share" / "openvswitch" / "vswitch.ovsschema"
        if not self.host.path(DATABASE).exists():
            self.host.run("ovsdb-tool", "create", DATABASE, share)
            self.host.path(SYSTEM_ID).write_text(f"{uuid.uuid4()}\n")
        self.start_database()
        self.vsctl("--no-wait", "init", "--", "set", "open", ".", f"external-ids:system-id={self.chassis}")
        self.vsctl("--no-wait", "set", "open", ".", f"external-ids:hostname={self.host.name}")
        self.start_switch()
        bridge = ("--", "set", "bridge", INTEGRATION, f"datapath_type={datapath_type()}", "fail-mode=secure")
        self.vsctl("--may-exist", "add-br", INTEGRATION, *bridge, "other-config:disable-in-band=true")
        if not kernel_datapath():
            self._bridge_fabric()

    def join(self, southbound: str) -> None:
        """The host is a chassis of OVN: its ovn-controller follows this southbound database."""
        said = {
            "ovn-remote": southbound,
            "ovn-encap-type": "geneve",
            "ovn-encap-ip": self.host.address,
            "ovn-bridge": INTEGRATION,
            "ovn-bridge-datapath-type": datapath_type(),
        }
        self.vsctl("set", "open", ".", *(f"external-ids:{name}={text_of(said[name])}" for name in said))
        self.start_controller()

    def start_database(self) -> None:
        """The local database answers, with what it had stored."""
        self.database.start()
        until_ready(self.database, self._answers)

    def start_switch(self) -> None:
        """ovs-vswitchd has done what the database says."""
        self.switch.start()
        until_ready(self.switch, self.host.path("/run/openvswitch/ovs-vswitchd.pid").exists)
        # A change of the database: ovs-vsctl waits until it, and all before, was done.
        after = int(self.vsctl("--no-wait", "get", "open", ".", "next_cfg")) + 1
        self.vsctl("set", "open", ".", f"next_cfg={after}")

    def start_controller(self) -> None:
        """ovn-controller is connected to the southbound database."""
        self.controller.start()
        until_ready(self.controller, self._is_connected)

    def vsctl(self, *arguments: str) -> str:
        """What `ovs-vsctl` prints, run in the host."""
        return self.host.run("ovs-vsctl", "--timeout=30", *arguments)

    @property
    def database(self) -> Inside:
        words = (f"--remote=punix:{SOCKET}", "--remote=db:Open_vSwitch,Open_vSwitch,manager_options")
        return self._server("ovsdb-server", *words, DATABASE)

    @property
    def switch(self) -> Inside:
        return self._server("ovs-vswitchd", *(("--disable-system",) if not kernel_datapath() else ()))

    @property
    def controller(self) -> Inside:
        return self._server("ovn-controller", f"unix:{SOCKET}")

    def _server(self, program: str, *words: str) -> Inside:
        return self.host.server(program, program, *QUIET, "--pidfile", *words)

    def _bridge_fabric(self) -> None:
        # Not the NIC's own: the kernel still sees its frames, and would answer those to its address a second time.
        bridge = ("datapath_type=netdev", "fail-mode=standalone", f'other-config:hwaddr="{self.host.mac(255)}"')
        self.host.run("sysctl", "-qw", f"net.ipv4.conf.{NIC}.arp_ignore=1", f"net.ipv6.conf.{NIC}.disable_ipv6=1")
        port = ("--", "--may-exist", "add-port", PHYSICAL, NIC)
        self.vsctl("--may-exist", "add-br", PHYSICAL, "--", "set", "bridge", PHYSICAL, *bridge, *port)
        self.host.move_addresses(PHYSICAL)

    def _answers(self) -> bool:
        try:
            self.host.run("ovsdb-client", "list-dbs", f"unix:{SOCKET}")
        except CommandError:
            return False
        return True

    def _is_connected(self) -> bool:
        try:
            return "connected" in self.host.run("ovn-appctl", "-t", "ovn-controller", "connection-status").split()
        except CommandError:
            return False


def text_of(value: str) -> str:
    """A string as ovs-vsctl reads it: addresses have colons."""
    return f'"{value}"'
