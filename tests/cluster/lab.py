"""A machine that is no node, on the physical network beside the nodes, in its untagged network and in some tagged ones.

Not every kernel knows VLANs; Open vSwitch in userspace does.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from demo.tour.place import ECHO, at
from sandbox import Host, OpenVswitch, Sandbox, build
from sandbox.errors import CommandError
from sandbox.host import SECOND_NIC
from sandbox.openvswitch import datapath_type
from sandbox.report import Quiet
from sandbox.wait import until

NUMBER = 101
"""Of the host, beside the one outside."""
BRIDGE = "br-lab"


@dataclass(frozen=True)
class Lab:
    """It answers at ECHO with the address of who asks, at each of its addresses."""

    host: Host

    def join(self, tag: int, address: str) -> None:
        """The machine has this address in the network of this tag."""
        name = f"lab{tag}"
        port = ("--may-exist", "add-port", BRIDGE, name, f"tag={tag}", "--", "set", "interface", name, "type=internal")
        OpenVswitch(self.host).vsctl(*port)
        self.host.run("ip", "address", "replace", address, "dev", name)
        self.host.run("ip", "link", "set", name, "up")

    def asks(self, url: str) -> str | None:
        try:
            return self.host.run("curl", "--silent", "--fail", "--max-time", "2", url).strip()
        except CommandError:
            return None


@contextmanager
def lab(sandbox: Sandbox) -> Iterator[Lab]:
    """It is there inside of the block."""
    host = Host(sandbox.fabric, NUMBER, "lab")
    host.up()
    try:
        switch = OpenVswitch(host)
        switch.up()
        # The kernel sees the frames of the port, too, and would answer them beside the bridge.
        host.run("sysctl", "-qw", f"net.ipv4.conf.{SECOND_NIC}.arp_ignore=1")
        bridge = ("--", "set", "bridge", BRIDGE, f"datapath_type={datapath_type()}")
        switch.vsctl("add-br", BRIDGE, *bridge, "--", "add-port", BRIDGE, SECOND_NIC)
        build.build(build.AGNHOST, Quiet())
        host.server("echo", build.AGNHOST.bin / "agnhost", "netexec", f"--http-port={ECHO}").start()
        found = Lab(host)
        until(lambda: found.asks(at("127.0.0.1", ECHO)), "the machine's web server", 60)
        yield found
    finally:
        host.down()


@contextmanager
def wire(host: Host, interface: str, what: str) -> Iterator[subprocess.Popen[str]]:
    """tcpdump listens when the block begins; `wait()` gives 0 once such a frame has passed."""
    words = ("tcpdump", "-nn", "-c", "1", "-i", interface, what)
    with host.popen("timeout", "60", *words, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as running:
        try:
            assert running.stderr is not None
            while "listening on" not in (line := running.stderr.readline()):
                assert line, "tcpdump has ended"
            yield running
        finally:
            running.kill()
