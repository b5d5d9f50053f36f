"""The nodes of a sandbox that run containers: brought up together, added, removed, killed."""

import json
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from sandbox import bridge, build, client, coredns, host, images, snapshot
from sandbox.controlplane import ControlPlane
from sandbox.errors import SandboxError
from sandbox.fabric import Fabric
from sandbox.host import Host
from sandbox.node import named
from sandbox.openvswitch import SYSTEM_ID
from sandbox.ovn import Ovn
from sandbox.report import Report
from sandbox.server import recorded
from sandbox.wait import until
from sandbox.worker import Worker

WATCHERS = 8192


@dataclass(frozen=True)
class Workers:
    """Of one control plane and one OVN, on one fabric."""

    fabric: Fabric
    controlplane: ControlPlane
    ovn: Ovn

    @property
    def hosts(self) -> tuple[Host, ...]:
        """Up or killed. A host of another name on the fabric is somebody outside, not a node."""
        return tuple(each for each in host.recorded(self.fabric) if named(each.name))

    def up(self, count: int, report: Report, more: Iterable[images.Image] = ()) -> bool:
        """All nodes run that ever were, and these many at least, with the cluster's DNS; False when that was so before.

        Nodes are Ready when the sandbox has a network for Pods itself.
        """
        there = {each.number: each for each in self.hosts}
        wanted = {number: self._host(number) for number in range(1, count + 1)} | there
        missing = [each for each in wanted.values() if not is_whole(each)]
        new = set(more) - set(self._more())
        if new:
            self.load(new)
        if missing:
            self._start(missing, report)
        return bool(missing or new)

    def add(self, report: Report) -> Host:
        """One node more, with the lowest number that is free."""
        taken = {each.number for each in self.hosts}
        new = self._host(next(number for number in range(1, len(taken) + 2) if number not in taken))
        self._start([new], report)
        return new

    def load(self, more: Iterable[images.Image]) -> None:
        """All nodes have these images, and all that are added later will."""
        more = tuple(more)
        found = {image.name: image for image in (*self._more(), *more)}
        self._more_file.write_text(
            json.dumps({name: str(image.path) for name, image in found.items()}, indent=2) + "\n"
        )
        running = [Worker(each, self.controlplane) for each in self.hosts if each.alive]
        with ThreadPoolExecutor() as threads:
            list(threads.map(lambda worker: worker.load(more), running))

    def route(self, network: str) -> None:
        """This machine reaches the network through the first node that is up."""
        position = 0 if len(self.fabric.addresses) == 1 or "." in network else 1
        via = [each.addresses[position] for each in self.hosts if each.alive]
        if not via:
            raise SandboxError(f"no node is up, through which {network} could be reached")
        client.output("ip", "-6" if ":" in network else "-4", "route", "replace", network, "via", via[0])

    def start(self, node: Host, report: Report) -> None:
        """A node that was killed runs again."""
        self._start([node], report)

    def remove(self, node: Host) -> None:
        """The node is gone, and nobody knows it any more: neither Kubernetes nor OVN."""
        node.kill()  # a living ovn-controller would make its chassis anew
        chassis = node.file(SYSTEM_ID)
        if chassis.exists():
            self.ovn.sbctl("--if-exists", "chassis-del", chassis.read_text().strip())
        node.down()
        self._kubectl("delete", "node", node.name, "--ignore-not-found")

    def _start(self, hosts: Iterable[Host], report: Report) -> None:
        hosts = tuple(hosts)
        _allow_watching()
        build.build(build.KUBELET, report)
        pods = images.pods(report)
        unpacked = snapshot.of(pods, report)
        if more := self._more():
            unpacked = snapshot.of(more, report, unpacked)
        southbound = self.ovn.sb_tcp(self.fabric.addresses[0])
        (dns,) = (image.name for image in pods if "coredns" in image.name)
        self._kubectl("apply", "--server-side", "-f", "-", stdin=coredns.manifests(self.controlplane.layout, dns))
        names = [f"node/{each.name}" for each in hosts]
        with report.step(f"{len(hosts)} nodes with containerd and kubelet"):
            with ThreadPoolExecutor() as threads:
                workers = [Worker(each, self.controlplane) for each in hosts]
                list(threads.map(lambda worker: worker.up(unpacked, (*pods, *more), southbound), workers))
            # `kubectl wait --for=create` of several ends at once when the first is there and the second isn't.
            until(lambda: set(names) <= set(self._kubectl("get", "nodes", "-o", "name").split()), "the Nodes", 60)
        if self.controlplane.layout.cni == "bridge":
            bridge.route(tuple(each for each in self.hosts if each.alive))
            self._kubectl("wait", "--for=condition=Ready", "--timeout=60s", *names)

    def _more(self) -> tuple[images.Image, ...]:
        try:
            found: dict[str, str] = json.loads(self._more_file.read_text())
        except FileNotFoundError:
            return ()
        return tuple(images.Image(name, Path(path)) for name, path in found.items())

    @property
    def _more_file(self) -> Path:
        return self.fabric.directory / "images.json"

    def _kubectl(self, *arguments: str, stdin: str | None = None) -> str:
        kubectl = (build.KUBERNETES.bin / "kubectl", f"--kubeconfig={self.controlplane.kubeconfig}")
        cache = {"KUBECACHEDIR": str(self.fabric.directory / "kube-cache")}
        return client.output(*kubectl, *arguments, stdin=stdin, environment=cache, seconds=90)

    def _host(self, number: int) -> Host:
        return Host(self.fabric, number, release=self.ovn.release)


def _allow_watching() -> None:
    """The kernel lets all nodes of this machine together watch files: its default is meant for one.

    A kubelet alone takes a dozen of the 128, and ends when there is none left.
    """
    limit = Path("/proc/sys/fs/inotify/max_user_instances")
    if int(limit.read_text()) < WATCHERS:
        limit.write_text(f"{WATCHERS}\n")


def is_whole(node: Host) -> bool:
    """Whether the host and all that was started on it runs."""
    return node.alive and all(server.alive for server in recorded(node.directory))
