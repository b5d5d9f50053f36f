"""The interfaces of this host and their addresses, without asking for what nobody needs of hundreds of Pods."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from ipaddress import IPv4Interface, IPv6Interface, ip_interface

from pyroute2 import AsyncIPRoute
from pyroute2.netlink.exceptions import NetlinkError

from ovnloom.host.routes import GONE

FAMILIES = (socket.AF_INET, socket.AF_INET6)
UP = 1
Address = IPv4Interface | IPv6Interface


@dataclass(frozen=True, slots=True)
class Nic:
    """An interface with its addresses in the kernel's order, link-local ones and those of loopback left out."""

    name: str
    addresses: tuple[Address, ...] = ()


async def nics() -> tuple[Nic, ...]:
    """All interfaces, in the order of their indexes."""
    found: dict[int, list[Address]] = {}
    async with AsyncIPRoute() as kernel:
        for family in FAMILIES:
            async for message in await kernel.get_addr(family=family):
                # IFA_LOCAL is the own end where an address has two.
                text = message.get_attr("IFA_LOCAL") or message.get_attr("IFA_ADDRESS")
                address = ip_interface(f"{text}/{message['prefixlen']}")
                if not address.is_link_local and not address.is_loopback:
                    found.setdefault(message["index"], []).append(address)
    return tuple(Nic(name, tuple(found.get(index, ()))) for index, name in socket.if_nameindex())


async def mtu_of(name: str) -> int | None:
    """The MTU of an interface in bytes; None when there is none of that name."""
    async with AsyncIPRoute() as kernel:
        try:
            found = await kernel.link("get", ifname=name)
        except NetlinkError as problem:
            if problem.code in GONE:
                return None
            raise
        return int(found[0].get_attr("IFLA_MTU"))


async def raise_link(name: str) -> bool:
    """The interface is up, if there is one of that name; whether it had been down."""
    async with AsyncIPRoute() as kernel:
        try:
            found = (await kernel.link("get", ifname=name))[0]
            if found["flags"] & UP:
                return False
            await kernel.link("set", index=found["index"], state="up")
        except NetlinkError as problem:
            if problem.code in GONE:
                return False
            raise
        return True
