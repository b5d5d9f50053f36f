"""Switches, routers and ports, found by name and by address."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address

from ovnloom.intent import Owner, Row
from ovnloom.ovn.predicate import number
from ovnloom.verdict.contents import Contents, mapping, texts

Address = tuple[int, int]
"""Family and number."""


@dataclass(slots=True, eq=False)
class Port:
    """A Logical_Switch_Port."""

    name: str
    switch: Switch
    row: Row
    owner: Owner | None
    type: str
    mac: int = 0
    addresses: tuple[Address, ...] = ()
    router_port: RouterPort | None = None
    """The other half, when it joins a router."""

    @property
    def is_special(self) -> bool:
        """Whether what passes here is neither tracked nor load balanced: it comes from a router or another network."""
        return self.type in ("router", "localnet")

    def address(self, family: int) -> Address | None:
        """The first address of the family."""
        return next((found for found in self.addresses if found[0] == family), None)


@dataclass(slots=True, eq=False)
class Switch:
    """A Logical_Switch with its ports."""

    name: str
    row: Row
    owner: Owner | None
    ports: dict[str, Port] = field(default_factory=dict)
    by_address: dict[Address, Port] = field(default_factory=dict)
    outlets: list[Port] = field(default_factory=list)
    """Ports behind which anybody may be."""
    router_ports: list[Port] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Net:
    """An address and the network that it is in."""

    family: int
    address: int
    network: int
    mask: int
    prefix: int

    def __contains__(self, address: Address) -> bool:
        return address[0] == self.family and address[1] & self.mask == self.network


@dataclass(slots=True, eq=False)
class RouterPort:
    """A Logical_Router_Port."""

    name: str
    router: Router
    row: Row
    owner: Owner | None
    mac: int
    nets: tuple[Net, ...]
    route_table: str
    peer: str
    is_gateway: bool
    facing: Port | None = None
    """The port of the switch that it joins."""


@dataclass(slots=True, eq=False)
class Router:
    """A Logical_Router with its ports."""

    name: str
    row: Row
    owner: Owner | None
    ports: dict[str, RouterPort] = field(default_factory=dict)
    own: dict[Address, RouterPort] = field(default_factory=dict)

    @property
    def has_gateway(self) -> bool:
        """Whether there is a place where NAT happens: a chassis of the router's own, or of one of its ports."""
        return "chassis" in mapping(self.row, "options") or any(port.is_gateway for port in self.ports.values())

    def way_to(self, address: Address) -> RouterPort | None:
        """The port in whose network the address lies."""
        for port in self.ports.values():
            if any(address in net for net in port.nets):
                return port
        return None


class Layout:
    """All switches and routers of a database."""

    def __init__(self, contents: Contents) -> None:
        self.routers: dict[str, Router] = {}
        self.router_ports: dict[str, RouterPort] = {}
        self.switches: dict[str, Switch] = {}
        self.ports: dict[str, Port] = {}
        self.by_address: dict[Address, list[Port]] = {}
        for owner, row in contents.table("Logical_Router"):
            self.routers[row.name] = Router(row.name, row, owner)
        bound = {row.parent.name for _, row in contents.table("Gateway_Chassis") if row.parent}
        for owner, row in contents.table("Logical_Router_Port"):
            self._router_port(row, owner, is_gateway=row.name in bound)
        for owner, row in contents.table("Logical_Switch"):
            self.switches[row.name] = Switch(row.name, row, owner)
        for owner, row in contents.table("Logical_Switch_Port"):
            self._port(row, owner)

    def _router_port(self, row: Row, owner: Owner | None, *, is_gateway: bool) -> None:
        router = self.routers.get(row.parent.name) if row.parent else None
        if router is None or row.columns.get("enabled") is False:
            return
        nets = tuple(net(text) for text in texts(row, "networks"))
        port = RouterPort(
            row.name,
            router,
            row,
            owner,
            number(str(row.columns.get("mac") or 0))[0],
            nets,
            mapping(row, "options").get("route_table", ""),
            str(row.columns.get("peer") or ""),
            is_gateway or row.columns.get("ha_chassis_group") is not None,
        )
        self.router_ports[row.name] = router.ports[row.name] = port
        router.own.update(((one.family, one.address), port) for one in nets)

    def _port(self, row: Row, owner: Owner | None) -> None:
        switch = self.switches.get(row.parent.name) if row.parent else None
        if switch is None or row.columns.get("enabled") is False:
            return
        port = Port(row.name, switch, row, owner, str(row.columns.get("type") or ""))
        switch.ports[row.name] = self.ports[row.name] = port
        if port.type == "router":
            other = self.router_ports.get(mapping(row, "options").get("router-port", ""))
            if other is not None:
                port.router_port, other.facing, port.mac = other, port, other.mac
                port.addresses = tuple((one.family, one.address) for one in other.nets)
                switch.router_ports.append(port)
        else:
            self._addresses(port)
        for address in port.addresses:
            switch.by_address.setdefault(address, port)

    def _addresses(self, port: Port) -> None:
        found: list[Address] = []
        for text in texts(port.row, "addresses"):
            if text.startswith("unknown"):
                port.switch.outlets.append(port)
                continue
            mac, addresses = addresses_of(text)
            port.mac = port.mac or mac
            found.extend(addresses)
        port.addresses = tuple(found)
        for address in found:
            self.by_address.setdefault(address, []).append(port)


@lru_cache(maxsize=1 << 16)
def addresses_of(text: str) -> tuple[int, tuple[Address, ...]]:
    """MAC and addresses of an element of Logical_Switch_Port.addresses."""
    words = text.split()
    mac = number(words[0])[0] if words and words[0].count(":") == 5 else 0
    return mac, tuple((6 if ":" in word else 4, number(word)[0]) for word in words[1:] if word != "dynamic")


@lru_cache(maxsize=1 << 14)
def net(text: str) -> Net:
    """An address with its prefix length, all of it when there is none. Raises ValueError."""
    address, _, length = text.partition("/")
    family = 6 if ":" in address else 4
    width = 128 if family == 6 else 32
    value, prefix = number(address)[0], int(length or width)
    mask = ((1 << prefix) - 1) << (width - prefix)
    return Net(family, value, value & mask, mask, prefix)


def text(address: Address) -> str:
    """The address as people write it."""
    return str(IPv6Address(address[1]) if address[0] == 6 else IPv4Address(address[1]))
