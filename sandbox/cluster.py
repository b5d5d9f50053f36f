"""A sandbox: a Kubernetes control plane and OVN side by side, found by a name."""

import shutil
from collections.abc import Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from sandbox import build, client, debian, layout, node, places, release, workers
from sandbox.controlplane import LOOPBACK, ControlPlane
from sandbox.errors import SandboxError
from sandbox.fabric import Fabric, Family
from sandbox.host import Host
from sandbox.host import recorded as recorded_hosts
from sandbox.host import remove as remove_hosts
from sandbox.images import Image
from sandbox.layout import Cni, Layout
from sandbox.lock import locked
from sandbox.node import Node
from sandbox.ovn import Ovn
from sandbox.report import Quiet, Report, Tell
from sandbox.server import Server, recorded
from sandbox.workers import Workers


@dataclass(frozen=True)
class Sandbox:
    """The sandbox with this name, up or not: everything about it is in its directory and in the running servers."""

    name: str = "default"
    kubelets: bool = False
    family: Family = "ipv4"
    cni: Cni = "none"
    kube_proxy: bool = False

    @property
    def directory(self) -> Path:
        return places.named(self.name)

    @property
    def exists(self) -> bool:
        """It was brought up and not down since; its servers may have died."""
        return self.directory.is_dir()

    @property
    def alive(self) -> bool:
        """Every server runs."""
        servers = all(server.alive for server in self.servers) if self.exists else False
        return servers and all(workers.is_whole(host) for host in self.hosts)

    @cached_property
    def ovn(self) -> Ovn:
        return Ovn(self.directory, release=release.recorded(self.directory))

    @cached_property
    def layout(self) -> Layout:
        """What it was brought up with; otherwise what it is asked to be."""
        return layout.recorded(self.directory) or self._wanted

    @cached_property
    def fabric(self) -> Fabric:
        """The network between its hosts, if it has any."""
        return Fabric(self.directory, self.layout.family)

    @cached_property
    def controlplane(self) -> ControlPlane:
        addresses = self.fabric.addresses if self.layout.kubelets else (LOOPBACK,)
        return ControlPlane(self.directory, build.KUBERNETES.bin, self.layout, addresses)

    @property
    def workers(self) -> Workers:
        """The nodes that run containers."""
        return Workers(self.fabric, self.controlplane, self.ovn)

    @property
    def hosts(self) -> tuple[Host, ...]:
        """Of the nodes that run containers, up or killed."""
        return recorded_hosts(self.fabric)

    def host(self, name: str) -> Host:
        """The host of this node."""
        found = {host.name: host for host in self.hosts}
        if name not in found:
            there = ", ".join(found) or "none; `up --kubelets` makes nodes with hosts"
            raise SandboxError(f"sandbox {self.name} has no host {name!r} (there are: {there})")
        return found[name]

    @property
    def servers(self) -> tuple[Server, ...]:
        """In the order in which they are started."""
        return *self.ovn.servers, *self.controlplane.servers

    @property
    def kubeconfig(self) -> Path:
        """The administrator's."""
        return self.controlplane.kubeconfig

    @property
    def nb(self) -> str:
        """The northbound database's address."""
        return self.ovn.nb

    @property
    def sb(self) -> str:
        """The southbound database's address."""
        return self.ovn.sb

    @property
    def nodes(self) -> tuple[Node, ...]:
        """The nodes of ours that the API server knows."""
        listed = self.kubectl("get", "nodes", "-o", "name").split()
        found = (node.named(line.removeprefix("node/")) for line in listed)
        return tuple(sorted((each for each in found if each), key=lambda each: each.number))

    def up(self, nodes: int = 0, report: Report | None = None, more: Iterable[Image] = ()) -> bool:
        """Every server runs and answers, and there are at least this many nodes; False when that was so before.

        A sandbox of which some servers died gets them back, with what they had stored. Nodes that run containers have
        these images beside those that Pods use.
        """
        report = report or Quiet()
        wanted = node.first(nodes)
        if self.kubelets and self.layout != self._wanted:
            raise SandboxError(
                f"sandbox {self.name} is up {self.layout}; take it down first to have it {self._wanted}: "
                f"python -m sandbox down --name {self.name}"
            )
        build.build(build.KUBERNETES, report)
        debian.fetch(self.ovn.release, report)
        with self.locked(report.say):
            if not (complete := self.alive):
                places.private(places.home())
                places.private(self.directory)
                self.layout.record(self.directory)
                if self.layout.kubelets:
                    self.fabric.up()
                with report.step("OVN: northbound, southbound, northd"):
                    self.ovn.up()
                self.controlplane.up(report)
            if self.layout.kubelets:
                return self.workers.up(nodes, report, more) or not complete
            if missing := set(wanted).difference(self.nodes if wanted else ()):
                with report.step(f"{len(missing)} nodes"):
                    self._add(sorted(missing, key=lambda each: each.number))
            return not complete or bool(missing)

    def down(self) -> bool:
        """No server, no file and no socket of it is left; False when there was none before."""
        if not self.exists:
            return False
        with self.locked(remove=True):
            remove_hosts(self.fabric)
            for server in recorded(self.directory):
                server.stop()
            shutil.rmtree(places.sockets(self.directory), ignore_errors=True)
            shutil.rmtree(self.directory, ignore_errors=True)
        return True

    def environment(self) -> dict[str, str]:
        """What a shell needs so that kubectl, helm, ovn-nbctl and ovnloom find this sandbox."""
        programs = dict.fromkeys(str(each.bin) for each in build.ALL)
        ovn = self.ovn.release.environment()["PATH"]
        return {
            "KUBECONFIG": str(self.kubeconfig),
            "OVN_NB_DB": self.nb,
            "OVN_SB_DB": self.sb,
            **self._caches,
            "PATH": ":".join([*programs, ovn]),
        }

    def kubectl(self, *arguments: str, stdin: str | None = None, seconds: float = 60.0) -> str:
        """What `kubectl` prints, as the administrator. Raises CommandError when it fails."""
        kubectl = build.KUBERNETES.bin / "kubectl"
        return client.output(
            kubectl,
            f"--kubeconfig={self.kubeconfig}",
            *arguments,
            environment=self._caches,
            stdin=stdin,
            seconds=seconds,
        )

    def helm(self, *arguments: str, stdin: str | None = None, seconds: float = 120.0) -> str:
        """What `helm` prints, as the administrator; helm is built first when that never happened."""
        build.build(build.HELM, Quiet())
        return client.output(
            build.HELM.bin / "helm",
            f"--kubeconfig={self.kubeconfig}",
            *arguments,
            environment=self._caches,
            stdin=stdin,
            seconds=seconds,
        )

    def load(self, more: Iterable[Image]) -> None:
        """All nodes that run containers have these images, those that are added later too."""
        self.workers.load(more)

    def route(self, network: str) -> None:
        """This machine, and with it the API server, reaches these Pods through the first node that is up.

        Webhooks and aggregated APIs need that. The route goes away with the sandbox.
        """
        self.workers.route(network)

    def nbctl(self, *arguments: str) -> str:
        """What `ovn-nbctl` prints."""
        return self.ovn.nbctl(*arguments)

    def sbctl(self, *arguments: str) -> str:
        """What `ovn-sbctl` prints."""
        return self.ovn.sbctl(*arguments)

    def trace(self, datapath: str, flow: str, *options: str) -> str:
        """What `ovn-trace` prints: the way of the packets of `flow` that enter at `datapath`."""
        return self.ovn.trace(datapath, flow, *options)

    def start_nb(self) -> None:
        """The northbound database answers again."""
        self.ovn.start_nb()

    def stop_nb(self) -> None:
        """The northbound database is killed; its rows stay in its file."""
        self.ovn.stop_nb()

    def wipe_nb(self) -> None:
        """The northbound database runs and has lost every row."""
        self.ovn.wipe_nb()

    def start_apiserver(self) -> None:
        """The API server is ready, at the same address as before."""
        self.controlplane.start_apiserver()

    def stop_apiserver(self) -> None:
        """The API server is killed; what it stored is in etcd."""
        self.controlplane.stop_apiserver()

    @property
    def _wanted(self) -> Layout:
        return Layout(self.kubelets, self.family, self.cni, self.kube_proxy) if self.kubelets else Layout()

    @property
    def _caches(self) -> dict[str, str]:
        """kubectl and helm keep what they learned of the API here: it goes with the sandbox.

        They would otherwise believe it, for hours, of another sandbox that got the same port.
        """
        return {"KUBECACHEDIR": str(self.directory / "kube-cache")}

    def _add(self, nodes: Iterable[Node]) -> None:
        nodes = tuple(nodes)
        self.kubectl("create", "-f", "-", stdin=node.manifests(nodes))
        # The API server itself marks every new Node as not ready, until a controller has seen its status.
        names = [each.name for each in nodes]
        self.kubectl("patch", "node", *names, "--type=merge", "--patch", '{"spec":{"taints":null}}')
        self.sbctl(*(word for each in nodes for word in each.chassis()))

    def locked(self, tell: Tell = lambda _: None, *, remove: bool = False) -> AbstractContextManager[None]:
        """Nobody else changes what the sandbox consists of."""
        return locked(places.home() / f"{self.name}.lock", tell, remove=remove)


def existing(name: str) -> Sandbox:
    """The sandbox with this name, which was brought up."""
    found = Sandbox(name)
    if not found.exists:
        others = ", ".join(places.names()) or "none"
        raise SandboxError(
            f"sandbox {name!r} is not up (up: {others}); bring it up: python -m sandbox up --name {name}"
        )
    return found
