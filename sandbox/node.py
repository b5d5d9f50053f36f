"""A node as Kubernetes and OVN see it: a Node object and a chassis.

No kubelet runs here, so a Pod that is bound to such a node keeps the phase Pending, and goes only with
`--grace-period=0 --force`.
"""

import ipaddress
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sandbox.errors import SandboxError

FABRIC = ipaddress.IPv4Address("172.30.0.10")
NAME = re.compile(r"worker-([1-9]\d*)")
# 172.30.0.0/16 has no more addresses from FABRIC on.
MOST = 60_000
# More than any test wants, so that the scheduler never finds a node full.
ROOM = {"cpu": "10000", "memory": "64Ti", "ephemeral-storage": "64Ti", "pods": "100000"}


@dataclass(frozen=True)
class Node:
    """The node with this number, from 1 up: `worker-NUMBER`, 172.30.0.10 + NUMBER."""

    number: int

    @property
    def name(self) -> str:
        return f"worker-{self.number}"

    @property
    def address(self) -> str:
        """Of the node itself (InternalIP), and of its end of the tunnels."""
        return str(FABRIC + self.number)

    def manifest(self) -> dict[str, Any]:
        """The Node object, ready and with room, as a kubelet would have registered it."""
        now = "2020-01-01T00:00:00Z"
        ready = {
            "type": "Ready",
            "status": "True",
            "reason": "Sandbox",
            "message": "there is no kubelet",
            "lastHeartbeatTime": now,
            "lastTransitionTime": now,
        }
        return {
            "apiVersion": "v1",
            "kind": "Node",
            "metadata": {
                "name": self.name,
                "labels": {"kubernetes.io/hostname": self.name, "kubernetes.io/os": "linux"},
            },
            "status": {
                "capacity": ROOM,
                "allocatable": ROOM,
                "addresses": [
                    {"type": "InternalIP", "address": self.address},
                    {"type": "Hostname", "address": self.name},
                ],
                "conditions": [ready],
            },
        }

    def chassis(self) -> tuple[str, ...]:
        """Words for ovn-sbctl that make this node's chassis."""
        add = ("--may-exist", "chassis-add", self.name, "geneve", self.address)
        return "--", *add, "--", "set", "chassis", self.name, f"hostname={self.name}"


def named(name: str) -> Node | None:
    """The node of this name; None for a name that isn't one of ours."""
    found = NAME.fullmatch(name)
    return Node(int(found[1])) if found else None


def first(count: int) -> tuple[Node, ...]:
    """The nodes worker-1 to worker-COUNT."""
    if not 0 <= count <= MOST:
        raise SandboxError(f"--nodes {count} can't be made; take a number from 0 to {MOST}")
    return tuple(Node(number) for number in range(1, count + 1))


def manifests(nodes: Sequence[Node]) -> str:
    """All of them as one List, for `kubectl create -f -`."""
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": [node.manifest() for node in nodes]})
