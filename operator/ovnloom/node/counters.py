"""What Subnets send and receive through this node as their gateway, as the kernel counts it."""

from __future__ import annotations

from dataclasses import dataclass, field

from ovnloom import log, metrics
from ovnloom.errors import Refused, Unavailable
from ovnloom.host import nft_kernel
from ovnloom.ipam import Family
from ovnloom.node.networks import Known

logger = log.get("masquerade")

NAME = "ovnloom"
"""Of the table with the counters."""
WAYS = {"out": "egress", "in": "ingress"}
"""How counters are called, and how the metric calls the direction."""


def counter_of(way: str, subnet: str, family: Family) -> str:
    """The name of the counter of what leaves a Subnet (`out`) or comes to it (`in`) through this host."""
    return f"{way}{family}-{subnet}"


@dataclass(slots=True)
class _Counted:
    """By the name of a counter, the values of its metric's labels."""

    labels: dict[str, tuple[str, ...]] = field(default_factory=dict)


_counted = _Counted()


def count(node: str, subnets: Known) -> None:
    """The metrics are about these Subnets from now on."""
    _counted.labels = {
        counter_of(way, each.name, network.family): (
            node,
            each.name,
            str(network),
            direction,
            f"IPv{network.family}",
        )
        for each in subnets.values()
        for network in each.networks
        for way, direction in WAYS.items()
    }


async def show_traffic() -> None:
    """The metrics say what the kernel has counted up to now; without an answer of nft they stay as they are."""
    if not _counted.labels:
        return
    try:
        found = await nft_kernel.counters(NAME)
    except (Refused, Unavailable) as problem:
        logger.warning("counters can't be read", reason=str(problem))
        return
    metrics.gateway_packets.clear()
    metrics.gateway_bytes.clear()
    for name, labels in _counted.labels.items():
        if name in found:
            metrics.gateway_packets.labels(*labels).set(found[name].packets)
            metrics.gateway_bytes.labels(*labels).set(found[name].octets)
