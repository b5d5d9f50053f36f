"""VLAN interfaces that the host lacks (`eth0.10`), made for a ProviderNetwork. All of this blocks."""

from __future__ import annotations

import re

from pyroute2.netlink.exceptions import NetlinkError

from ovnloom.errors import Refused
from ovnloom.host.links import GONE, find, netlink

NAME = re.compile(r"(?P<parent>.+)\.(?P<tag>\d{1,4})")


def make_subinterface(name: str, network: str) -> None:
    """The VLAN interface is there, if its name says of which interface and with what tag. Raises Refused."""
    said = NAME.fullmatch(name)
    if said is None:
        return
    with netlink() as socket:
        parent = find(socket, said["parent"])
        if parent is None:
            return
        try:
            socket.link("add", ifname=name, kind="vlan", link=parent.index, vlan_id=int(said["tag"]))
            made = find(socket, name)
            if made is not None:
                socket.link("set", index=made.index, ifalias=_alias(network), state="up")
        except NetlinkError as problem:
            raise Refused(f"the kernel refuses interface {name}: {problem}") from problem


def remove_subinterface(name: str, network: str) -> None:
    """What was made for this network is gone; an interface of somebody else stays."""
    with netlink() as socket:
        link = find(socket, name) if name else None
        if link is None or link.kind != "vlan":
            return
        for message in socket.get_links(link.index):
            if message.get_attr("IFLA_IFALIAS") != _alias(network):
                return
        try:
            socket.link("del", index=link.index)
        except NetlinkError as problem:
            if problem.code not in GONE:
                raise


def _alias(network: str) -> str:
    return f"kube-ovn:{network}"
