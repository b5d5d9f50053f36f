"""A Service: the addresses under which it is reached, its ports, and how its backends are chosen."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, Self

from ovnloom.api.meta import Object, decode_meta, key_of, part, text, texts, word

FOREIGN_PROXY = "service.kubernetes.io/service-proxy-name"
"""Label of Services that another proxy serves.

https://kubernetes.io/docs/reference/labels-annotations-taints/#servicekubernetesioservice-proxy-name
"""
SWITCH_LB_VIP = "ovn.kubernetes.io/switch_lb_vip"
"""Annotation with the address, `v4,v6` for both, under which a Service is reached instead of its ClusterIP."""
HEALTH_CHECK = "ovn.kubernetes.io/service_health_check"
"""Annotation of such a Service; `false` when its backends aren't to be probed."""
AFFINITY_SECONDS = 10800
"""The API server's default of `sessionAffinityConfig.clientIP.timeoutSeconds`."""
PROTOCOLS = frozenset({"TCP", "UDP", "SCTP"})


class ServicePort(NamedTuple):
    """One of a Service's ports: EndpointSlices have the backends' under the same name and protocol."""

    name: str
    protocol: str
    port: int
    node_port: int = 0
    """At this port of every node the Service is reached, too; 0: at none."""


class Claim(NamedTuple):
    """An address of a Service, the field that names it, and whether it is a ClusterIP, which nobody else can have."""

    field: str
    ip: str
    is_internal: bool = False


@dataclass(frozen=True, slots=True)
class Service(Object):
    """`cluster_ips` is empty for what no proxy serves: headless Services, names of others, Services of other proxies.

    `ingress_ips` are those addresses of the load balancer at which packets arrive unchanged (ipMode VIP).
    """

    cluster_ips: tuple[str, ...] = ()
    switch_ips: tuple[str, ...] = ()
    """The addresses of its annotation `switch_lb_vip`, which it has instead of ClusterIPs."""
    external_ips: tuple[str, ...] = ()
    ingress_ips: tuple[str, ...] = ()
    source_ranges: tuple[str, ...] = ()
    ports: tuple[ServicePort, ...] = ()
    affinity_seconds: int = 0
    """How long a client keeps its backend; 0 without session affinity."""
    is_internally_local: bool = False
    """`internalTrafficPolicy: Local`: Pods reach only the backends of their own node."""
    is_externally_local: bool = False
    """`externalTrafficPolicy: Local`: who comes from outside reaches only the backends of the node it comes to."""
    health_port: int = 0
    """`healthCheckNodePort`: there a node says whether it has backends; 0 when nobody asks."""

    @property
    def namespace(self) -> str:
        return self.key.namespace

    @property
    def is_served(self) -> bool:
        """It has an address under which we serve it."""
        return bool(self.cluster_ips or self.switch_ips)

    @property
    def created(self) -> str:
        return self.meta.created

    @property
    def claims(self) -> Iterator[Claim]:
        """The addresses at which Pods reach it: ClusterIPs, and of their families externalIPs and the load balancer's.

        With loadBalancerSourceRanges the load balancer's are left to the nodes: a Load_Balancer row can't look at who
        sends, so serving them here would let everybody in.
        """
        yield from (Claim("spec.clusterIPs", ip, True) for ip in self.cluster_ips)
        yield from (Claim(f"annotation {SWITCH_LB_VIP}", ip) for ip in self.switch_ips)
        families = {":" in ip for ip in (*self.cluster_ips, *self.switch_ips)}
        external = [Claim("spec.externalIPs", ip) for ip in self.external_ips]
        if not self.source_ranges:
            external += [Claim("status.loadBalancer.ingress", ip) for ip in self.ingress_ips]
        yield from (claim for claim in external if (":" in claim.ip) in families)

    @classmethod
    def decode(cls, body: Mapping[str, Any]) -> Self:
        """The Service in a JSON body; what can't be read counts as absent, as the API server lets none of it in."""
        meta, spec = decode_meta(body), part(body, "spec")
        is_served = spec.get("type") != "ExternalName" and FOREIGN_PROXY not in meta.labels
        vips = meta.annotations.get(SWITCH_LB_VIP, "").split(",") if is_served else ()
        switch_ips = tuple(filter(None, map(str.strip, vips)))
        return cls(
            key=key_of(body),
            meta=meta,
            cluster_ips=_cluster_ips(spec) if is_served and not switch_ips else (),
            switch_ips=switch_ips,
            external_ips=texts(spec, "externalIPs"),
            ingress_ips=tuple(_ingress_ips(body)),
            source_ranges=texts(spec, "loadBalancerSourceRanges"),
            ports=_ports(spec.get("ports")),
            affinity_seconds=_affinity(spec),
            is_internally_local=spec.get("internalTrafficPolicy") == "Local",
            is_externally_local=spec.get("externalTrafficPolicy") == "Local",
            health_port=number(spec, "healthCheckNodePort"),
        )


def _cluster_ips(spec: Mapping[str, Any]) -> tuple[str, ...]:
    found = texts(spec, "clusterIPs") or ((text(spec, "clusterIP"),) if text(spec, "clusterIP") else ())
    return () if "None" in found else found


def _ingress_ips(body: Mapping[str, Any]) -> list[str]:
    found = part(part(body, "status"), "loadBalancer").get("ingress")
    if not isinstance(found, list):
        return []
    items = [item for item in found if isinstance(item, dict) and text(item, "ipMode") != "Proxy"]
    return [ip for item in items if (ip := text(item, "ip"))]


def _ports(found: Any) -> tuple[ServicePort, ...]:
    if not isinstance(found, list):
        return ()
    items = [item for item in found if isinstance(item, dict)]
    read = (
        ServicePort(word(item, "name"), word(item, "protocol") or "TCP", number(item, "port"), number(item, "nodePort"))
        for item in items
    )
    return tuple(port for port in read if port.port and port.protocol in PROTOCOLS)


def number(body: Mapping[str, Any], name: str) -> int:
    """A port's number, 0 when there is none or when it is something else."""
    found = body.get(name)
    return found if type(found) is int and 0 < found < 65536 else 0


def _affinity(spec: Mapping[str, Any]) -> int:
    if spec.get("sessionAffinity") != "ClientIP":
        return 0
    seconds = part(part(spec, "sessionAffinityConfig"), "clientIP").get("timeoutSeconds")
    return seconds if type(seconds) is int and seconds > 0 else AFFINITY_SECONDS
