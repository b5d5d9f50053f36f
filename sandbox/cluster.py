"""A sandbox: a Kubernetes control plane and OVN side by side, found by a name."""

import shutil
from collections.abc import Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from sandbox import build, client, debian, node, places, release
from sandbox.controlplane import ControlPlane
from sandbox.errors import SandboxError
from sandbox.lock import locked
from sandbox.node import Node
from sandbox.ovn import Ovn
from sandbox.report import Quiet, Report, Tell
from sandbox.server import Server, recorded


@dataclass(frozen=True)
class Sandbox:
    """The sandbox with this name, up or not: everything about it is in its directory and in the running servers."""

    name: str = "default"

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
        return self.exists and all(server.alive for server in self.servers)

    @cached_property
    def ovn(self) -> Ovn:
        return Ovn(self.directory, release=release.recorded(self.directory))

    @cached_property
    def controlplane(self) -> ControlPlane:
        return ControlPlane(self.directory, build.KUBERNETES.bin)

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

    def up(self, nodes: int = 0, report: Report | None = None) -> bool:
        """Every server runs and answers, and there are at least this many nodes; False when that was so before.

        A sandbox of which some servers died gets them back, with what they had stored.
        """
        report = report or Quiet()
        wanted = node.first(nodes)
        build.build(build.KUBERNETES, report)
        debian.fetch(self.ovn.release, report)
        with self._locked(report.say):
            if not (complete := self.alive):
                places.private(places.home())
                places.private(self.directory)
                with report.step("OVN: northbound, southbound, northd"):
                    self.ovn.up()
                self.controlplane.up(report)
            if missing := set(wanted).difference(self.nodes if wanted else ()):
                with report.step(f"{len(missing)} nodes"):
                    self._add(sorted(missing, key=lambda each: each.number))
            return not complete or bool(missing)

    def down(self) -> bool:
        """No server, no file and no socket of it is left; False when there was none before."""
        if not self.exists:
            return False
        with self._locked(remove=True):
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

    def _locked(self, tell: Tell = lambda _: None, *, remove: bool = False) -> AbstractContextManager[None]:
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
