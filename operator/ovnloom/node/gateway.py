"""Whether the gateway of an underlay Pod answers: advice for its user, never a reason against its start."""

from __future__ import annotations

from ipaddress import IPv4Address, ip_address

from ovnloom.errors import Refused
from ovnloom.host.ethernet import who_has
from ovnloom.host.netns import Netns, in_thread, inside, opened
from ovnloom.host.wire import Wire
from ovnloom.node.events import GATEWAY_SILENT, PodEvents
from ovnloom.node.nic import Nic

SECONDS = 2.0


async def ask_gateways(nic: Nic, netns: str, events: PodEvents) -> None:
    """The Pod has an Event for each IPv4 gateway that doesn't answer ARP."""
    try:
        with opened(netns) as found:
            silent = await in_thread(_silent, nic.wire, nic.gateways, found)
    except (Refused, OSError):
        return  # the Pod is gone by now
    for gateway in silent:
        wrong = f"gateway {gateway} of Subnet {nic.subnet} doesn't answer ARP on {nic.wire.name}; see spec.gateway"
        events.tell(nic.pod, nic.pod.key, GATEWAY_SILENT, wrong)


def _silent(wire: Wire, gateways: tuple[str, ...], netns: Netns) -> list[str]:
    own = next((address.ip for address in wire.addresses if isinstance(address.ip, IPv4Address)), None)
    if own is None:
        return []
    with inside(netns):
        found = [address for address in map(ip_address, gateways) if isinstance(address, IPv4Address)]
        return [str(each) for each in found if not who_has(wire.name, wire.mac, each, own, SECONDS)]
