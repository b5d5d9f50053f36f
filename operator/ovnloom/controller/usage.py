"""How many addresses of a Subnet or IPPool are in use, in the words of its status."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ovnloom import metrics
from ovnloom.ipam import FAMILIES, SubnetPool


def of_subnet(held: SubnetPool) -> Mapping[str, Any]:
    """Counts and ranges of both families; a family that the Subnet lacks is 0 and empty. Numbers are exact."""
    status: dict[str, Any] = {}
    for family in FAMILIES:
        is_there = held.layout.networks.of(family) is not None
        status[f"v{family}usingIPs"] = held.using_count(family) if is_there else 0
        status[f"v{family}availableIPs"] = held.available_count(family) if is_there else 0
        status[f"v{family}usingIPrange"] = held.using(family).text(family) if is_there else ""
        status[f"v{family}availableIPrange"] = held.available(family).text(family) if is_there else ""
    return status


def of_pool(held: SubnetPool, pool: str) -> Mapping[str, Any]:
    """The same for one IPPool, in its own spelling."""
    status: dict[str, Any] = {}
    for family in FAMILIES:
        status[f"v{family}UsingIPs"] = held.using_count(family, pool)
        status[f"v{family}AvailableIPs"] = held.available_count(family, pool)
        status[f"v{family}UsingIPRange"] = held.using(family, pool).text(family)
        status[f"v{family}AvailableIPRange"] = held.available(family, pool).text(family)
    return status


def measure(name: str, held: SubnetPool, waiting: int) -> None:
    """The metrics of a Subnet say what its status says."""
    cidr, protocol = str(held.layout.networks), held.layout.networks.protocol
    using = max(held.using_count(family) for family in FAMILIES)
    available = min(held.available_count(network.family) for network in held.layout.networks)
    metrics.subnet_used_ips.labels(name, protocol, cidr).set(using)
    metrics.subnet_available_ips.labels(name, protocol, cidr).set(available)
    metrics.waiting_pods.labels(name).set(waiting)
