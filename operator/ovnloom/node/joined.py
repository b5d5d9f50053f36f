"""What the controller has given this node on the join Subnet."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ovnloom.api.node import Node
from ovnloom.errors import Unavailable
from ovnloom.ipam import (
    Family,
    Malformed,
    Networks,
    Pair,
    address_text,
    parse_cidr_block,
    parse_mac,
    parse_pair,
)
from ovnloom.node.networks import PREFIX
from ovnloom.node.tunnel import LEAST_IPV6
from ovnloom.ovn import names

LINK = "ovn0"


@dataclass(frozen=True, slots=True)
class Joined:
    """This host's port in the default Vpc."""

    port: str
    mac: str
    addresses: Pair
    gateways: Pair
    networks: Networks

    def address(self, family: Family) -> str | None:
        """This host's address on the join Subnet."""
        number = self.addresses.of(family)
        return None if number is None else address_text(family, number)

    def gateway(self, family: Family) -> str | None:
        """The router's."""
        number = self.gateways.of(family)
        return None if number is None else address_text(family, number)

    def within(self, mtu: int) -> Joined:
        """What of it works with an MTU: IPv6 doesn't with less than 1280, and the kernel refuses it."""
        if mtu >= LEAST_IPV6:
            return self
        return replace(
            self,
            addresses=self.addresses._replace(v6=None),
            gateways=self.gateways._replace(v6=None),
            networks=Networks(self.networks.v4),
        )

    @property
    def with_lengths(self) -> tuple[str, ...]:
        """The addresses as an interface has them: 100.64.0.2/16."""
        return tuple(
            f"{address_text(network.family, number)}/{network.prefix}"
            for network in self.networks
            if (number := self.addresses.of(network.family)) is not None
        )


def joined(node: Node | None) -> Joined:
    """From the annotations of the Node. Raises Unavailable, with what is missing, until all are there."""
    if node is None:
        raise Unavailable("this node isn't known to the API server; the kubelet registers it")
    said = {word: node.annotations.get(PREFIX + word, "") for word in ("ip_address", "mac_address", "cidr", "gateway")}
    lacking = [PREFIX + word for word, text in said.items() if not text]
    if lacking:
        raise Unavailable(f"Node {node.name} has no annotation {lacking[0]} yet; the controller writes it")
    try:
        return Joined(
            port=node.annotations.get(PREFIX + "port_name") or names.node_port(node.name),
            mac=parse_mac(said["mac_address"]),
            addresses=parse_pair(said["ip_address"]),
            gateways=parse_pair(said["gateway"]),
            networks=parse_cidr_block(said["cidr"]),
        )
    except Malformed as malformed:
        raise Unavailable(f"an annotation of Node {node.name} {malformed}; the controller writes them anew") from None
