"""What making and removing a Docker network does to Subnets. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any

from ovnloom.api.subnet import Subnet
from ovnloom.docker import pools, words
from ovnloom.docker.pools import Joined
from ovnloom.docker.state import VERSION, State, networks_of
from ovnloom.errors import Refused

OUTSIDES = ("docker", "ovn")


@dataclass(frozen=True, slots=True)
class Wanted:
    """A Docker network that is to be made."""

    id: str
    host: str
    cidrs: tuple[str, ...]
    """IPv4 first."""
    gateways: tuple[str, ...]
    excluded: tuple[str, ...] = ()
    subnet: str = ""
    vpc: str = ""
    is_private: bool = True
    is_internal: bool = False
    outside: str = ""
    mtu: int = 0


def create(state: State, wanted: Wanted) -> None:
    """A Subnet is the Docker network: one that is there already, or a new one with its pools. Raises Refused.

    Done again it changes nothing.
    """
    was_given = _drop_placeholders(state, wanted)
    found = _existing(state, wanted, is_alias=was_given)
    if found is None:
        name = wanted.subnet or name_of(wanted.cidrs[0], wanted.vpc)
        if state.subnet(name) is not None:
            raise Refused(f"Subnet {name} is there already with another CIDR; name another by -o {words.SUBNET}=NAME")
        make(state, name, wanted)
    else:
        name = found.name
        _suits(found, wanted)
    record = Joined(wanted.host, wanted.cidrs, wanted.is_internal, wanted.outside, wanted.mtu)
    state.annotate("Subnet", name, {pools.annotation(wanted.id): record.encode()})


def make(state: State, name: str, wanted: Wanted) -> None:
    """There is a Subnet made for Docker with these pools, and its Vpc. Raises Refused when others have addresses."""
    for other in pools.overlapping(state, wanted.cidrs, wanted.vpc):
        raise Refused(
            f"pool overlap: {', '.join(wanted.cidrs)} shares addresses with Subnet {other.name} ({other.cidr_block}); "
            f"use another --subnet, or the whole of that Subnet by -o {words.SUBNET}={other.name}"
        )
    if state.body("Vpc", wanted.vpc) is None:
        made = {"name": wanted.vpc, "annotations": {words.MADE: "docker"}}
        state.put({"apiVersion": VERSION, "kind": "Vpc", "metadata": made, "spec": {}})
    annotations = {words.MADE: "docker"} if wanted.id else {words.MADE: "docker", words.PENDING: wanted.host}
    meta = {"name": name, "annotations": annotations}
    state.put({"apiVersion": VERSION, "kind": "Subnet", "metadata": meta, "spec": _spec(wanted)})
    _check(state, name)


def delete(state: State, network: str) -> None:
    """No Subnet is the Docker network any more; one that was made for Docker goes with its last network."""
    key = pools.annotation(network)
    for subnet in tuple(state.subnets()):
        if key in subnet.annotations:
            state.annotate("Subnet", subnet.name, {key: None})
            drop_unused(state, subnet.name)


def drop_unused(state: State, name: str) -> None:
    """A Subnet made for Docker that is no network and has no address in use is gone."""
    subnet = state.subnet(name)
    if subnet is None or words.MADE not in subnet.annotations or pools.joined(subnet):
        return
    if any(not ip.deleting for ip in state.ips_of(name)):
        return
    state.remove("Subnet", name)
    vpc = state.body("Vpc", subnet.vpc)
    is_ours = vpc is not None and words.MADE in vpc["metadata"].get("annotations", {})
    if is_ours and not any(other.vpc == subnet.vpc and not other.deleting for other in state.subnets()):
        state.remove("Vpc", subnet.vpc)


def of_network(state: State, network: str) -> tuple[Subnet, Joined]:
    """The Subnet that a Docker network is. Raises Refused."""
    key = pools.annotation(network)
    for subnet in state.subnets():
        found = Joined.decode(subnet.annotations.get(key, ""))
        if found is not None:
            return subnet, found
    raise Refused(f"network {network[:12]} is not known to ovnloom; remove it and create it anew")


def name_of(cidr: str, vpc: str) -> str:
    """The name of the Subnet that a pool makes, the same on each host."""
    return f"{vpc}-{cidr.translate(str.maketrans('.:/', '---'))}"


def _drop_placeholders(state: State, wanted: Wanted) -> bool:
    """The Subnets are gone that were made when Docker asked for any pool; whether these pools are of such."""
    found = [
        subnet.name
        for subnet in state.subnets()
        if words.PENDING in subnet.annotations and set(networks_of(subnet.cidr_block)) & set(wanted.cidrs)
    ]
    for name in found:
        state.remove("Subnet", name)
    return bool(found)


def _existing(state: State, wanted: Wanted, *, is_alias: bool) -> Subnet | None:
    if wanted.subnet:
        named = state.subnet(wanted.subnet)
        if named is None or named.deleting:
            return None
        theirs = set(networks_of(named.cidr_block))
        if not is_alias and not set(wanted.cidrs) <= theirs:
            raise Refused(
                f"Subnet {named.name} has {named.cidr_block}, but the network is to have {', '.join(wanted.cidrs)}; "
                f"give that --subnet, or leave it out"
            )
        return named
    for subnet in state.subnets():
        if subnet.vpc == wanted.vpc and set(wanted.cidrs) <= set(networks_of(subnet.cidr_block)):
            return subnet
    return None


def _suits(subnet: Subnet, wanted: Wanted) -> None:
    theirs = {str(ip_address(text)) for text in subnet.gateway.split(",") if text}
    pools_match = set(wanted.cidrs) <= set(networks_of(subnet.cidr_block))
    if pools_match and theirs and not set(wanted.gateways) <= theirs:
        raise Refused(
            f"--gateway {', '.join(wanted.gateways)} is not that of Subnet {subnet.name} ({subnet.gateway}); "
            f"leave it out, or give that one"
        )


def _spec(wanted: Wanted) -> Mapping[str, Any]:
    return {
        "vpc": wanted.vpc,
        "cidrBlock": ",".join(wanted.cidrs),
        "gateway": ",".join(wanted.gateways),
        "excludeIps": list(wanted.excluded),
        "protocol": "Dual" if len(wanted.cidrs) > 1 else "IPv6" if ":" in wanted.cidrs[0] else "IPv4",
        "provider": "ovn",
        "private": wanted.is_private,
        "enableLb": False,
        "mtu": wanted.mtu,
    }


def _check(state: State, name: str) -> None:
    problems = state.segment(name).problems
    if problems:
        raise Refused(f"Subnet {name} can't be: {problems[0].message}")
