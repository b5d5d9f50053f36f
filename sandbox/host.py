"""A host: namespaces of its own for network, mounts, processes and name, on a fabric, with the directories of a node.

Kubernetes and OVN keep what they know of a host under /etc, /run, /var and /opt. Here a host has its own, so several
live on one machine, and hostPath volumes of a Pod mean the host's. All processes of a host are in one namespace: when
its first ends, the kernel ends all others, and mounts and interfaces go with the last.
"""

import contextlib
import os
import shutil
import signal
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from sandbox import client, places, release
from sandbox.errors import SandboxError
from sandbox.fabric import MOST_HOSTS, Fabric, with_length
from sandbox.inside import Holder, Inside, detached, outside
from sandbox.release import Release
from sandbox.wait import until, until_ready

SETUP = Path(__file__).with_name("host.sh")
NIC = "eth0"
SECOND_NIC = "eth1"
# Where containerd has a folder for each container, which is also the name of its cgroup.
TASKS = "/run/containerd/io.containerd.runtime.v2.task/k8s.io"
DOCKER_TASKS = "/run/containerd/io.containerd.runtime.v2.task/moby"
# In the directory of a host.
NUMBER = "number"


@dataclass(frozen=True)
class Host:
    """Host NUMBER of a fabric, which is also its address there. `directory` is its own and goes away with it."""

    fabric: Fabric
    number: int
    name: str = ""
    release: Release = field(default_factory=release.chosen)

    def __post_init__(self) -> None:
        if not 1 <= self.number <= MOST_HOSTS:
            raise SandboxError(f"host number {self.number} can't be; take one from 1 to {MOST_HOSTS}")
        if not self.name:
            object.__setattr__(self, "name", f"worker-{self.number}")

    @property
    def directory(self) -> Path:
        return self.fabric.directory / "hosts" / self.name

    @property
    def addresses(self) -> tuple[str, ...]:
        """On the fabric, IPv4 first."""
        return self.fabric.of_host(self.number)

    @property
    def address(self) -> str:
        return self.addresses[0]

    @property
    def alive(self) -> bool:
        return self._holder.alive

    @property
    def pid(self) -> int:
        """Of the first process, which holds the namespaces: /proc/PID/ns."""
        identity = self._holder.identity
        if identity is None or not identity.alive:
            raise SandboxError(f"host {self.name} is not up")
        return identity.pid

    def path(self, inside: str) -> Path:
        """How this machine sees a path of the host, sockets included."""
        return Path(f"/proc/{self.pid}/root/{inside.lstrip('/')}")

    def file(self, inside: str) -> Path:
        """Where a file is kept that is in one of the host's own directories: before the host is up, too."""
        folder = "" if inside.startswith("/run/") else "own"
        return self.directory / "fs" / folder / inside.lstrip("/")

    def up(self) -> None:
        """The namespaces are there; eth0 has the host's addresses on the fabric, eth1 none, on the underlay."""
        if self.alive:
            return
        if os.geteuid() != 0:
            raise SandboxError("only root can make a host: it mounts, and makes interfaces")
        places.private(self.fabric.directory)
        places.private(self.directory)
        (self.directory / NUMBER).write_text(f"{self.number}\n")
        ready = self.directory / "fs" / "run" / "host.ready"
        # What was in /run is of an earlier boot of this host.
        shutil.rmtree(ready.parent, ignore_errors=True)
        ready.parent.mkdir(parents=True)
        self._unplug()
        try:
            self._holder.start()
            until_ready(self._holder, ready.exists)
            self._plug(NIC, self.fabric.bridge, self._veth)
            self._plug(SECOND_NIC, self.fabric.underlay, f"{self._veth}u")
            self.move_addresses(NIC)
        except BaseException:
            self.kill()
            raise

    def down(self) -> None:
        """No process, no mount, no interface and no file of it is left."""
        self.kill()
        # A mount that died with the host's namespaces can hold a folder for a moment.
        until(partial(_removed, self.directory), f"{self.directory} to be free of mounts")

    def kill(self) -> None:
        """The power is cut: every process is gone at once; what was on disk stays, for `up`."""
        if self.alive:
            self._wake()
        self._holder.stop()
        self._unplug()
        self._forget_cgroups()

    def freeze(self) -> None:
        """No process of the host runs until `thaw`; those of its containers neither."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """All processes go on."""
        self._signal(signal.SIGCONT)
        self._wake()

    def run(self, *command: str | Path, stdin: str | None = None, seconds: float = 60.0) -> str:
        """What the command prints that runs in the host. Raises CommandError when it fails."""
        return client.output(*self.entered(command), environment=self.environment, stdin=stdin, seconds=seconds)

    def entered(self, command: Sequence[str | Path]) -> tuple[str, ...]:
        """The words that run the command in all namespaces of the host.

        Not `ip netns exec`: that mounts another /sys, without the cgroups that a kubelet looks for.
        """
        enter = ("nsenter", f"--target={self.pid}", "--mount", "--net", "--uts", "--pid", "--")
        return *enter, *(str(word) for word in command)

    def popen(
        self, *command: str | Path, environment: Mapping[str, str] | None = None, **options: object
    ) -> "subprocess.Popen[str]":
        """The command runs in the host, and is killed when what is returned is; a `server` is what gets signals."""
        words = self.entered(("setpriv", "--pdeathsig", "KILL", "--", *command))
        return subprocess.Popen(words, env={**self.surroundings, **(environment or {})}, text=True, **options)  # type: ignore[call-overload, no-any-return]  # Popen's own

    def server(self, name: str, *command: str | Path, environment: Mapping[str, str] | None = None) -> Inside:
        """A server that runs in the host once it is started; its log is `logs/NAME.log` of the host's directory."""
        words = self.entered(detached(name, tuple(str(word) for word in command)))
        return Inside(name, words, self.directory, {**self.environment, **(environment or {})}, self.pid)

    def move_addresses(self, interface: str) -> None:
        """The host's addresses on the fabric, and the default routes through it, are on this interface."""
        self.run("ip", "link", "set", interface, "up")
        for address, gateway in zip(self.addresses, self.fabric.addresses, strict=True):
            words = ("nodad",) if ":" in address else ()
            if interface != NIC:
                self._without(NIC, address)
            self.run("ip", "address", "replace", with_length(address), "dev", interface, *words)
            family = "-6" if ":" in address else "-4"
            self.run("ip", family, "route", "replace", "default", "via", gateway, "dev", interface)

    @property
    def surroundings(self) -> dict[str, str]:
        """The whole environment of a program that runs in the host."""
        return client.surroundings(self.environment)

    @property
    def environment(self) -> dict[str, str]:
        """For programs that run in the host: the sandbox's OVN is found; its sockets are at their usual paths."""
        return {**self.release.environment(), "OVS_RUNDIR": "/run/openvswitch", "OVN_RUNDIR": "/run/ovn"}

    def mac(self, interface: int) -> str:
        """The same after each `up`, so that neighbours needn't learn it anew."""
        return f"0a:30:{self.fabric.number:02x}:00:{interface:02x}:{self.number:02x}"

    def _without(self, interface: str, address: str) -> None:
        if f" {address}/" in self.run("ip", "address", "show", "dev", interface):
            self.run("ip", "address", "delete", with_length(address), "dev", interface)

    def _signal(self, which: signal.Signals) -> None:
        """All processes but the first get it, those in namespaces below included: kill(2)."""
        self.run("/bin/kill", f"-{which.name.removeprefix('SIG')}", "--", "-1")

    def _wake(self) -> None:
        """nsenter stops itself when what it waits for is stopped; and who is waited for can't be gone."""
        for each in outside(self.pid):
            each.end(signal.SIGCONT, patience=0)

    def _forget_cgroups(self) -> None:
        """Those of containers that died with the host: they are in the machine's tree, and stay otherwise."""
        for parent, tasks in (("k8s.io", TASKS), ("docker", DOCKER_TASKS)):
            folder = self.file(tasks)
            if folder.is_dir():
                for task in folder.iterdir():
                    _forget_cgroup(Path(parent, task.name))
                _forget_cgroup(Path(parent), within=False)

    def _plug(self, name: str, bridge: str, there: str) -> None:
        mac = self.mac(int(name[-1]))
        peer = ("peer", "name", name, "address", mac, "netns", str(self.pid))
        client.output("ip", "link", "add", there, "type", "veth", *peer)
        # A veth leaves checksums to hardware that it doesn't have; Open vSwitch in userspace would pass them on, wrong.
        self.run("ethtool", "-K", name, "tx", "off")
        client.output("ethtool", "-K", there, "tx", "off")
        self.run("ip", "link", "set", name, "up")
        client.output("ip", "link", "set", there, "master", bridge, "up")

    def _unplug(self) -> None:
        """A namespace that ended takes its ends along, but in its own time; the names have to be free at once."""
        for each in (self._veth, f"{self._veth}u"):
            if Path(f"/sys/class/net/{each}").exists():
                subprocess.run(["ip", "link", "delete", each], check=False, capture_output=True)

    @property
    def _veth(self) -> str:
        return f"{self.fabric.bridge}-{self.number}"

    @property
    def _holder(self) -> Holder:
        unshare = ("unshare", "--mount", "--net", "--uts", "--pid", "--fork")
        words = ("sh", "-eu", str(SETUP), self.name, str(self.directory / "fs"), str(self.fabric.directory))
        return Holder("host", (*unshare, *words), self.directory)


def _forget_cgroup(name: Path, *, within: bool = True) -> None:
    """The cgroup is gone, and those within it; otherwise only where it is empty: somebody else's containers stay."""
    # In the first version of cgroups there is a tree for each controller, in the second one for all.
    roots = (Path("/sys/fs/cgroup"), *Path("/sys/fs/cgroup").iterdir())
    for group in (root / name for root in roots if (root / name).is_dir()):
        if within:
            for inner in sorted((path for path in group.rglob("*") if path.is_dir()), reverse=True):
                inner.rmdir()
            group.rmdir()
        else:
            with contextlib.suppress(OSError):
                group.rmdir()


def _removed(directory: Path) -> bool:
    shutil.rmtree(directory, ignore_errors=True)
    return not directory.exists()


def recorded(fabric: Fabric) -> tuple[Host, ...]:
    """The hosts of a fabric, up or killed, by their number: whoever made them."""
    files = (fabric.directory / "hosts").glob(f"*/{NUMBER}")
    found = (Host(fabric, int(file.read_text()), file.parent.name) for file in files)
    return tuple(sorted(found, key=lambda host: host.number))


def remove(fabric: Fabric) -> None:
    """All hosts of a fabric are gone, and then it itself."""
    for each in recorded(fabric):
        each.down()
    fabric.down()
