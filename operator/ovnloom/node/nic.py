"""What an interface of a Pod should be: from what the cluster says of the Pod, its Subnet and this node."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_interface, ip_network

from ovnloom.api.meta import Key
from ovnloom.api.node import Node
from ovnloom.api.pod import Pod
from ovnloom.api.subnet import Subnet
from ovnloom.errors import Refused
from ovnloom.host.ports import CONTAINER, PORT_NAME
from ovnloom.host.wire import Address, Route, Wire
from ovnloom.node.limits import limits
from ovnloom.node.request import Request
from ovnloom.ovn import names

POD, POD_UID, PROVIDER = "ovnloom_pod", "ovnloom_pod_uid", "ovnloom_provider"
"""external_ids of ours, beside those that tools of Kube-OVN know: `pod_name` may be a virtual machine's."""
NODE_NETWORKS = "ovn.kubernetes.io/node_networks"
"""Annotation of a Node: its address in each network that it has besides its own, as JSON."""
LEAST_IPV6 = 1280
"""RFC 8200, 5: no link with less carries IPv6, and Linux refuses it."""
LEAST_IPV4 = 68
"""RFC 791."""
EVERYTHING: Mapping[int, str] = {4: "0.0.0.0/0", 6: "::/0"}


class NotYet(Exception):
    """Something isn't known yet; `args[0]` is a sentence that names the object which is waited for."""


@dataclass(frozen=True, slots=True)
class Nic:
    """An interface and what its requester is told."""

    pod: Pod
    provider: str
    subnet: str
    wire: Wire
    gateways: tuple[str, ...]
    """Of the default routes."""
    is_underlay: bool = False
    is_gateway_asked: bool = False
    """Whether the user wants to hear of a gateway that doesn't answer."""

    @property
    def localnet(self) -> str:
        """The interface by which ovn-controller joins the Subnet to the provider's network, where there is one."""
        return f"patch-localnet.{self.subnet}-to-br-int" if self.is_underlay else ""


class Told:
    """The annotations of a Pod about one network."""

    def __init__(self, pod: Pod, provider: str) -> None:
        self.prefix = f"{provider}.kubernetes.io/"
        self._pod = pod

    def get(self, word: str) -> str:
        """A value; empty when there is none."""
        key = self.prefix + word
        return (self._pod.written.get(key) or self._pod.annotations.get(key) or "").strip()


def prefix_of(pod: Pod, request: Request) -> str:
    """The provider under which the Pod's annotations have this interface: with its name where one network has two."""
    named = f"{request.provider}.{request.interface}"
    return named if Told(pod, named).get("ip_address") or Told(pod, named).get("mac_address") else request.provider


def wanted(request: Request, pod: Pod | None, subnets: Mapping[str, Subnet], node: Node | None, tunnel_mtu: int) -> Nic:
    """Raises NotYet while something is missing that is expected, Refused when it can't work as it is."""
    if pod is None or (request.uid and pod.kubelet_uid != request.uid):
        raise NotYet(f"Pod {request.pod} isn't known to be on this node; see spec.nodeName and the API server")
    provider = prefix_of(pod, request)
    told = Told(pod, provider)
    addresses = _addresses(request, pod, told)
    name = told.get("logical_switch")
    subnet = subnets.get(name)
    if request.is_ovn and subnet is None:
        raise NotYet(f"Subnet {name or '?'} of Pod {pod.key} isn't there")
    is_underlay = subnet is not None and bool(subnet.vlan) and not subnet.logical_gateway
    is_default = _is_default(told, request)
    gateways = tuple(_gateways(told, subnet, addresses)) if is_default else ()
    routes = tuple(Route(EVERYTHING[gateway.version], str(gateway)) for gateway in gateways)
    mtu = _mtu(told, subnet, node, tunnel_mtu, addresses) if request.is_ovn else 0
    wire = Wire(
        request.attachment.host,
        request.interface,
        told.get("mac_address").lower(),
        mtu,
        addresses,
        (*routes, *_extra(request, told, addresses)),
        {**_ids(request, pod, provider, told, addresses), **_tunnel(subnet, node)},
        limits(told.prefix, told.get),
        is_underlay,
    )
    is_asked = subnet is not None and is_underlay and not subnet.disable_gateway_check
    return Nic(pod, provider, name, wire, tuple(map(str, gateways)), is_underlay, is_asked)


def _addresses(request: Request, pod: Pod, told: Told) -> tuple[Address, ...]:
    texts, cidrs = _list(told.get("ip_address")), _list(told.get("cidr"))
    is_allocated = told.get("allocated") == "true"
    if not texts or not is_allocated:
        if is_allocated and not cidrs and told.get("mac_address"):
            return ()  # its address comes from somebody else's DHCP
        if pod.deleting or pod.finished:
            raise Refused(f"Pod {pod.key} is being deleted and has no address; it doesn't start any more")
        raise NotYet(f"Pod {pod.key} has no annotation {told.prefix}ip_address; the controller gives it an address")
    if request.is_ovn and _is_default(told, request) and told.get("routed") != "true":
        raise NotYet(f"Pod {pod.key} has no annotation {told.prefix}routed; the controller has yet to write its port")
    if request.is_ovn and not told.get("mac_address"):
        raise NotYet(f"Pod {pod.key} has no annotation {told.prefix}mac_address")
    try:
        networks = {network.version: network for network in map(ip_network, cidrs)}
        return tuple(ip_interface(f"{text}/{networks[ip_address(text).version].prefixlen}") for text in texts)
    except (ValueError, KeyError) as problem:
        wrong = f"{told.prefix}ip_address {','.join(texts)!r} and cidr {','.join(cidrs)!r}"
        raise Refused(f"annotations {wrong} of Pod {pod.key} don't fit: {problem}; delete the Pod") from problem


def _list(text: str) -> list[str]:
    return [item.strip() for item in text.split(",") if item.strip()]


def _is_default(told: Told, request: Request) -> bool:
    said = told.get("default_route")
    return said == "true" if said in ("true", "false") else request.interface == "eth0"


def _gateways(told: Told, subnet: Subnet | None, addresses: tuple[Address, ...]) -> Iterator[IPv4Address | IPv6Address]:
    """One for each family that the Pod has."""
    where, text = f"annotation {told.prefix}gateway", told.get("gateway")
    if subnet is not None and subnet.u2o_interconnection:
        where, text = (
            f"status.u2oInterconnectionIP of Subnet {subnet.name}",
            str(subnet.status.get("u2oInterconnectionIP") or ""),
        )
        if not text:
            raise NotYet(f"Subnet {subnet.name} has no status.u2oInterconnectionIP yet")
    families = {address.version for address in addresses}
    for item in _list(text):
        try:
            gateway = ip_address(item)
        except ValueError:
            raise Refused(f"{where} is {text!r}, which is no address; correct spec.gateway of the Subnet") from None
        if gateway.version in families:
            families.discard(gateway.version)
            yield gateway


def _extra(request: Request, told: Told, addresses: tuple[Address, ...]) -> Iterator[Route]:
    """Routes of the configuration, then of the Pod; what can't be read is left out: a Pod without it still runs."""
    asked = [*request.routes]
    try:
        found = json.loads(told.get("routes") or "[]")
    except ValueError:
        found = []
    items = [item for item in found if isinstance(item, dict)] if isinstance(found, list) else []
    asked += [(str(item.get("dst") or ""), str(item.get("gw") or "")) for item in items]
    families = {address.version for address in addresses}
    for destination, gateway in asked:
        try:
            by = ip_address(gateway) if gateway else None
            if not destination and by is None:
                continue
            to = ip_network(destination or EVERYTHING[by.version if by else 4], strict=False)
        except ValueError:
            continue
        if to.version in families and (by is None or by.version == to.version):
            yield Route(str(to), gateway)


def _mtu(told: Told, subnet: Subnet | None, node: Node | None, tunnel: int, addresses: tuple[Address, ...]) -> int:
    where, mtu = "the MTU that fits into this node's tunnel", tunnel
    provider_network = told.get("provider_network")
    if subnet is not None and subnet.mtu:
        where, mtu = f"spec.mtu of Subnet {subnet.name}", subnet.mtu
    elif provider_network and subnet is not None and not subnet.logical_gateway and not subnet.u2o_interconnection:
        where = f"node label {provider_network}.provider-network.kubernetes.io/mtu"
        said = node.labels.get(f"{provider_network}.provider-network.kubernetes.io/mtu", "") if node else ""
        mtu = int(said) if said.isdecimal() else 0
        if not mtu:
            return 0
    elif not mtu:
        raise NotYet("the MTU of this node's tunnel isn't known yet")
    has_ipv6 = any(address.version == 6 for address in addresses)
    least, family = (LEAST_IPV6, "IPv6") if has_ipv6 else (LEAST_IPV4, "IPv4")
    if mtu < least:
        raise Refused(f"{where} is {mtu}, too small for {family}; raise it to {least} at least")
    return mtu


def _ids(request: Request, pod: Pod, provider: str, told: Told, addresses: tuple[Address, ...]) -> dict[str, str]:
    holder = told.get("virtualmachine") or pod.name
    found = {
        PORT_NAME: names.pod_port(holder, pod.namespace, provider),
        names.VENDOR: names.VENDOR_VALUE,
        "pod_name": holder,
        "pod_namespace": pod.namespace,
        "pod_netns": request.netns,
        CONTAINER: f"{request.container}/{request.interface}",
        POD: pod.name,
        POD_UID: pod.kubelet_uid,
        PROVIDER: provider,
    }
    if addresses:
        found["ip"] = ",".join(str(address.ip) for address in addresses)
    return found


def _tunnel(subnet: Subnet | None, node: Node | None) -> dict[str, str]:
    """Pods of a Subnet with a nodeNetwork have their tunnels by this node's address in that network."""
    if subnet is None or not subnet.node_network:
        return {}
    try:
        found = json.loads(node.annotations.get(NODE_NETWORKS, "{}") if node else "{}")
        return {"encap-ip": str(ip_address(found[subnet.node_network]))}
    except (ValueError, KeyError, TypeError):
        wrong = f"spec.nodeNetwork of Subnet {subnet.name} is {subnet.node_network}, of which this node has no address"
        raise Refused(f"{wrong}; name one in the Node's annotation {NODE_NETWORKS}") from None


def pod_key(ids: Mapping[str, str]) -> Key:
    """The Pod that the external_ids of an Interface name."""
    return Key(ids.get(POD) or ids.get("pod_name", ""), ids.get("pod_namespace", ""))
