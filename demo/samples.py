"""The manifests of docs/samples in a cluster, and waiting for what comes of them."""

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from sandbox import Sandbox
from sandbox.report import Tell

ROOT = Path(__file__).parent.parent
CRDS = ROOT / "crds"
FOLDER = ROOT / "docs" / "samples"
CHANGE = FOLDER / "next" / "change.yaml"
POLICY = FOLDER / "next" / "policy.yaml"
BROKEN = "shop-too"
"""The Subnet of 10-broken-subnet.yaml."""
ADDRESSED = r"jsonpath={.metadata.annotations.ovn\.kubernetes\.io/allocated}=true"
SERVICE = ("shop", "printer")
"""Namespace and name of the Service of 11-service.yaml."""
BACKEND = "10.10.0.5:631"
"""What its EndpointSlice says."""
PREFIX = "ovn.kubernetes.io/"
PATIENCE = "--timeout=60s"


@dataclass(frozen=True)
class Port:
    """The interface of one Pod, as its annotations tell it."""

    pod: str
    namespace: str
    addresses: tuple[str, ...]
    mac: str
    switch: str
    router: str

    @property
    def name(self) -> str:
        """Of its Logical_Switch_Port."""
        return f"{self.pod}.{self.namespace}"

    @property
    def ipv4(self) -> str:
        return next(address for address in self.addresses if ":" not in address)

    @property
    def end(self) -> str:
        """Its Pod, as `ovnloom verdict` takes it."""
        return f"{self.namespace}/{self.pod}"


@dataclass(frozen=True)
class Samples:
    """docs/samples, applied to a sandbox."""

    sandbox: Sandbox

    @cached_property
    def files(self) -> tuple[Path, ...]:
        """In the order in which they build on each other; any order ends the same."""
        return tuple(sorted(FOLDER.glob("*.yaml")))

    def apply_crds(self) -> None:
        """The API server serves our kinds."""
        self.sandbox.kubectl("apply", "--server-side", "-f", str(CRDS))
        self.sandbox.kubectl("wait", "--for=condition=Established", "--timeout=30s", "-f", str(CRDS))

    def apply(self) -> None:
        """The cluster holds all of them."""
        self.sandbox.kubectl("apply", *(word for file in self.files for word in ("-f", str(file))))

    def wait(self, tell: Tell) -> None:
        """Every Pod has its address, OVN its port, the Service its backend, and the broken Subnet its condition.

        The waiting is done by watches: kubectl's of the API server, ovn-nbctl's of the database.
        """
        wait = self.sandbox.kubectl
        for kind, namespace, name, count in self._workloads:
            tell(f"Pods of {kind} {namespace}/{name}")
            wait("wait", kind, name, "-n", namespace, f"--for=jsonpath={{.status.replicas}}={count}", PATIENCE)
        tell("addresses")
        wait("wait", "pods", "--all", "--all-namespaces", f"--for={ADDRESSED}", PATIENCE, seconds=90)
        for port in self.ports():
            tell(f"port {port.name}")
            self.sandbox.nbctl("wait-until", "Logical_Switch_Port", port.name)
        tell("Service, NetworkPolicy and SecurityGroup")
        namespace, service = SERVICE
        virtual = f'vips:"{self.address(namespace, service)}:80"="{BACKEND}"'
        self.sandbox.nbctl("wait-until", "Load_Balancer", f"{namespace}/{service}/tcp", virtual)
        self.sandbox.nbctl("wait-until", "Port_Group", "printer.shop", "acls!=[]")
        wait("wait", "security-groups.kubeovn.io", "--all", "--for=condition=Ready", PATIENCE)
        self.sandbox.nbctl("--wait=sb", "sync")
        wait("wait", "subnet", BROKEN, "--for=condition=Validated=False", PATIENCE)

    def ports(self) -> tuple[Port, ...]:
        """Of all Pods that have an address and stay, by namespace and name."""
        listed = json.loads(self.sandbox.kubectl("get", "pods", "--all-namespaces", "-o", "json"))["items"]
        found = (_port(pod) for pod in listed)
        return tuple(sorted((port for port in found if port), key=lambda port: (port.namespace, port.pod)))

    def address(self, namespace: str, service: str) -> str:
        """The ClusterIP of a Service."""
        return self.sandbox.kubectl("get", "service", service, "-n", namespace, "-o", "jsonpath={.spec.clusterIP}")

    @property
    def _workloads(self) -> list[tuple[str, str, str, int]]:
        selected = (word for file in self.files for word in ("-f", str(file)))
        listed = json.loads(self.sandbox.kubectl("get", *selected, "-o", "json"))["items"]
        return [
            (
                found["kind"].lower(),
                found["metadata"]["namespace"],
                found["metadata"]["name"],
                found["spec"]["replicas"],
            )
            for found in listed
            if found["kind"] in ("Deployment", "StatefulSet")
        ]


def _port(pod: dict[str, Any]) -> Port | None:
    """None for a Pod without an address, and for one that goes: its port may go at any moment."""
    meta = pod["metadata"]
    annotations = meta.get("annotations", {})
    if annotations.get(PREFIX + "allocated") != "true" or "deletionTimestamp" in meta:
        return None
    return Port(
        meta["name"],
        meta["namespace"],
        tuple(annotations[PREFIX + "ip_address"].split(",")),
        annotations[PREFIX + "mac_address"],
        annotations[PREFIX + "logical_switch"],
        annotations[PREFIX + "logical_router"],
    )
