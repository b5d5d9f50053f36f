"""The rights of the controller: those that it should have, and those that it used, as the API server recorded them."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.chart.conftest import NAMESPACE

Rights = dict[tuple[str, ...], set[str]]
"""Verbs by API group, resource (with its part: `vpcs/status`) and, where rights are for one object, its name."""

ACCOUNT = f"system:serviceaccount:{NAMESPACE}:ovnloom-controller"
LEASE = "kube-ovn-controller"
NAMED = ("leases", "configmaps")
"""Of these one object alone."""
READ = ("get", "list", "watch")
CLUSTER_POLICIES = ("adminnetworkpolicies", "baselineadminnetworkpolicies", "clusternetworkpolicies")
READ_ONLY: Rights = {
    ("apps", "statefulsets"): set(READ),
    ("kubeovn.io", "vpc-dnses"): set(READ),
    ("", "configmaps", "ovn-external-gw-config"): set(READ),
    ("networking.k8s.io", "networkpolicies"): set(READ),
    **{("policy.networking.k8s.io", kind): set(READ) for kind in CLUSTER_POLICIES},
    ("k8s.cni.cncf.io", "network-attachment-definitions"): set(READ),
    ("kubevirt.io", "virtualmachines"): set(READ),
}
WATCHED: Rights = {
    **{("kubeovn.io", kind): {*READ, "create", "patch"} for kind in ("vpcs", "subnets")},
    **{("kubeovn.io", kind): {*READ, "patch"} for kind in ("ippools", "vlans")},
    **{("kubeovn.io", kind): set(READ) for kind in ("security-groups", "provider-networks")},
    ("kubeovn.io", "ips"): {*READ, "create", "patch", "delete"},
    **{("kubeovn.io", kind): {*READ, "create", "patch", "delete"} for kind in ("vips", "switch-lb-rules")},
    ("", "services"): {*READ, "create", "patch", "delete"},
    ("discovery.k8s.io", "endpointslices"): {*READ, "create", "patch", "delete"},
    **{("", kind): {*READ, "patch"} for kind in ("pods", "namespaces", "nodes")},
    **READ_ONLY,
}
EXPECTED: Rights = {
    **WATCHED,
    **{("kubeovn.io", f"{kind}/status"): {"patch"} for kind in ("vpcs", "subnets", "ippools", "security-groups")},
    **{
        ("kubeovn.io", f"{kind}/status"): {"patch"}
        for kind in ("switch-lb-rules", "vpc-dnses", "provider-networks", "vlans")
    },
    **{("policy.networking.k8s.io", f"{kind}/status"): {"patch"} for kind in CLUSTER_POLICIES},
    ("", "events"): {"create", "patch"},
    ("apiextensions.k8s.io", "customresourcedefinitions"): {"list", "watch"},
    ("coordination.k8s.io", "leases"): {"create"},
    ("coordination.k8s.io", "leases", LEASE): {"get", "patch"},
}
"""All that the controller may do in its own namespace."""
APPLIED = (
    ("", "services"),
    ("discovery.k8s.io", "endpointslices"),
    ("kubeovn.io", "vips"),
    ("kubeovn.io", "switch-lb-rules"),
)
"""Server-side apply needs `create` where there is no object yet, and the log has it as `patch` all the same."""
RARE: Rights = {key: {"get", "create"} if key in APPLIED else {"get"} for key in WATCHED}
"""Used only for an object of which a watch has missed something."""


def difference(one: Rights, other: Rights) -> Rights:
    return {key: left for key, verbs in one.items() if (left := verbs - other.get(key, set()))}


@dataclass(frozen=True)
class Audit:
    """What one user asked of the API server, in the log that the server writes of it."""

    log: Path
    policy: Path
    user: str

    @property
    def flags(self) -> tuple[str, ...]:
        """Of the API server, so that it writes the log."""
        return f"--audit-log-path={self.log}", f"--audit-policy-file={self.policy}"

    def prepare(self) -> None:
        """The policy is there: an entry when a request was answered, or when a watch began."""
        rules = [{"level": "Metadata", "users": [self.user]}, {"level": "None"}]
        policy = {"apiVersion": "audit.k8s.io/v1", "kind": "Policy", "omitStages": ["RequestReceived"], "rules": rules}
        self.policy.write_text(json.dumps(policy))

    def entries(self) -> Iterator[dict[str, Any]]:
        for line in self.log.read_text().splitlines():
            yield json.loads(line)

    def denied(self) -> list[str]:
        """The requests for which there was no right, as sentences."""
        return [
            f"{entry['verb']} {entry['requestURI']}: {entry['annotations'].get('authorization.k8s.io/reason')}"
            for entry in self.entries()
            if entry.get("annotations", {}).get("authorization.k8s.io/decision") != "allow"
        ]

    def used(self) -> Rights:
        """The rights of which use was made."""
        found: Rights = {}
        for entry in self.entries():
            about = entry.get("objectRef") or {}
            if "resource" in about:  # without one it is a path like /apis, which everybody may read
                found.setdefault(_right(entry["verb"], about), set()).add(entry["verb"])
        return found


def _right(verb: str, about: dict[str, Any]) -> tuple[str, ...]:
    part = f"/{about['subresource']}" if "subresource" in about else ""
    right = (about.get("apiGroup", ""), about["resource"] + part)
    return (*right, about["name"]) if about["resource"] in NAMED and verb != "create" else right
