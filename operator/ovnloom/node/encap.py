"""This host as a chassis of OVN: who it is, where its tunnels end, and what fits into them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

from ovnloom import log
from ovnloom.api.node import Node
from ovnloom.api.subnet import Subnet
from ovnloom.errors import Unavailable
from ovnloom.host.netlink_events import events
from ovnloom.host.nics import mtu_of, nics, raise_link
from ovnloom.host.offload import stop_checksum_offload
from ovnloom.host.ovs_rows import Rows
from ovnloom.kube.events import About
from ovnloom.node.networks import PREFIX
from ovnloom.node.part import Means
from ovnloom.node.remembered import Remembered
from ovnloom.node.tunnel import LEAST_IPV6, Tunnel, tunnel
from ovnloom.node.view import View
from ovnloom.settings import NodeSettings
from ovnloom.world.tables import BY_TYPE

logger = log.get("encap")

CHASSIS = f"{PREFIX}chassis"
VENDORS = frozenset({"kube-ovn", "ovnloom"})
DEVICES = ("genev_sys_6081", "vxlan_sys_4789", "stt_sys_7471")
"""What Open vSwitch makes in the kernel for tunnels."""


class Encap:
    """The part: OVN finds this host, and everybody knows how long a Pod's packet may be."""

    name = "encap"
    wakes: frozenset[type] = frozenset({Node, Subnet})
    is_vital = True

    def __init__(self, means: Means) -> None:
        self._means = means
        self._settings = means.settings
        self._link = ""
        self._told = ""
        self._done = Remembered()

    async def converge(self, view: View) -> None:
        """Open vSwitch says where tunnels end, the Node says which chassis it is. Raises Unavailable."""
        node = view.node
        if node is None:
            raise Unavailable("this node isn't known to the API server; the kubelet registers it")
        facts, moment = ((), (node, _has_ipv6(view))), self._done.moment
        if self._done.is_same(*facts):
            return
        bridges = await self._means.ovs.read(bridges_of)
        near = tunnel(node, self._settings.tunnel_interface, await nics(), bridges)
        self._link = near.link
        chassis = await self._say(node, near)
        await self._measure(view, near)
        for device in DEVICES:
            await _serve(device)
        if node.annotations.get(CHASSIS) != chassis:
            body = {"metadata": {"annotations": {CHASSIS: chassis}}}
            await self._means.client.patch(BY_TYPE[Node], node.key, body)
            logger.info("node is a chassis", node=node.name, chassis=chassis)
        self._done.keep(moment, *facts)

    async def follow(self, wake: Callable[[], None]) -> None:
        """An address or MTU that changes wakes the part, and so does who writes into Open vSwitch."""

        def look() -> None:
            self._done.forget()
            wake()

        async with asyncio.TaskGroup() as group:
            group.create_task(self._follow_host(look))
            group.create_task(self._means.ovs.follow(_said, look))

    async def _follow_host(self, wake: Callable[[], None]) -> None:
        async for event in events():
            is_ours = event.kind == "link" and event.name in (self._link, *DEVICES)
            if is_ours or event.kind in ("unknown", "address"):
                wake()

    async def _say(self, node: Node, near: Tunnel) -> str:
        """Open vSwitch has what ovn-controller needs; the id of the chassis. Raises Unavailable while it has none."""
        wanted = external_ids(near, self._settings)

        def change(rows: Rows) -> str:
            there = rows.root.external_ids
            for key, value in wanted.items():
                if there.get(key) != value:
                    rows.root.setkey("external_ids", key, value)
            for key, value in (("ovn-encap-type", "geneve"), ("hostname", node.name)):
                if not there.get(key):  # who starts Open vSwitch may know better
                    rows.root.setkey("external_ids", key, value)
            return str(there.get("system-id", ""))

        chassis = await self._means.ovs.edit(change)
        if not chassis:
            raise Unavailable(
                "Open vSwitch has no external_ids:system-id; start it by ovs-ctl, or set it once, to what never changes"
            )
        return chassis

    async def _measure(self, view: View, near: Tunnel) -> None:
        said = await self._means.ovs.read(lambda rows: rows.root.external_ids.get("ovn-encap-type", "geneve"))
        size = await mtu_of(near.link)
        if size is None:
            raise Unavailable(f"interface {near.link} went away")
        found = self._settings.pod_mtu or near.pod_mtu(size, said)
        if found != self._means.findings.pod_mtu:
            logger.info("MTU found", interface=near.link, mtu=size, pods=found, encapsulation=said)
        self._means.findings.found_mtu(found)
        self._warn(view, near, size, found)

    def _warn(self, view: View, near: Tunnel, size: int, found: int) -> None:
        wrong = ""
        if found < LEAST_IPV6 and _has_ipv6(view):
            wrong = (
                f"Pods have an MTU of {found}, and IPv6 needs {LEAST_IPV6}; give {near.link} one of "
                f"{size + LEAST_IPV6 - found} or more (it has {size})"
            )
        if wrong and wrong != self._told and view.node is not None:
            logger.warning("MTU is too small for IPv6", reason=wrong)
            about = About("v1", "Node", view.node.key, view.node.uid)
            self._means.events.tell(about, "TunnelMtuTooSmall", wrong)
        self._told = wrong


def external_ids(near: Tunnel, settings: NodeSettings) -> dict[str, str]:
    """What the agent says to ovn-controller; keys that somebody else answers for aren't among them."""
    found = {
        "ovn-encap-ip": ",".join((near.address, *near.more)),
        "ovn-encap-ip-default": near.address,
        "ovn-encap-csum": "true" if settings.encap_checksum else "false",
    }
    if settings.ovn_sb:
        found["ovn-remote"] = settings.ovn_sb
    return found


def bridges_of(rows: Rows) -> dict[str, str]:
    """By interface the bridge of ours that it is a port of: for underlay networks, which took its addresses."""
    return {
        port.name: bridge.name
        for bridge in rows.every("Bridge")
        if bridge.external_ids.get("vendor") in VENDORS
        for port in bridge.ports
    }


def _said(rows: Rows) -> Mapping[str, str]:
    """What is looked at; a copy, since rows live on."""
    return dict(rows.root.external_ids)


def _has_ipv6(view: View) -> bool:
    return any(":" in subnet.cidr_block for subnet in view.subnets.values())


async def _serve(device: str) -> None:
    """A tunnel device of the kernel, if there is one, is up and doesn't leave checksums to NICs that can't."""
    if await mtu_of(device) is None:
        return
    if await raise_link(device):
        logger.warning("tunnel device was down", interface=device)
    if device == DEVICES[0]:
        stop_checksum_offload(device)


def encap(means: Means) -> Encap:
    """The part."""
    return Encap(means)
