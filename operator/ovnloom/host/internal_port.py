"""A port of Open vSwitch that is an interface of this host, with the addresses that it should have."""

from __future__ import annotations

import errno
import socket
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from ipaddress import ip_interface
from pathlib import Path
from typing import Any

from pyroute2 import AsyncIPRoute
from pyroute2.netlink.exceptions import NetlinkError

from ovnloom import log
from ovnloom.errors import Refused, Unavailable
from ovnloom.host.ovs_rows import Row, Rows
from ovnloom.host.routes import GONE

logger = log.get("host")

UP = 1
NODAD = 0x02
"""IFA_F_NODAD: the address can be used at once."""
QUEUE = 1000
LINK_SCOPE = 253


@dataclass(frozen=True, slots=True)
class InternalPort:
    """What the port and its interface should be."""

    name: str
    mac: str
    mtu: int
    addresses: tuple[str, ...]
    """With the lengths of their networks."""
    ids: Mapping[str, str] = field(default_factory=dict)
    """external_ids of the Interface; further ones stay."""

    @property
    def has_ipv6(self) -> bool:
        return any(":" in address for address in self.addresses)


def connect(rows: Rows, bridge: str, port: InternalPort) -> bool:
    """The bridge has the port; whether anything had to change. Raises Refused when the name is another port's."""
    into = rows.bridge(bridge)
    found = rows.find("Interface", port.name)
    if found is None:
        found = rows.insert("Interface", port.name)
        found.type = "internal"
        holder = rows.find("Port", port.name) or rows.insert("Port", port.name)
        holder.interfaces = [found]
        into.addvalue("ports", holder)
        found.mac, found.mtu_request, found.external_ids = [port.mac], [port.mtu], dict(port.ids)
        return True
    holder = rows.find("Port", port.name)
    if found.type != "internal" or holder is None or holder not in into.ports:
        raise Refused(f"{port.name} is another port of Open vSwitch, and its name is needed on {bridge}; rename it")
    return _set(found, port)


def _set(row: Row, port: InternalPort) -> bool:
    """Whether anything differed. The MAC is the database's business: vswitchd may make the device anew any time."""
    is_changed = False
    for column, value in (("mac", port.mac), ("mtu_request", port.mtu)):
        if getattr(row, column) != [value]:
            setattr(row, column, [value])
            is_changed = True
    for key, text in port.ids.items():
        if row.external_ids.get(key) != text:
            row.setkey("external_ids", key, text)
            is_changed = True
    return is_changed


def problem(rows: Rows, name: str) -> str:
    """What vswitchd says is wrong with an interface; empty when nothing is."""
    found = rows.find("Interface", name)
    return str(found.error[0]) if found is not None and found.error else ""


async def furnish(port: InternalPort) -> bool:
    """The interface is up, with exactly these addresses; whether anything had to change.

    Raises Unavailable while vswitchd hasn't made it, or not as it should be.
    """
    if port.has_ipv6:
        _enable_ipv6(port.name)
    async with AsyncIPRoute() as kernel:
        try:
            return await _furnish(kernel, port)
        except NetlinkError as wrong:
            if wrong.code in GONE:
                raise Unavailable(f"interface {port.name} went away") from wrong
            raise Unavailable(f"interface {port.name} can't be as it should: {wrong}") from wrong


def _enable_ipv6(name: str) -> None:
    path = Path("/proc/sys/net/ipv6/conf", name, "disable_ipv6")
    with suppress(OSError):  # a host without IPv6, or a read-only /proc: the address will say so
        if path.read_text().strip() != "0":
            path.write_text("0")


async def _furnish(kernel: AsyncIPRoute, port: InternalPort) -> bool:
    link = (await kernel.link("get", ifname=port.name))[0]
    index, is_changed = link["index"], False
    if (link.get_attr("IFLA_ADDRESS") or "").lower() != port.mac.lower():
        await kernel.link("set", index=index, address=port.mac)
        is_changed = True
    if link.get_attr("IFLA_TXQLEN") != QUEUE:
        await kernel.link("set", index=index, txqlen=QUEUE)
    if not link["flags"] & UP:
        await kernel.link("set", index=index, state="up")
        is_changed = True
    if link.get_attr("IFLA_MTU") != port.mtu:
        raise Unavailable(f"{port.name} has an MTU of {link.get_attr('IFLA_MTU')}, not {port.mtu} yet")
    return await _address(kernel, index, port) or is_changed


async def _address(kernel: AsyncIPRoute, index: int, port: InternalPort) -> bool:
    wanted = {ip_interface(text) for text in port.addresses}
    there, has_link_local = set(), False
    for family in (socket.AF_INET, socket.AF_INET6):
        async for message in await kernel.get_addr(family=family, index=index):
            found = ip_interface(f"{message.get_attr('IFA_ADDRESS')}/{message['prefixlen']}")
            has_link_local |= family == socket.AF_INET6 and found.is_link_local
            if not found.is_link_local:
                there.add(found)
    for each in sorted(there - wanted, key=str):
        await kernel.addr("del", index=index, address=str(each.ip), prefixlen=each.network.prefixlen)
    missing = sorted(wanted - there, key=str)
    if port.has_ipv6 and not has_link_local:
        missing.append(ip_interface(f"{link_local(port.mac)}/64"))
    for each in missing:
        more: dict[str, Any] = {"flags": NODAD} if each.version == 6 else {}
        if each.is_link_local:
            more["scope"] = LINK_SCOPE
        try:
            await kernel.addr("add", index=index, address=str(each.ip), prefixlen=each.network.prefixlen, **more)
        except NetlinkError as wrong:
            if wrong.code != errno.EEXIST:
                raise
        logger.info("address set", interface=port.name, address=str(each))
    return bool(missing or there - wanted)


def link_local(mac: str) -> str:
    """The address that IPv6 makes of a MAC (RFC 4291, appendix A)."""
    octets = [int(part, 16) for part in mac.split(":")]
    octets[0] ^= 2
    parts = [*octets[:3], 0xFF, 0xFE, *octets[3:]]
    words = [f"{parts[at] << 8 | parts[at + 1]:x}" for at in range(0, 8, 2)]
    return f"fe80::{':'.join(words)}"
