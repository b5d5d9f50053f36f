"""The interfaces of this host's endpoints: a veth pair, one end a port of Open vSwitch, the other for the container."""

from __future__ import annotations

from functools import partial
from ipaddress import IPv4Address, IPv6Address

from ovnloom.errors import Unavailable
from ovnloom.host import links, ports
from ovnloom.host.ethernet import announce
from ovnloom.host.netns import in_thread, opened
from ovnloom.host.offload import stop_checksum_offload
from ovnloom.host.ovs import OpenVSwitch
from ovnloom.host.ovs_rows import Rows
from ovnloom.host.wire import Wire
from ovnloom.ovn import names

Address = IPv4Address | IPv6Address
OWN = "/proc/self/ns/net"
ENDPOINT = "ovnloom_endpoint"
"""external_ids key of an Interface: the endpoint that it is of."""
SHOWN = 12
"""Characters of an endpoint's id in the names of its interfaces, which have 15 at most."""


def outer(endpoint: str) -> str:
    """The end that stays on the host."""
    return f"{endpoint[:SHOWN]}_h"


def inner(endpoint: str) -> str:
    """The end that Docker moves into the container."""
    return f"{endpoint[:SHOWN]}_c"


class Plugs:
    """The cables of one host's endpoints."""

    def __init__(self, ovs: OpenVSwitch, bridge: str, patience: float) -> None:
        """`patience` is in seconds: how long OVN may take to connect a port."""
        self._ovs = ovs
        self._bridge = bridge
        self._patience = patience

    async def plug(self, endpoint: str, port: str, mac: str, mtu: int, addresses: tuple[Address, ...] = ()) -> str:
        """The name of an interface with this MAC that is connected to the port. Raises Unavailable and Refused.

        The port's neighbours know that it has the addresses: who had them before may have had another MAC.
        """
        ids = {ports.PORT_NAME: port, names.VENDOR: names.VENDOR_VALUE, ENDPOINT: endpoint}
        wire = Wire(outer(endpoint), inner(endpoint), mac, mtu, ids=ids)
        is_new = await in_thread(_make, wire)
        if is_new and await self._ovs.read(partial(_has_port, name=wire.host)):
            await self._ovs.edit(partial(ports.disconnect, bridge=self._bridge, name=wire.host))
        if await self._ovs.edit(partial(_connect, bridge=self._bridge, wire=wire)):
            await in_thread(stop_checksum_offload, wire.name)
        try:
            await self._ovs.until(partial(ports.is_installed, name=wire.host), self._patience)
        except TimeoutError:
            why = await self._ovs.read(partial(ports.why_not, name=wire.host))
            raise Unavailable(f"OVN did not connect port {port} within {self._patience:g} s: {why}") from None
        await in_thread(_announce, wire, addresses)
        return wire.name

    async def pull(self, endpoint: str) -> None:
        """Nothing is left of an endpoint's interface, wherever its other end is; there may have been none."""
        await self._ovs.edit(partial(_disconnect, bridge=self._bridge, endpoint=endpoint))
        await in_thread(links.unplug, outer(endpoint))

    async def there(self) -> list[str]:
        """The endpoints that have a port on this host."""
        return await self._ovs.read(_endpoints)


def _make(wire: Wire) -> bool:
    with opened(OWN) as own:
        return links.plug(wire, own)


def _announce(wire: Wire, addresses: tuple[Address, ...]) -> None:
    """Docker moves the interface later and says nothing itself; an announcement needs no address on the interface."""
    with links.netlink() as socket:
        link = links.find(socket, wire.name)
        if link is None:
            return  # removed meanwhile, with its port
        socket.link("set", index=link.index, state="up")
        announce(wire.name, wire.mac, addresses)
        socket.link("set", index=link.index, state="down")


def _has_port(rows: Rows, name: str) -> bool:
    return rows.find("Port", name) is not None


def _connect(rows: Rows, bridge: str, wire: Wire) -> bool:
    ports.connect(rows, bridge, wire)
    return ports.is_userspace(rows, bridge)


def _disconnect(rows: Rows, bridge: str, endpoint: str) -> None:
    interface = rows.find("Interface", outer(endpoint))
    if interface is not None and interface.external_ids.get(ENDPOINT) == endpoint:
        ports.disconnect(rows, bridge, outer(endpoint))


def _endpoints(rows: Rows) -> list[str]:
    found = (row.external_ids.get(ENDPOINT) for row in rows.every("Interface"))
    return sorted(endpoint for endpoint in found if endpoint)
