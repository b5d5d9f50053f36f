"""Ports of containers on the integration bridge."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ovnloom.errors import Refused
from ovnloom.host.ovs_rows import Row, Rows
from ovnloom.host.qos import free, limit
from ovnloom.host.wire import Wire

PORT_NAME = "iface-id"
"""external_ids key with the name of the logical port; ovn-controller binds the port by it."""
CONTAINER = "ovnloom_container"
INSTALLED = "ovn-installed"
"""What ovn-controller sets once the flows of a port are there."""


def claim(rows: Rows, wire: Wire) -> None:
    """Raises Refused when the name of the host's end is that of a port of another container, or of nobody's."""
    interface = rows.find("Interface", wire.host)
    if interface is not None:
        _check(interface, wire)


def connect(rows: Rows, bridge: str, wire: Wire) -> None:
    """The host's end is a port of the bridge, with its ids and limits, and no other port has its logical one."""
    into = rows.bridge(bridge)
    claim(rows, wire)
    interface = rows.find("Interface", wire.host)
    wanted = dict(wire.ids)
    for other in rows.bound(wanted[PORT_NAME]):
        if other.name != wire.host:
            other.delkey("external_ids", PORT_NAME)  # of a sandbox that was left behind: only one can be the Pod's
    if interface is None:
        interface = rows.insert("Interface", wire.host)
        port = rows.insert("Port", wire.host)
        port.interfaces = [interface]
        interface.external_ids = wanted
        into.addvalue("ports", port)
    else:
        for key, value in wanted.items():
            if interface.external_ids.get(key) != value:
                interface.setkey("external_ids", key, value)
    limit(rows, wire.host, wire.limits, _marks(wanted))


def disconnect(rows: Rows, bridge: str, name: str) -> bool:
    """The bridge has no port of this name, and nothing of its QoS is left; whether there was one."""
    port, into = rows.find("Port", name), rows.find("Bridge", bridge)
    if port is None or into is None:
        return False
    free(port)
    into.delvalue("ports", port)
    return True


def is_installed(rows: Rows, name: str) -> bool | None:
    """True once OVN has connected the port; None while it hasn't. Raises Refused when somebody removed it."""
    interface = rows.find("Interface", name)
    if interface is None:
        raise Refused(f"port {name} was removed from Open vSwitch while OVN was connecting it")
    return True if interface.external_ids.get(INSTALLED) == "true" else None


def why_not(rows: Rows, name: str) -> str:
    """What may be the reason that OVN doesn't connect a port."""
    interface = rows.find("Interface", name)
    if interface is not None and interface.error:
        return f"Open vSwitch can't use the interface: {interface.error[0]}"
    port = interface.external_ids.get(PORT_NAME) if interface is not None else name
    return f"see the log of this host's ovn-controller, and whether the northbound database has a port {port}"


def is_userspace(rows: Rows, bridge: str) -> bool:
    """Whether the bridge forwards in a process, not in the kernel."""
    return bool(rows.bridge(bridge).datapath_type == "netdev")


def _check(interface: Row, wire: Wire) -> None:
    theirs, ours = interface.external_ids.get(CONTAINER), wire.ids.get(CONTAINER)
    if theirs is not None and theirs != ours:
        raise Refused(
            f"port {wire.host} belongs to container {theirs}, so container {ours} can't have it; "
            f"stop one of the two: their ids begin alike"
        )
    if PORT_NAME not in interface.external_ids and "pod_netns" not in interface.external_ids:
        raise Refused(f"port {wire.host} of Open vSwitch is no Pod's, and its name is needed for one; rename it")


def _marks(ids: Mapping[str, Any]) -> dict[str, str]:
    pod = f"{ids.get('pod_namespace', '')}/{ids.get('pod_name', '')}"
    return {PORT_NAME: ids[PORT_NAME], "pod": pod}
