"""Which of a host's interfaces carries the tunnels, with which addresses, and what fits into them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from ipaddress import ip_address

from ovnloom.api.node import Node
from ovnloom.errors import Unavailable
from ovnloom.host.nics import Address, Nic
from ovnloom.node.networks import PREFIX, internal_ips

USERSPACE_LABEL, USERSPACE_LINK = f"{PREFIX}ovs_dp_type", "br-phy"
"""A node whose Open vSwitch forwards in userspace by DPDK has its address on this bridge."""
OVERHEAD = {"geneve": 100, "vxlan": 50, "stt": 72}
"""Bytes that a tunnel adds to each packet, options included."""
OVERHEAD_IPV6 = 20
"""What an IPv6 header is longer."""
LEAST_IPV6 = 1280
"""RFC 8200, 5: IPv6 doesn't work with less."""


@dataclass(frozen=True, slots=True)
class Tunnel:
    """The near end of this host's tunnels."""

    link: str
    address: str
    more: tuple[str, ...] = ()
    """Further addresses, for Subnets with a nodeNetwork."""

    def pod_mtu(self, link_mtu: int, encapsulation: str) -> int:
        """Bytes of a Pod's packet that just fit."""
        overhead = OVERHEAD.get(encapsulation, OVERHEAD["geneve"])
        return link_mtu - overhead - (OVERHEAD_IPV6 if ":" in self.address else 0)


def tunnel(node: Node, setting: str, nics: Iterable[Nic], bridges: Mapping[str, str]) -> Tunnel:
    """In this order: the userspace bridge, the annotation of the Node, the setting, who has the InternalIP.

    `bridges` says of interfaces on which bridge of ours they are: that one has their addresses then. Raises
    Unavailable, with what to change, when there is no such interface or address.
    """
    found = {nic.name: nic for nic in nics}
    wish, where = _wish(node, setting)
    if not wish:
        link, address = _with_internal_ip(node, found)
        return Tunnel(link, address, _more(node, address))
    name = _named(wish, found)
    if name is None:
        raise Unavailable(f"{where} is {wish!r}, and no interface of this host is called so")
    nic = found.get(bridges.get(name, name), found[name])
    usable = next(_usable(nic), None)
    if usable is None:
        raise Unavailable(f"{where} is {wish!r}, and {nic.name} has no address for tunnels; give it one")
    return Tunnel(nic.name, usable, _more(node, usable))


def _wish(node: Node, setting: str) -> tuple[str, str]:
    if node.labels.get(USERSPACE_LABEL) == "userspace":
        return USERSPACE_LINK, f"label {USERSPACE_LABEL} of the Node asks for {USERSPACE_LINK}: it"
    annotation = node.annotations.get(f"{PREFIX}tunnel_interface", "").strip()
    if annotation:
        return annotation, f"annotation {PREFIX}tunnel_interface of the Node"
    return setting.strip(), "setting tunnel_interface"


def _named(wish: str, found: Mapping[str, Nic]) -> str | None:
    """The interface of that name, else the first that one of the expressions fits."""
    if wish in found:
        return wish
    for expression in wish.split(","):
        try:
            fits = re.compile(expression.strip())
        except re.error:
            continue
        for name in found:
            if expression.strip() and fits.search(name):
                return name
    return None


def _with_internal_ip(node: Node, found: Mapping[str, Nic]) -> tuple[str, str]:
    internal = internal_ips(node)
    for address in (internal[family] for family in sorted(internal)):
        for nic in found.values():
            if any(str(each.ip) == address for each in nic.addresses):
                return nic.name, address
    known = ", ".join(internal.values()) or "none"
    raise Unavailable(
        f"no interface of this host has an InternalIP of Node {node.name} ({known}); name one by the setting "
        f"tunnel_interface"
    )


def _usable(nic: Nic) -> Iterator[str]:
    """Addresses of a network: one of a single host usually is a virtual one that moves on."""
    return (str(each.ip) for each in nic.addresses if not _is_single(each))


def _is_single(address: Address) -> bool:
    return address.network.prefixlen == address.max_prefixlen


def _more(node: Node, but: str) -> tuple[str, ...]:
    """The addresses in the annotation node_networks, a JSON map of names to addresses, without one that is in use."""
    try:
        said = json.loads(node.annotations.get(f"{PREFIX}node_networks", "") or "{}")
        found = {str(ip_address(text)) for text in said.values()}
    except (ValueError, AttributeError):
        return ()
    return tuple(sorted(found - {but}))
