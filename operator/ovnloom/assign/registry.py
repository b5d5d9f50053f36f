"""Which function makes the choices of which kind, and on whose behalf an object asks for any."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ovnloom.api.ip import IP
from ovnloom.api.meta import Key
from ovnloom.assign.addresses import Addresses, is_unfinished
from ovnloom.assign.choice import Assignment, Claim
from ovnloom.assign.ip import assign_ip
from ovnloom.assign.node import assign_node
from ovnloom.assign.pod import assign_pod
from ovnloom.assign.subnet import assign_subnet
from ovnloom.assign.vip import assign_vip
from ovnloom.ovn import names
from ovnloom.world.graph import Reader
from ovnloom.world.vip import POD_TYPE

ASSIGNERS: Mapping[str, Callable[[Reader, Key, Addresses], Assignment]] = {
    "Subnet": assign_subnet,
    "Node": assign_node,
    "IP": assign_ip,
    "Vip": assign_vip,
    "Pod": assign_pod,
}


def holder(ip: IP) -> Claim:
    """Whose address it is, by what the IP object says."""
    if not ip.namespace and ip.name == names.node_port(ip.pod_name):
        return Claim("Node", Key(ip.pod_name))
    if ip.is_interconnection:
        return Claim("Subnet", Key(ip.subnet))
    if ip.pod_type == POD_TYPE:
        return Claim("Vip", Key(ip.pod_name))
    return Claim("Pod", Key(ip.pod_name, ip.namespace))


def claims(kind: str, key: Key, found: Any) -> Iterator[Claim]:
    """The claims that an object that came or went makes due, if nobody has looked at them yet."""
    if isinstance(found, IP):
        if is_unfinished(found):
            yield Claim("IP", key)
        yield holder(found)
    elif kind in ASSIGNERS:
        yield Claim(kind, key)
