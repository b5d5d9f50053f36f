"""A cluster of ovn-central whose members have an address each, as on nodes: what clients and ovn-northd meet."""

import os
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

from sandbox import client, until
from sandbox.server import Server
from tests.chart.members import Member

PORTS = (6641, 6642, 6643, 6644)
ADDRESSES = ("198.18.0.11", "198.18.0.12", "198.18.0.13")
"""Of the range for tests of networks: nothing else has them, and nothing leaves these network namespaces."""

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="making network namespaces needs root")


@dataclass(frozen=True)
class OnNode(Member):
    """A member in a network namespace of its own."""

    netns: str = ""

    @property
    def inside(self) -> tuple[str, ...]:
        return ("nsenter", f"--net=/run/netns/{self.netns}")

    def server(self, name: str) -> Server:
        there = super().server(name)
        return Server(there.name, (*self.inside, *there.command), there.directory, there.environment)

    def is_ready(self, name: str) -> bool:
        return self._succeeds(*self.inside, "/bin/sh", str(self.script("ready.sh")), name)


@pytest.fixture
def nodes() -> Iterator[tuple[str, ...]]:
    """Three network namespaces on one bridge, which is in a fourth: nothing of it touches the machine's own network."""
    prefix = f"loom{os.getpid()}"
    bridge, names = f"{prefix}-br", tuple(f"{prefix}-{number}" for number in (1, 2, 3))
    try:
        for name in (bridge, *names):
            client.output("ip", "netns", "add", name)
            client.output("ip", "-n", name, "link", "set", "lo", "up")
        client.output("ip", "-n", bridge, "link", "add", "name", "fabric", "type", "bridge")
        client.output("ip", "-n", bridge, "link", "set", "fabric", "up")
        for number, (name, address) in enumerate(zip(names, ADDRESSES, strict=True)):
            port = f"port{number}"
            client.output(
                "ip", "-n", bridge, "link", "add", "name", port, "type", "veth", "peer", "name", "eth0", "netns", name
            )
            client.output("ip", "-n", bridge, "link", "set", port, "master", "fabric", "up")
            client.output("ip", "-n", name, "address", "add", f"{address}/24", "dev", "eth0")
            client.output("ip", "-n", name, "link", "set", "eth0", "up")
        yield names
    finally:
        for name in (*names, bridge):
            subprocess.run(["ip", "netns", "delete", name], check=False, capture_output=True)


@pytest.fixture
def members(nodes: tuple[str, ...]) -> Iterator[tuple[OnNode, ...]]:
    """Three members with all their servers, ready."""
    with tempfile.TemporaryDirectory(prefix="ovn-") as folder:
        made = tuple(
            OnNode(Path(folder) / netns[-1], PORTS, address, ADDRESSES, netns=netns)
            for netns, address in zip(nodes, ADDRESSES, strict=True)
        )
        try:
            for each in made:
                each.start()
            for each in made:
                each.until_ready()
            yield made
        finally:
            for each in made:
                each.stop()


def status(member: OnNode) -> str:
    control = f"{member.directory}/run/ovn-northd.ctl"
    return client.output("ovs-appctl", "-T", "5", "-t", control, "status").strip()


def test_one_northd_translates_and_the_next_takes_over(members: tuple[OnNode, ...]) -> None:
    """Clients get the list of all members; whichever node is lost, the network goes on and changes."""
    everywhere = ",".join(f"tcp:[{address}]:{PORTS[0]}" for address in ADDRESSES)

    def write(switch: str, member: OnNode) -> None:
        command = ("ovn-nbctl", f"--db={everywhere}", "-t", "30", "--wait=sb", "ls-add", switch)
        client.output(*member.inside, *command)

    until(lambda: sorted(map(status, members)) == ["Status: active", *["Status: standby"] * 2], "one active ovn-northd")
    write("before", members[0])
    active = next(each for each in members if status(each) == "Status: active")
    left = [each for each in members if each is not active]

    active.stop()
    until(lambda: "Status: active" in map(status, left), "another active ovn-northd")
    write("after", left[0])
    for each in left:
        each.until_ready()
    active.start()

    active.until_ready()
    until(partial(all_there, active), "both switches in the southbound database of the member that came back")


def all_there(member: OnNode) -> bool:
    rows = member.ctl("sb", "--bare", "--columns=external_ids", "list", "Datapath_Binding")
    return "before" in rows and "after" in rows
