"""`ovnloom subnets`: each Subnet with its network, how full it is, and whether it works."""

from __future__ import annotations

from typing import Any

from ovnloom.api.subnet import Subnet
from ovnloom.cli import cluster
from ovnloom.settings import Settings

COLUMNS = ("SUBNET", "VPC", "CIDR", "USED", "AVAILABLE", "GATEWAY", "GATEWAY TYPE", "CONDITIONS")
STYLES = {"Ready": "green"}
GOOD = {"Ready": "True", "Validated": "True", "Error": "False"}
"""What conditions say when all is well; others are shown as they are when they are True."""


def make(settings: Settings) -> list[Subnet]:
    """All Subnets of the cluster, by name. Raises Wrong."""
    found = cluster.read(settings, ()).objects
    return sorted((one for one in found if isinstance(one, Subnet)), key=lambda subnet: subnet.name)


def conditions(subnet: Subnet) -> list[str]:
    """What is wrong, each with its reason; `Ready` alone when all is well."""
    wrong = [
        f"{one.type}={one.status} ({one.reason})" if one.reason else f"{one.type}={one.status}"
        for one in subnet.conditions
        if GOOD.get(one.type, one.status) != one.status
    ]
    if wrong:
        return wrong
    is_ready = any(one.type == "Ready" and one.status == "True" for one in subnet.conditions)
    return ["Ready" if is_ready else "not looked at yet: is the controller running?"]


def _counts(subnet: Subnet, what: str) -> dict[str, int]:
    """By family; only those that the Subnet has."""
    families = [family for family in ("v4", "v6") if (":" in subnet.cidr_block) == (family == "v6")]
    if "," in subnet.cidr_block:
        families = ["v4", "v6"]
    return {family: _number(subnet.status.get(f"{family}{what}IPs")) for family in families}


def _number(found: Any) -> int:
    return int(found) if isinstance(found, int | float) or (isinstance(found, str) and found.isdigit()) else 0


def _kind(subnet: Subnet) -> str:
    if subnet.vlan and not subnet.logical_gateway:
        return f"physical (vlan {subnet.vlan})"
    where = subnet.active_gateway or subnet.gateway_node
    return f"{subnet.gateway_type or 'distributed'}{f' ({where})' if where else ''}"


def rows(subnets: list[Subnet], default_vpc: str) -> list[list[str]]:
    """The rows of the table."""
    return [
        [
            subnet.name,
            subnet.vpc or default_vpc,
            subnet.cidr_block,
            ",".join(map(str, _counts(subnet, "using").values())),
            ",".join(map(str, _counts(subnet, "available").values())),
            subnet.gateway or "-",
            _kind(subnet),
            ", ".join(conditions(subnet)),
        ]
        for subnet in subnets
    ]


def sentences(subnets: list[Subnet]) -> list[str]:
    """What the conditions that aren't well say in full."""
    return [
        f"{subnet.name}: {one.reason}: {one.message}"
        for subnet in subnets
        for one in subnet.conditions
        if GOOD.get(one.type, one.status) != one.status and one.message
    ]


def answer(subnets: list[Subnet], default_vpc: str) -> dict[str, Any]:
    """The same for programs; docs/kubectl-loom.md describes each field."""
    return {
        "schema": "ovnloom.io/subnets/v1",
        "subnets": [
            {
                "name": subnet.name,
                "vpc": subnet.vpc or default_vpc,
                "cidrBlock": subnet.cidr_block,
                "used": _counts(subnet, "using"),
                "available": _counts(subnet, "available"),
                "gateway": subnet.gateway,
                "gatewayType": subnet.gateway_type or "distributed",
                "gatewayNode": subnet.active_gateway or subnet.gateway_node,
                "vlan": subnet.vlan,
                "default": subnet.default,
                "conditions": [one.encode() for one in subnet.conditions],
            }
            for subnet in subnets
        ],
    }
