"""What OVN answers to DHCP and router solicitations in a Subnet."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ovnloom.api.subnet import Subnet
from ovnloom.compile.rows import child
from ovnloom.intent import Row, Value
from ovnloom.ipam import address_text
from ovnloom.ovn import names
from ovnloom.world.graph import Reader
from ovnloom.world.subnet import Segment

RA_DEFAULTS = {"address_mode": "dhcpv6_stateful", "max_interval": "30", "min_interval": "5", "send_periodic": "true"}
SERVER = "169.254.0.254"
ETHERNET = 1500
TUNNEL = {"geneve": 100, "vlan": 100, "vxlan": 50, "stt": 72}
"""Bytes that a tunnel's headers take from an Ethernet frame, as nodes reckon them too."""


def dhcp_rows(read: Reader, subnet: Subnet, net: Segment) -> Iterator[Row]:
    """One DHCP_Options row for each family while enableDHCP is set; what the user's options lack is filled in."""
    if not subnet.enable_dhcp or not net.is_ovn:
        return
    mac = names.router_port_mac(f"dhcp.{net.name}")
    for network in net.networks:
        if network.family == 4:
            gateway = net.gateway.v4
            options = {
                "lease_time": "3600",
                "router": address_text(4, gateway) if gateway is not None else "",
                "server_id": SERVER,
                "server_mac": mac,
                "mtu": str(subnet.mtu or ETHERNET - TUNNEL[read.settings.network_type]),
                **pairs(subnet.dhcp_v4_options),
            }
        else:
            options = {"server_id": mac, **pairs(subnet.dhcp_v6_options)}
        ids = {names.KEY_SWITCH: net.name, names.KEY_PROTOCOL: f"IPv{network.family}"}
        columns: dict[str, Value] = {"cidr": str(network), "options": options, "external_ids": ids}
        yield child("DHCP_Options", None, columns)


def ra_configs(subnet: Subnet) -> Mapping[str, str]:
    """The router advertisements of a Subnet: its user's options, or kube-ovn's defaults when there are none."""
    return pairs(subnet.ipv6_ra_configs) or RA_DEFAULTS


def pairs(text: str) -> dict[str, str]:
    """`key=value,key=value`; a value in braces may have commas of its own (`dns_server={10.0.0.1,10.0.0.2}`)."""
    found: dict[str, str] = {}
    depth, start = 0, 0
    for at, character in enumerate(f"{text},"):
        depth += {"{": 1, "}": -1}.get(character, 0)
        if character == "," and depth <= 0:
            key, equals, value = text[start:at].partition("=")
            if equals and key.strip():
                found[key.strip()] = value.strip()
            start = at + 1
    return found
