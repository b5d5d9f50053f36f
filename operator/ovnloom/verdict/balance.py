"""Load balancers: from a virtual address to its backends."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import NamedTuple

from ovnloom.intent import Owner, Row
from ovnloom.ovn import names
from ovnloom.ovn.predicate import SCTP, TCP, UDP, number
from ovnloom.verdict.contents import Contents, mapping
from ovnloom.verdict.layout import Address

_PROTOCOLS = {"tcp": TCP, "udp": UDP, "sctp": SCTP}
_TEMPLATE = re.compile(r"\^(\w+)")


class Backend(NamedTuple):
    """Where a connection goes; port 0 leaves the port as it is."""

    address: Address
    port: int
    text: str


class Virtual(NamedTuple):
    """A virtual address of one load balancer."""

    backends: tuple[Backend, ...]
    row: Row
    owner: Owner | None
    vip: str

    @property
    def rejects(self) -> bool:
        """Whether a client is told when there is no backend."""
        return mapping(self.row, "options").get("reject") == "true"

    def hairpin(self, family: int) -> Address | None:
        """The source address of a client that is its own backend; None is the virtual address."""
        for word in mapping(self.row, "options").get("hairpin_snat_ip", "").split():
            if (":" in word) == (family == 6):
                return family, number(word)[0]
        return None


Place = tuple[Address, int, int]
"""Address, protocol and port; protocol and port are 0 where all are meant."""
Table = Mapping[Place, Virtual]


class Balancers:
    """The virtual addresses that each switch and router knows."""

    def __init__(self, contents: Contents) -> None:
        self._contents = contents
        self._rows = {row.name: (owner, row) for owner, row in contents.table("Load_Balancer")}
        self._groups = {row.name: row for _, row in contents.table("Load_Balancer_Group")}
        self._variables: dict[str, Mapping[str, str]] = {}
        self._chassis: dict[str, str] = {}
        for _, row in contents.table("Chassis_Template_Var"):
            chassis = str(row.columns.get("chassis"))
            self._variables[chassis] = contents.pairs(row, "variables")
            self._chassis[mapping(row, "external_ids").get(names.KEY_NODE, chassis)] = chassis
        self._tables: dict[tuple[tuple[str, ...], str], Table] = {}
        self._names: dict[str, tuple[str, ...]] = {}

    @property
    def chassis(self) -> list[str]:
        """The chassis for which templates have values."""
        return sorted(self._variables)

    def chassis_of(self, node: str) -> str:
        """The chassis of a node; empty when no template has a value there."""
        return self._chassis.get(node, "")

    def names(self, row: Row) -> tuple[str, ...]:
        """The load balancers of a Logical_Switch or Logical_Router, those of its groups included."""
        place = f"{row.table} {row.name}"
        found = self._names.get(place)
        if found is None:
            there = {ref[1] for ref in self._contents.elements(row, "load_balancer")}
            for _, group in self._contents.elements(row, "load_balancer_group"):
                if group in self._groups:
                    there.update(ref[1] for ref in self._contents.elements(self._groups[group], "load_balancer"))
            found = self._names[place] = tuple(sorted(there & self._rows.keys()))
        return found

    def has_templates(self, row: Row) -> bool:
        """Whether what a virtual address means there depends on the node."""
        return any(_is_template(self._rows[name][1]) for name in self.names(row))

    def table(self, row: Row, chassis: str) -> Table:
        """All virtual addresses of a switch or router, as they are on a chassis. Two with one address: the first."""
        known = self.names(row)
        found = self._tables.get((known, chassis))
        if found is None:
            table: dict[Place, Virtual] = {}
            for name in known:
                for place, virtual in self._virtuals(name, chassis):
                    table.setdefault(place, virtual)
            found = self._tables[known, chassis] = table
        return found

    def _virtuals(self, name: str, chassis: str) -> Iterator[tuple[Place, Virtual]]:
        owner, row = self._rows[name]
        variables = self._variables.get(chassis, {}) if _is_template(row) else None
        protocol = _PROTOCOLS[str(row.columns.get("protocol") or "tcp")]
        for vip, backends in self._contents.pairs(row, "vips").items():
            if variables is not None:
                vip, backends = _filled(vip, variables), _filled(backends, variables)
            if "^" in vip or "^" in backends:  # without a value there, ovn-controller can't read the flow
                continue
            address, port = _endpoint(vip)
            found = tuple(Backend(*_endpoint(text), text) for text in _split(backends))
            yield (address, protocol if port else 0, port), Virtual(found, row, owner, vip)

    def find(self, row: Row, chassis: str, address: Address, protocol: int, port: int) -> Virtual | None:
        """The virtual address that a connection asks for."""
        if not self.names(row):
            return None
        table = self.table(row, chassis)
        return table.get((address, protocol, port)) or table.get((address, 0, 0))

    def has(self, row: Row, address: Address) -> bool:
        """Whether a load balancer there serves the address, whatever the port."""
        return any(place[0] == address for place in self.table(row, "")) if self.names(row) else False


def _is_template(row: Row) -> bool:
    return mapping(row, "options").get("template") == "true"


def _filled(text: str, variables: Mapping[str, str]) -> str:
    return _TEMPLATE.sub(lambda found: variables.get(found[1], found[0]), text)


def _split(backends: str) -> list[str]:
    return [text.strip() for text in backends.split(",") if text.strip()]


@lru_cache(maxsize=1 << 17)
def _endpoint(text: str) -> tuple[Address, int]:
    """`10.0.0.1:80`, `[fd00::1]:80` or an address alone."""
    if text.startswith("["):
        address, _, port = text[1:].partition("]")
        return (6, number(address)[0]), int(port.lstrip(":") or 0)
    if text.count(":") > 1:
        return (6, number(text)[0]), 0
    address, _, port = text.partition(":")
    return (4, number(address)[0]), int(port or 0)
