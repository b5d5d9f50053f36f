"""Metrics of what passes a node as a gateway."""

from __future__ import annotations

from prometheus_client import REGISTRY

from ovnloom.host import nft_kernel
from ovnloom.node.counters import count, show_traffic
from ovnloom.node.nat_table import table
from ovnloom.node.networks import routed
from ovnloom.settings import NodeSettings
from tests.netns import address, forward, listener, namespace, route, seen_from, wire
from tests.node.views import seen, subnet


def packets(name: str, direction: str) -> float | None:
    """The value of the metric for a Subnet's IPv4."""
    labels = {
        "hostname": "worker-1",
        "subnet_name": name,
        "cidr": "10.16.0.0/16",
        "direction": direction,
        "protocol": "IPv4",
    }
    return REGISTRY.get_sample_value("ovn_subnet_gateway_packets", labels)


async def test_a_scrape_shows_what_the_kernel_has_counted(alone: str) -> None:
    """Labels say Subnet, CIDR, direction and protocol each for itself; a Subnet that goes takes its series along."""
    with namespace() as pods, namespace() as world:
        wire(alone, "ovn0", pods)
        wire(alone, "eth0", world)
        address(alone, "ovn0", "100.64.0.2/16")
        address(alone, "eth0", "192.0.2.10/24")
        address(pods, "eth0", "100.64.0.1/16", "10.16.0.5/32")
        address(world, "eth0", "192.0.2.99/24")
        forward(alone)
        route(alone, "10.16.0.0/16", "100.64.0.1")
        route(pods, "default", "100.64.0.2")
        view = seen(subnet("blue", "10.16.0.0/16", natOutgoing=True))
        known = routed(view, NodeSettings(), {})
        await nft_kernel.apply(table(view, known))
        count("worker-1", known)
        with listener(world, "192.0.2.99") as server:
            assert seen_from(server, pods, "192.0.2.99", "10.16.0.5") == "192.0.2.10"

        await show_traffic()

        assert (packets("blue", "egress") or 0) >= 3
        assert (packets("blue", "ingress") or 0) >= 2

        count("worker-1", routed(seen(subnet("red", "10.17.0.0/16")), NodeSettings(), {}))
        await show_traffic()
        assert packets("blue", "egress") is None
