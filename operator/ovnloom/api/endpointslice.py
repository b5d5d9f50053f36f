"""An EndpointSlice: some of the backends of a Service, at most a thousand, and their state."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from sys import intern
from typing import Any, Literal, NamedTuple, Self

from ovnloom.api.meta import Key, metadata, part, text, word
from ovnloom.api.service import PROTOCOLS, number

SERVICE = "kubernetes.io/service-name"
"""Label with the name of the Service, in the slice's own namespace."""
READY, LEAVING, UNREADY = 2, 1, 0
"""The state of an endpoint: takes traffic; takes it only while nobody else does (serving, but terminating); takes none.

https://kubernetes.io/docs/concepts/services-networking/endpoint-slices/#conditions
"""


class SlicePort(NamedTuple):
    """A port that all endpoints of a slice have."""

    name: str
    protocol: str
    port: int


class Endpoint(NamedTuple):
    """One backend. Of several addresses only the first counts, as for kube-proxy.

    `zones` and `nodes` are hints: whose traffic it should take; empty means that there is none.
    """

    address: str
    state: int = READY
    node: str = ""
    pod: str = ""
    zones: tuple[str, ...] = ()
    nodes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class EndpointSlice:
    """Lean, since a cluster has as many as Services, and a Service of 5,000 Pods has fifty."""

    key: Key
    service: str = ""
    """Name of the Service; empty when the slice belongs to none."""
    family: Literal[4, 6, 0] = 0
    """0 for slices of host names, which nobody serves."""
    ports: tuple[SlicePort, ...] = ()
    endpoints: tuple[Endpoint, ...] = ()
    uid: str = field(default="", compare=False)

    @property
    def service_key(self) -> Key:
        return Key(self.service, self.key.namespace)

    @classmethod
    def decode(cls, body: Mapping[str, Any]) -> Self:
        """The slice in a JSON body; ports and endpoints that can't be read are left out."""
        meta = metadata(body)
        kind = body.get("addressType")
        ports, endpoints = body.get("ports"), body.get("endpoints")
        return cls(
            Key(text(meta, "name"), word(meta, "namespace")),
            word(part(meta, "labels"), SERVICE),
            4 if kind == "IPv4" else 6 if kind == "IPv6" else 0,
            tuple(filter(None, map(_port, ports))) if isinstance(ports, list) else (),
            tuple(filter(None, map(_endpoint, endpoints))) if isinstance(endpoints, list) else (),
            text(meta, "uid"),
        )


def _port(item: Any) -> SlicePort | None:
    if not isinstance(item, dict) or not number(item, "port"):
        return None
    protocol = word(item, "protocol") or "TCP"
    return SlicePort(word(item, "name"), protocol, number(item, "port")) if protocol in PROTOCOLS else None


def _endpoint(item: Any) -> Endpoint | None:
    if not isinstance(item, dict):
        return None
    addresses = item.get("addresses")
    if not isinstance(addresses, list) or not addresses or type(addresses[0]) is not str:
        return None
    target, hints = part(item, "targetRef"), part(item, "hints")
    pod = text(target, "name") if target.get("kind") == "Pod" else ""
    zones, nodes = (_named(hints, "forZones"), _named(hints, "forNodes")) if hints else ((), ())
    return Endpoint(addresses[0], _state(part(item, "conditions")), word(item, "nodeName"), pod, zones, nodes)


def _state(conditions: Mapping[str, Any]) -> int:
    """Absent means true for `ready` and `serving`, false for `terminating`."""
    if conditions.get("ready") is not False:
        return READY
    return LEAVING if conditions.get("serving") is not False and conditions.get("terminating") is True else UNREADY


def _named(hints: Mapping[str, Any], name: str) -> tuple[str, ...]:
    found = hints.get(name)
    if not isinstance(found, list):
        return ()
    items = {intern(item["name"]) for item in found if isinstance(item, dict) and type(item.get("name")) is str}
    return tuple(sorted(items))
