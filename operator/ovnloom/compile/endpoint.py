"""An Endpoint is the port of an IP that is no Pod's: a container of Docker has it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

from ovnloom.api.ip import IP
from ovnloom.api.meta import Key
from ovnloom.compile.pod_security import security_ids, security_members
from ovnloom.intent import EMPTY, Intent, Member, Parent, Ref, Row, Value
from ovnloom.ovn import names
from ovnloom.world.graph import Reader
from ovnloom.world.port import PortNetwork, port_network
from ovnloom.world.selectors import concerns, memberships

ROW = "Logical_Switch_Port"


def compile_endpoint(read: Reader, key: Key) -> Intent:
    """While the IP names an endpoint it has a port, which is in the groups of the policies that select its labels.

    Its labels are those of a Pod of the IP's namespace. Nodes don't know it, so no node's group has it.
    """
    ip = read.get(IP, key)
    if ip is None or not ip.endpoint or not ip.mac:
        return EMPTY
    net = read.view(port_network, ip.subnet)
    if net is None or not net.is_ovn:
        return EMPTY
    if net.is_frozen:
        return Intent.held()
    groups = ip.security_groups
    return Intent((_port(ip, net, groups),), tuple(_members(read, ip, groups)))


def _port(ip: IP, net: PortNetwork, groups: tuple[str, ...]) -> Row:
    address = " ".join(part for part in (ip.mac, ip.v4, ip.v6) if part)
    ids = {names.KEY_POD: f"{ip.namespace}/{ip.pod_name}", names.KEY_SWITCH: net.name, **security_ids(groups)}
    columns: dict[str, Value] = {
        "name": ip.name,
        "addresses": frozenset({address}),
        "port_security": frozenset({address}),
        "external_ids": ids,
    }
    return Row(ROW, ip.name, columns, Parent("Logical_Switch", names.switch(net.name), "ports"))


def _members(read: Reader, ip: IP, groups: tuple[str, ...]) -> Iterator[Member]:
    port = Ref(ROW, ip.name)
    if read.view(concerns, ip.namespace):
        found = read.view(memberships, (ip.namespace, tuple(sorted(_labels(ip).items())), ()))
        for group, providers in found:
            if group != names.ISOLATED and (providers is None or names.DEFAULT_PROVIDER in providers):
                yield Member(Ref("Port_Group", group), "ports", port)
    yield from security_members(read, groups, ip.name)


def _labels(ip: IP) -> Mapping[str, str]:
    try:
        found = json.loads(ip.endpoint_labels or "{}")
    except ValueError:
        return {}
    if not isinstance(found, dict):
        return {}
    return {key: value for key, value in found.items() if isinstance(value, str)}
