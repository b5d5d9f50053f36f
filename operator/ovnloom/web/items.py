"""What the page shows of each object: a small value that becomes JSON as it is, and is sent when it differs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ovnloom.api.ip import IP
from ovnloom.api.meta import Key
from ovnloom.api.node import Node
from ovnloom.api.pod import Pod
from ovnloom.api.subnet import Subnet
from ovnloom.api.vpc import Vpc
from ovnloom.intent import Owner, Ref
from ovnloom.ovn import names
from ovnloom.pipeline import Pipeline
from ovnloom.world.indexes import IPS_OF_SUBNET
from ovnloom.world.tables import TABLES

Item = Mapping[str, Any]
"""`id` is the owner as rows name it; whatever is empty is left out."""

PORT = "Logical_Switch_Port"
POLICIES = (
    "NetworkPolicy",
    "AdminNetworkPolicy",
    "BaselineAdminNetworkPolicy",
    "ClusterNetworkPolicy",
    "SecurityGroup",
)
FEW = (*POLICIES, "Vpc", "Subnet", "Node")
"""Kinds of which a cluster has so few that all of them are looked at after each change."""
TYPES = {table.kind: table.type for table in TABLES}


def item(pipeline: Pipeline, owner: Owner, *, has_rows: bool) -> Item | None:
    """What the page shows of an object; None when it isn't there, or will never run again.

    `has_rows` says whether the pipeline's mirror is that of a database, so that ports can be up or down.
    """
    found = pipeline.world.tables[TYPES[owner.kind]].get(owner.key)
    match found:
        case None:
            return None
        case Pod():
            shown = None if found.finished else _pod(pipeline, found, has_rows=has_rows)
        case Subnet():
            shown = _subnet(pipeline, found)
        case Vpc():
            shown = _vpc(pipeline, found)
        case Node():
            shown = _node(pipeline, found)
        case _:
            shown = {"pods": len(members(pipeline, owner))}
    if shown is None:
        return None
    return {"id": str(owner), **{name: value for name, value in shown.items() if value not in ("", (), 0, False, None)}}


def ports(pipeline: Pipeline, pod: Key) -> list[str]:
    """The ports that a Pod should have, that of its main interface first."""
    rows = pipeline.wanted.rows(Owner("Pod", pod))
    return sorted((row.name for row in rows if row.table == PORT), key=lambda name: (name.count("."), name))


def policies(pipeline: Pipeline, pod: Key) -> set[Owner]:
    """The policies and SecurityGroups that select a Pod."""
    wanted = pipeline.wanted
    found = set()
    for kind in ("Pod", "Membership"):
        for target, _, _ in wanted.members(Owner(kind, pod)):
            owner = wanted.owner_of(target) if target.table == "Port_Group" else None
            if owner is not None and owner.kind in POLICIES:
                found.add(owner)
    return found


def members(pipeline: Pipeline, policy: Owner) -> set[Key]:
    """The Pods that a policy selects."""
    wanted = pipeline.wanted
    return {owner.key for owner in _members(pipeline, policy) if owner.kind == "Pod"} if wanted.rows(policy) else set()


def _members(pipeline: Pipeline, policy: Owner) -> Iterator[Owner]:
    for row in pipeline.wanted.rows(policy):
        if row.table == "Port_Group":
            for port in pipeline.wanted.elements(row.ref, "ports"):
                owner = pipeline.wanted.owner_of(port) if isinstance(port, Ref) else None
                if owner is not None:
                    yield owner


def state(pipeline: Pipeline, port: str) -> str:
    """What the database says of a port: up, down, or waiting for the controller to write it."""
    uuid = pipeline.mirror.find(Ref(PORT, port))
    if uuid is None:
        return "waiting"
    return "up" if pipeline.mirror.value(PORT, uuid, "up") else "down"


def _pod(pipeline: Pipeline, pod: Pod, *, has_rows: bool) -> dict[str, Any]:
    if pod.host_network:
        return {"node": pod.node, "state": "host"}
    names_ = ports(pipeline, pod.key)
    ip = pipeline.world.tables[IP].get(Key(names_[0])) if names_ else None
    return {
        "node": pod.node,
        "state": "waiting" if ip is None else state(pipeline, names_[0]) if has_rows else "unknown",
        "subnet": ip.subnet if ip else "",
        "ip": ip.ip_address if ip else "",
        "policies": len(policies(pipeline, pod.key)),
    }


def _subnet(pipeline: Pipeline, subnet: Subnet) -> dict[str, Any]:
    settings = pipeline.settings
    return {
        "vpc": subnet.vpc or settings.cluster_router,
        "cidr": subnet.cidr_block,
        "gateway": subnet.gateway,
        "leaves": _leaves(subnet),
        "used": len(pipeline.world.members(IPS_OF_SUBNET, subnet.name)),
        "join": subnet.name == settings.join_subnet,
    }


def _leaves(subnet: Subnet) -> str:
    """How packets leave it, in words."""
    if not subnet.has_router:
        return f"physical network, Vlan {subnet.vlan}"
    where = subnet.active_gateway or subnet.gateway_node
    kind = subnet.gateway_type or "distributed"
    return f"{kind} gateway{f' ({where})' if where else ''}{', NAT' if subnet.nat_outgoing else ''}"


def _vpc(pipeline: Pipeline, vpc: Vpc) -> dict[str, Any]:
    return {
        "default": vpc.name == pipeline.settings.cluster_router,
        "peers": tuple(peering.remote_vpc for peering in vpc.peerings),
        "routes": len(vpc.static_routes) + len(vpc.policy_routes),
    }


def _node(pipeline: Pipeline, node: Node) -> dict[str, Any]:
    ip = pipeline.world.tables[IP].get(Key(names.node_port(node.name)))
    return {"ready": node.ready, "ips": node.internal_ips, "join": ip.ip_address if ip else ""}
