"""ovnloom in a sandbox with nodes: installed by Helm, from images that were made of the Dockerfile."""

import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from demo.tour.place import ECHO, ROOT, Place, at
from sandbox import Sandbox, build, images
from sandbox.host import Host
from sandbox.images import Image
from sandbox.report import Report
from sandbox.wait import until_ready

CHART = ROOT / "charts" / "ovnloom"
RELEASE = "ovnloom"
NAMESPACE = "kube-system"
JOIN = {"ipv4": "100.64.0.0/16", "ipv6": "fd00:100:64::/112"}
OUTSIDE = 100
"""The number of the host outside, far from those of nodes."""


@dataclass(frozen=True)
class Installed:
    """ovnloom, as users install it, in the sandbox."""

    sandbox: Sandbox
    report: Report

    def up(self, nodes: int) -> None:
        """The cluster is up and has ovnloom: all nodes are Ready, and names are answered."""
        if not self.sandbox.up(nodes, self.report):
            self.report.say("the sandbox is up already")
        ours = images.ovnloom(self.report)
        with self.report.step("images into the nodes, as from a registry"):
            self.sandbox.load(ours)
        with self.report.step("helm upgrade --install ovnloom"):
            self.helm(ours)
        with self.report.step("waiting until the nodes are Ready, then for DNS") as tell:
            self.ready(tell=tell)
        for network in self.pods:
            self.sandbox.route(network)

    def helm(self, ours: tuple[Image, ...], *arguments: str) -> None:
        """The chart of this checkout is installed, or what is installed is upgraded to it."""
        values = json.dumps(self.values(ours))
        release = ("upgrade", "--install", RELEASE, str(CHART), "--namespace", NAMESPACE)
        self.sandbox.helm(*release, "--values", "-", *arguments, stdin=values, seconds=180)

    def ready(self, tell: Any = lambda _: None) -> None:
        """Controller and agents run, every node is Ready, DNS answers."""
        wait = "--timeout=120s"
        for workload in ("deployment/ovnloom-controller", "daemonset/kube-ovn-cni"):
            tell(workload)
            self.sandbox.kubectl("rollout", "status", "-n", NAMESPACE, workload, wait, seconds=150)
        tell("nodes")
        self.sandbox.kubectl("wait", "nodes", "--all", "--for=condition=Ready", wait, seconds=150)
        tell("CoreDNS")
        self.sandbox.kubectl("rollout", "status", "-n", NAMESPACE, "deployment/coredns", wait, seconds=150)

    def values(self, ours: tuple[Image, ...]) -> dict[str, Any]:
        """What this cluster needs said: where the API server and OVN's databases are, and which image it is."""
        api = urlsplit(self.sandbox.controlplane.url)
        address = self.sandbox.fabric.addresses[0]
        repository, _, tag = next(image.name for image in ours if "ovnloom/ovnloom" in image.name).rpartition(":")
        settings = {"defaultCidr": ",".join(self.pods), "joinCidr": ",".join(self._of(JOIN))}
        settings["serviceCidr"] = ",".join(self.sandbox.layout.services)
        return {
            "apiServer": {"host": api.hostname, "port": api.port},
            "controller": {
                "image": {"repository": repository, "tag": tag},
                "replicas": 2,
                "settings": {"ovnNb": self.sandbox.ovn.nb_tcp(address), **settings},
            },
            "agent": {"settings": {"ovnSb": self.sandbox.ovn.sb_tcp(address)}},
            "ovnCentral": {"enabled": False},
            "ovs": {"mode": "host"},
        }

    def place(self) -> Place:
        """The cluster, and a host outside: on the fabric, no node, with a server that says who asks."""
        outside = Host(self.sandbox.fabric, OUTSIDE, "outside")
        outside.up()
        build.build(build.AGNHOST, self.report)
        echo = outside.server("echo", build.AGNHOST.bin / "agnhost", "netexec", f"--http-port={ECHO}")
        if not echo.alive:
            echo.start()
        place = Place(self.sandbox, outside)
        until_ready(echo, lambda: place.asks_from_outside(at(outside.address, ECHO)) is not None)
        return place

    @property
    def pods(self) -> tuple[str, ...]:
        """The networks of Pods. Each sandbox has others: the API server, on this machine, needs a way there."""
        number = self.sandbox.fabric.number
        return self._of({"ipv4": f"10.{128 + number % 128}.0.0/16", "ipv6": f"fd00:10:16:{number:x}::/112"})

    def _of(self, networks: dict[str, str]) -> tuple[str, ...]:
        """Of the cluster's families."""
        family = self.sandbox.layout.family
        return tuple(network for each, network in networks.items() if family in ("dual", each))
