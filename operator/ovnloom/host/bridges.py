"""Bridges of physical networks in the host's Open vSwitch, each with one interface of the host as its port."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from ovnloom.errors import Refused
from ovnloom.host.ovs_rows import Row, Rows

VENDOR = {"vendor": "kube-ovn"}
EXCHANGED = "exchange-link-name"
"""external_ids key by which a bridge of a ProviderNetwork is known; its value says whether names were exchanged."""
INTERFACE = "ovnloom.io/interface"
"""external_ids key: whose addresses the bridge has, known even when that is gone."""
MAPPINGS, MACS = "ovn-bridge-mappings", "ovn-chassis-mac-mappings"
"""external_ids keys of Open_vSwitch: what ovn-controller knows of physical networks (ovn-controller(8))."""
UNTAGGED = 0


class Uplink(NamedTuple):
    """A physical network, and how this host is part of it."""

    network: str
    interface: str
    tags: frozenset[int]
    """VLANs that pass, besides untagged frames."""
    router_mac: str
    """Source of routed frames of this host, where a router would have the same MAC on each."""

    @property
    def bridge(self) -> str:
        return bridge_of(self.network)


def bridge_of(network: str) -> str:
    """The name of the bridge of a ProviderNetwork."""
    return f"br-{network}"


class Found(NamedTuple):
    """A bridge of ours that is there."""

    network: str
    interface: str
    """Whose addresses it has; empty when nobody knows."""
    is_exchanged: bool


def found(rows: Rows) -> Mapping[str, Found]:
    """All bridges of ProviderNetworks, by name: those that kube-ovn left are ours as well."""
    answer = {}
    for bridge in rows.every("Bridge"):
        ids = bridge.external_ids
        if ids.get("vendor") == VENDOR["vendor"] and EXCHANGED in ids:
            recorded = ids.get(INTERFACE, "") or next((port.name for port in _own_ports(bridge)), "")
            answer[bridge.name] = Found(bridge.name.removeprefix("br-"), recorded, ids[EXCHANGED] == "true")
    return answer


def make(rows: Rows, uplink: Uplink, mac: str, datapath: str) -> None:
    """The bridge is there, without the interface if it is new. Raises Refused when it is somebody else's.

    `mac` is its own if it is new; `datapath` the datapath_type of the bridge that it will be patched to.
    """
    name = uplink.bridge
    bridge = rows.find("Bridge", name)
    if bridge is not None:
        if bridge.external_ids.get("vendor") != VENDOR["vendor"] or EXCHANGED not in bridge.external_ids:
            raise Refused(f"bridge {name} of Open vSwitch was made by somebody else; rename it or the ProviderNetwork")
        if bridge.external_ids.get(INTERFACE) != uplink.interface:
            bridge.setkey("external_ids", INTERFACE, uplink.interface)
        return
    interface = rows.insert("Interface", name)
    interface.type = "internal"
    port = rows.insert("Port", name)
    port.interfaces = [interface]
    bridge = rows.insert("Bridge", name)
    bridge.ports = [port]
    bridge.datapath_type = datapath
    bridge.external_ids = {**VENDOR, EXCHANGED: "false", INTERFACE: uplink.interface}
    bridge.other_config = {"hwaddr": mac}
    rows.root.addvalue("bridges", bridge)


def attach(rows: Rows, uplink: Uplink) -> None:
    """The interface is a port of its bridge, which lets its VLANs pass, and ovn-controller knows of both.

    Raises Refused when another bridge has the interface.
    """
    bridge = rows.bridge(uplink.bridge)
    port = rows.find("Port", uplink.interface)
    tags = sorted({UNTAGGED, *uplink.tags})
    if port is None:
        interface = rows.insert("Interface", uplink.interface)
        port = rows.insert("Port", uplink.interface)
        port.interfaces = [interface]
        port.external_ids = VENDOR
        port.trunks = tags
        bridge.addvalue("ports", port)
    else:
        owner = owner_of(rows, uplink.interface)
        if owner != uplink.bridge:
            raise Refused(taken(uplink.interface, owner))
        if sorted(port.trunks) != tags:
            port.trunks = tags
    _map(rows, MAPPINGS, uplink.network, uplink.bridge)
    if uplink.network not in _mapping(rows, MACS):
        _map(rows, MACS, uplink.network, uplink.router_mac)


def detach(rows: Rows, name: str) -> None:
    """The bridge has no interface of the host any more; ports of others stay."""
    bridge = rows.find("Bridge", name)
    if bridge is None:
        return
    for port in _own_ports(bridge):
        bridge.delvalue("ports", port)


def remove(rows: Rows, name: str, network: str) -> None:
    """There is no such bridge, and ovn-controller doesn't know the network."""
    bridge = rows.find("Bridge", name)
    if bridge is not None:
        rows.root.delvalue("bridges", bridge)
    for key in (MAPPINGS, MACS):
        _map(rows, key, network, "")


def owner_of(rows: Rows, interface: str) -> str:
    """The bridge that an interface is a port of; empty when there is none."""
    port = rows.find("Port", interface)
    owner = rows.bridge_of(port) if port is not None else None
    return str(owner.name) if owner is not None else ""


def is_working(rows: Rows, name: str) -> bool | None:
    """True once ovs-vswitchd serves an interface, None until then. Raises Refused when it can't."""
    interface = rows.find("Interface", name)
    if interface is None:
        raise Refused(f"port {name} was removed from Open vSwitch at this moment")
    if interface.error:
        raise Refused(f"Open vSwitch can't use interface {name}: {interface.error[0]}")
    return True if interface.ofport and interface.ofport[0] > 0 else None


def taken(interface: str, owner: str) -> str:
    """What is told about an interface that another bridge has."""
    return f"interface {interface} is a port of bridge {owner}; name another interface, or take it out there"


def _own_ports(bridge: Row) -> list[Row]:
    """Ports that were attached for a ProviderNetwork, by us or by kube-ovn."""
    vendor = VENDOR["vendor"]
    return [port for port in bridge.ports if port.external_ids.get("vendor") == vendor and port.name != bridge.name]


def _mapping(rows: Rows, key: str) -> dict[str, str]:
    items = rows.root.external_ids.get(key, "").split(",")
    return {name: value for name, _, value in (item.strip().partition(":") for item in items) if name}


def _map(rows: Rows, key: str, network: str, value: str) -> None:
    """The comma list has this value for the network, none when empty; what others wrote into it stays."""
    before = _mapping(rows, key)
    after = {name: said for name, said in before.items() if name != network or value}
    if value:
        after[network] = value
    if after == before:
        return
    if after:
        rows.root.setkey("external_ids", key, ",".join(f"{name}:{said}" for name, said in after.items()))
    else:
        rows.root.delkey("external_ids", key)
