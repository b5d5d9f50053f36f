"""An IP object: the address of one interface of one Pod, Node or router, remembered across restarts."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from ovnloom.api.fields import Fields
from ovnloom.api.meta import FINALIZER, Key, Object, OwnerRef, decode_meta, key_of

SUBNET = "ovn.kubernetes.io/subnet"
NODE_NAME = "ovn.kubernetes.io/node-name"
RESERVED = "ovn.kubernetes.io/ip_reserved"
VIP = "ovnloom.io/vip"
ENDPOINT = "ovnloom.io/endpoint"
"""Annotation: the id of the endpoint of Docker that has a port with this address."""
ENDPOINT_LABELS = "ovnloom.io/endpoint-labels"
"""Annotation: the labels of that endpoint as JSON, by which policies select it."""
ENDPOINT_GROUPS = "ovnloom.io/endpoint-security-groups"
"""Annotation: the SecurityGroups of that endpoint, with commas."""
INTERCONNECTION = "u2o-interconnection."
"""How the name of the IP object begins that holds a router's address in an underlay Subnet."""
LONGEST_LABEL = 63
"""Characters in the value of a label, and in the name part of its key; a Subnet's name may have 253."""


@dataclass(frozen=True, slots=True)
class IP(Object):
    """`namespace` is that of the Pod; the object itself lives outside of namespaces."""

    subnet: str = ""
    pod_name: str = ""
    namespace: str = ""
    node_name: str = ""
    v4: str = ""
    v6: str = ""
    mac: str = ""
    pod_type: str = ""
    attach_ips: tuple[str, ...] = ()
    attach_macs: tuple[str, ...] = ()
    attach_subnets: tuple[str, ...] = ()
    malformed: tuple[str, ...] = ()

    @property
    def holder(self) -> Key:
        """The Pod, virtual machine or Node (without a namespace) whose address it is, by what the object says."""
        return Key(self.pod_name, self.namespace)

    @property
    def is_interconnection(self) -> bool:
        """The address that the router has in an underlay Subnet (u2oInterconnection)."""
        return self.pod_name == self.name and self.name.startswith(INTERCONNECTION)

    @property
    def reserved(self) -> bool:
        """The address outlives its Pod; only deleting the object frees it."""
        return self.meta.labels.get(RESERVED) == "true"

    @property
    def reserved_label(self) -> str | None:
        """`"true"`, `"false"` (a user said that it's no reservation), or None."""
        return self.meta.labels.get(RESERVED)

    @property
    def vip(self) -> str:
        """The IP object of the Vip whose address this one shares: that one holds it, this one only says so."""
        return self.meta.labels.get(VIP, "")

    @property
    def endpoint(self) -> str:
        """The endpoint of Docker that has its port; empty for all others."""
        return self.meta.annotations.get(ENDPOINT, "")

    @property
    def endpoint_labels(self) -> str:
        """That endpoint's labels, as JSON."""
        return self.meta.annotations.get(ENDPOINT_LABELS, "")

    @property
    def security_groups(self) -> tuple[str, ...]:
        """That endpoint's SecurityGroups, each once."""
        named = self.meta.annotations.get(ENDPOINT_GROUPS, "").split(",")
        return tuple(sorted({name.strip() for name in named} - {""}))

    @property
    def ip_address(self) -> str:
        """Both halves, IPv4 first, as spec.ipAddress has them."""
        return f"{self.v4},{self.v6}" if self.v4 and self.v6 else self.v4 or self.v6

    @classmethod
    def decode(cls, body: Mapping[str, Any]) -> Self:
        """The IP in a JSON body. Halves that old controllers left empty are read from spec.ipAddress."""
        malformed: list[str] = []
        spec = Fields(body.get("spec"), "spec", malformed)
        v4, v6 = spec.text("v4IpAddress"), spec.text("v6IpAddress")
        if not v4 and not v6:
            v4, v6 = _halves(spec.text("ipAddress"))
        return cls(
            key=key_of(body),
            meta=decode_meta(body),
            subnet=spec.text("subnet"),
            pod_name=spec.text("podName"),
            namespace=spec.text("namespace"),
            node_name=spec.text("nodeName"),
            v4=v4,
            v6=v6,
            mac=spec.text("macAddress"),
            pod_type=spec.text("podType"),
            attach_ips=spec.texts("attachIps"),
            attach_macs=spec.texts("attachMacs"),
            attach_subnets=spec.texts("attachSubnets"),
            malformed=tuple(malformed),
        )

    def encode(self) -> dict[str, Any]:
        """The body to create the object with; strings are there even when empty, as old tools expect them."""
        meta: dict[str, Any] = {
            "name": self.key.name,
            "labels": self.meta.labels or labels(self.subnet, self.node_name),
            "finalizers": [FINALIZER],
        }
        if self.meta.owners:
            meta["ownerReferences"] = [_reference(ref) for ref in self.meta.owners]
        return {"apiVersion": "kubeovn.io/v1", "kind": "IP", "metadata": meta, "spec": self.encode_spec()}

    def encode_spec(self) -> dict[str, Any]:
        """The spec of the object, complete."""
        return {
            "podName": self.pod_name,
            "namespace": self.namespace,
            "subnet": self.subnet,
            "attachSubnets": list(self.attach_subnets),
            "nodeName": self.node_name,
            "ipAddress": self.ip_address,
            "v4IpAddress": self.v4,
            "v6IpAddress": self.v6,
            "attachIps": list(self.attach_ips),
            "macAddress": self.mac,
            "attachMacs": list(self.attach_macs),
            "containerID": "",
            "podType": self.pod_type,
        }


def labels(subnet: str, node_name: str, reserved: str = "false") -> dict[str, str]:
    """The labels by which kube-ovn's tools look for IPs, less those that the API server would refuse as too long."""
    wanted = {RESERVED: reserved}
    if len(subnet) <= LONGEST_LABEL:
        wanted[SUBNET] = subnet
        if subnet:
            wanted[subnet] = ""
    if len(node_name) <= LONGEST_LABEL:
        wanted[NODE_NAME] = node_name
    return wanted


def _halves(both: str) -> tuple[str, str]:
    parts = [part.strip() for part in both.split(",") if part.strip()]
    v4 = next((part for part in parts if ":" not in part), "")
    v6 = next((part for part in parts if ":" in part), "")
    return v4, v6


def _reference(ref: OwnerRef) -> dict[str, Any]:
    version = f"{ref.group}/v1" if ref.group else "v1"
    reference: dict[str, Any] = {"apiVersion": version, "kind": ref.kind, "name": ref.name, "uid": ref.uid}
    if ref.controller:
        reference["controller"] = True
        reference["blockOwnerDeletion"] = True
    return reference
