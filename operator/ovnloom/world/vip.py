"""Vips, as everybody else sees them: the address that a Vip holds, and who uses it."""

from __future__ import annotations

from ovnloom.api.ip import IP
from ovnloom.api.meta import Key
from ovnloom.api.pod import Pod
from ovnloom.api.vip import HOST_VM, Vip
from ovnloom.ovn import names
from ovnloom.world.graph import Reader
from ovnloom.world.moments import Leaving
from ovnloom.world.nics import holder_name, is_overdue
from ovnloom.world.vip_indexes import IPS_OF_VIP, PODS_OF_VIP, SWITCH_VIPS

POD_TYPE = "Vip"
"""spec.podType of the IP objects that hold the addresses of Vips."""


def booked(read: Reader, name: str) -> IP | None:
    """View: the IP object that holds the address of a Vip; None while there is none, or when it leaves."""
    ip = read.get(IP, Key(names.vip_booking(name)))
    if ip is None or ip.pod_type != POD_TYPE or ip.pod_name != name or read.get(Leaving, ip.key) is not None:
        return None
    return ip


def taker(read: Reader, name: str) -> str:
    """The IP object of the Pod that took the Vip's address as its own; empty when nobody did."""
    return min((key.name for key in read.keys_of(IPS_OF_VIP, names.vip_booking(name))), default="")


def sharers(read: Reader, vip: Vip) -> tuple[str, ...]:
    """The ports of the Pods that may have the Vip's address besides their own, sorted."""
    if not vip.namespace:
        return ()
    wanted = [item.partition(":") for item in vip.selector]
    found = []
    for key in read.keys_of(PODS_OF_VIP, Key(vip.name, vip.namespace)):
        pod = read.get(Pod, key)
        if pod is None or pod.finished or pod.host_network or is_overdue(read, pod):
            continue
        if any(pod.labels.get(label) != value for label, _, value in wanted):
            continue
        ip = read.get(IP, Key(names.pod_port(holder_name(read, pod), pod.namespace)))
        if ip is not None and ip.subnet == vip.subnet and read.get(Leaving, ip.key) is None:
            found.append(ip.name)
    return tuple(sorted(set(found)))


def shared_addresses(read: Reader, place: tuple[tuple[str, ...], str, str]) -> tuple[str, ...]:
    """View: the addresses of those of some Vips that Pods of a namespace may share on a Subnet, sorted."""
    wanted, namespace, subnet = place
    found: list[str] = []
    for name in wanted:
        vip, ip = read.get(Vip, Key(name)), read.view(booked, name)
        if vip is not None and ip is not None and vip.namespace == namespace and ip.subnet == subnet:
            found += [text for text in (ip.v4, ip.v6) if text]
    return tuple(sorted(found))


def proxied(read: Reader, subnet: str) -> tuple[str, ...]:
    """View: the addresses of load balancers on a Subnet whose ARP and ND requests its gateway answers, sorted."""
    found: list[str] = []
    for key in read.keys_of(SWITCH_VIPS, subnet):
        ip = read.view(booked, key.name)
        if ip is not None and ip.subnet == subnet:
            found += [text for text in (ip.v4, ip.v6) if text]
    return tuple(sorted(found))


def has_port(vip: Vip, is_taken: bool) -> bool:
    """Whether the Vip has a port of its own: while a Pod has its address, the Pod's port is all there is."""
    return vip.type == HOST_VM or (not vip.type and bool(vip.namespace) and not is_taken)
