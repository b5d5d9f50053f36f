"""A node's part of OVN: Open vSwitch in userspace with an ovn-controller. Its ports are names without a device."""

import re
from dataclasses import dataclass
from pathlib import Path

from sandbox import Ovn, client, places
from sandbox.ovsdb import Ovsdb, rundirs
from sandbox.server import Server
from sandbox.wait import until, until_ready

TARGET = re.compile(r"nat\(dst=([^)]+)\)")


@dataclass(frozen=True)
class Chassis:
    """The chassis of that name; its servers belong to the OVN's directory."""

    ovn: Ovn
    name: str

    def up(self) -> None:
        """The ovn-controller follows the southbound database."""
        self._database.start()
        self._output("ovs-vsctl", "--no-wait", "init")
        # Its bridges are devices, so it has a network of its own: the name br-int is the same in every test.
        words = (f"--unixctl={self._run}/vswitchd.ctl", "--disable-system", self._local)
        switch = self._server("ovs-vswitchd", *words, under=("unshare", "--map-root-user", "--net"))
        switch.start()
        until_ready(switch, (self._run / "vswitchd.ctl").exists)
        said = {
            "system-id": self.name,
            "ovn-remote": self.ovn.sb,
            "ovn-encap-type": "geneve",
            "ovn-encap-ip": "127.0.0.1",
            "ovn-bridge-datapath-type": "netdev",
        }
        self._output("ovs-vsctl", "set", "open", ".", *(f"external-ids:{name}={said[name]}" for name in said))
        self.controller.start()
        until(lambda: "br-int" in self._output("ovs-vsctl", "list-br"), "br-int")

    def plug(self, port: str) -> None:
        """The logical port is on this chassis, and OVN has done all that follows."""
        interface = ("--", "set", "interface", "p0", "type=internal", f"external_ids:iface-id={port}")
        self._output("ovs-vsctl", "--may-exist", "add-port", "br-int", "p0", *interface)
        self.settle()

    def settle(self) -> None:
        """The flows say what the northbound database says now."""
        self.ovn.nbctl("--wait=hv", "sync")

    def backends(self) -> set[frozenset[str]]:
        """The backends of each load balancer that the flows know; sets of them share one group of flows."""
        groups = self._output("ovs-ofctl", "-OOpenFlow15", "dump-groups", "br-int").splitlines()
        return {frozenset(TARGET.findall(line)) for line in groups if "nat(dst=" in line}

    def complaints(self) -> list[str]:
        """What ovn-controller could not read."""
        return [line for line in self.controller.log.read_text().splitlines() if "error parsing" in line]

    @property
    def controller(self) -> Server:
        return self._server("ovn-controller", self._local)

    @property
    def _database(self) -> Ovsdb:
        schema = self.ovn.release.root / "usr" / "share" / "openvswitch" / "vswitch.ovsschema"
        return Ovsdb("vswitch", self.ovn.directory, schema, self.ovn.release)

    @property
    def _local(self) -> str:
        return self._database.address

    @property
    def _run(self) -> Path:
        return places.sockets(self.ovn.directory)

    def _server(self, program: str, *words: str, under: tuple[str, ...] = ()) -> Server:
        quiet = ("-vconsole:info", "-vsyslog:off", "-vfile:off")
        environment = {**self.ovn.release.environment(), **rundirs(self._run)}
        return Server(program, (*under, program, *quiet, *words), self.ovn.directory, environment)

    def _output(self, *command: str) -> str:
        environment = {**self.ovn.release.environment(), **rundirs(self._run)}
        words = (command[0], f"--db={self._local}", *command[1:]) if command[0] == "ovs-vsctl" else command
        return client.output(*words, environment=environment)
