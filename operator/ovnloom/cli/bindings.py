"""The ports of the southbound database: where each is, whose it is, and whether it is up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from ovnloom.cli.ovn_tools import Tools, one, several
from ovnloom.ovn import names

State = Literal["up", "down", "unbound"]
PATCH = frozenset({"patch", "l3gateway", "router"})
"""Types of the halves of a link between a switch and a router."""


@dataclass(frozen=True, slots=True)
class Binding:
    """One port, with the names of its datapath and node."""

    name: str
    datapath: str
    """UUID of the switch or router."""
    type: str
    key: int
    """Number of the port within its datapath."""
    mac: str
    addresses: tuple[str, ...]
    peer: str
    node: str
    state: State
    owner: str
    """`Pod/shop/web`; empty for rows of others."""
    pod: str

    @property
    def label(self) -> str:
        """The port in words of Kubernetes."""
        kind, _, key = self.owner.partition("/")
        if self.pod:
            pod, _, namespace = self.pod.partition("/")[::-1]
            provider = names.provider_of(self.name, pod, namespace)
            return f"Pod {self.pod}" + ("" if provider == names.DEFAULT_PROVIDER else f":{provider}")
        if kind == "Node":
            return f"Node {key}"
        return f"{self.name}, of {said(self.owner)}" if key else self.name


@dataclass(frozen=True, slots=True)
class Bindings:
    """All ports by name, and the switches and routers that they are in."""

    ports: Mapping[str, Binding] = field(default_factory=dict)
    datapaths: Mapping[str, str] = field(default_factory=dict)
    """By UUID what it is called."""
    routers: frozenset[str] = frozenset()
    """UUIDs of the datapaths that are routers."""

    def of_pod(self, pod: str) -> list[Binding]:
        """The ports of `namespace/name`, that of the main interface first."""
        return sorted((port for port in self.ports.values() if port.pod == pod), key=lambda port: len(port.name))

    def datapath_label(self, name: str) -> str:
        """A switch or router in words of Kubernetes."""
        found = next((uuid for uuid, known in self.datapaths.items() if known == name), "")
        return f"{'Vpc' if found in self.routers else 'Subnet'} {name}" if found else name


def read(tools: Tools) -> Bindings:
    """What the southbound database says now. Raises Wrong."""
    datapaths = tools.sb_rows("Datapath_Binding", ("_uuid", "external_ids"))
    nodes = {row["_uuid"]: row["hostname"] for row in tools.sb_rows("Chassis", ("_uuid", "hostname"))}
    columns = ("logical_port", "datapath", "type", "tunnel_key", "mac", "options", "chassis", "up", "external_ids")
    ports = {}
    for row in tools.sb_rows("Port_Binding", columns):
        words = " ".join(several(row["mac"])).split()
        ids, chassis = row["external_ids"], one(row["chassis"])
        ports[row["logical_port"]] = Binding(
            name=row["logical_port"],
            datapath=row["datapath"],
            type=row["type"],
            key=row["tunnel_key"],
            mac=words[0] if words and words[0].count(":") == 5 else "",
            addresses=tuple(word for word in words[1:] if word != "dynamic"),
            peer=row["options"].get("peer", ""),
            node=nodes.get(chassis, ""),
            state="unbound" if chassis is None else "up" if one(row["up"]) else "down",
            owner=ids.get(names.OWNER, ""),
            pod=ids.get(names.KEY_POD, ""),
        )
    return Bindings(
        ports,
        {row["_uuid"]: row["external_ids"].get("name", "") for row in datapaths},
        frozenset(row["_uuid"] for row in datapaths if "logical-router" in row["external_ids"]),
    )


def said(owner: str) -> str:
    """`NetworkPolicy/shop/deny` as people say it."""
    return owner.replace("/", " ", 1)
