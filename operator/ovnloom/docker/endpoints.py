"""What addresses and endpoints do to IPs. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from ipaddress import ip_address

from ovnloom.api.ip import ENDPOINT, ENDPOINT_GROUPS, ENDPOINT_LABELS, IP
from ovnloom.api.meta import Key, Meta
from ovnloom.api.subnet import Subnet
from ovnloom.docker import networks, pools, words
from ovnloom.docker.asked import Interface
from ovnloom.docker.pools import Pool
from ovnloom.docker.state import State
from ovnloom.errors import Refused
from ovnloom.ipam import FAMILIES, Family, Malformed, Pair, address_text, mac_for, parse_mac, parse_pair
from ovnloom.ovn import names


@dataclass(frozen=True, slots=True)
class Host:
    """Who asks: this host's name, and the namespace in which its endpoints count for policies."""

    name: str
    namespace: str


def gateway(state: State, pool: Pool, wanted: Interface | None, host: str) -> str:
    """The gateway of a pool as CIDR: the Subnet's where that is there, else the wanted or the first address."""
    subnet = _subnet(state, pool, host)
    network = pool.network
    text = str(network[1])
    if wanted is not None:
        text = str(wanted.ip)
        if wanted.ip not in network:
            raise Refused(f"--gateway {text} is not in {network}; give one that is")
    family: Family = 6 if network.version == 6 else 4
    theirs = state.segment(subnet.name).gateway.of(family) if subnet is not None else None
    held = ip_address(address_text(family, theirs)) if theirs is not None else None
    if subnet is not None and held is not None and held in network:
        if wanted is not None and held != wanted.ip:
            wrong = f"--gateway {wanted.ip} is not that of Subnet {subnet.name}"
            raise Refused(f"{wrong}; leave it out, or give {held}")
        text = str(held)
    return f"{text}/{network.prefixlen}"


def _subnet(state: State, pool: Pool, host: str) -> Subnet | None:
    try:
        return pools.find(state, pool, host)
    except Refused:
        return None


def reserve(state: State, pool: Pool, wanted: Interface, host: str) -> str:
    """An address that Docker keeps for itself (--aux-address), or one of this host that it repeats when it starts.

    Docker says of neither whose it is. Raises Refused when another host has it.
    """
    subnet = _subnet(state, pool, host)
    holder = state.holder_of(subnet.name, str(wanted.ip)) if subnet is not None else None
    if holder is not None and holder.node_name != host:
        raise Refused(f"address {wanted.ip} is taken by {holder.name} of host {holder.node_name}; use another one")
    return f"{wanted.ip}/{pool.network.prefixlen}"


def request(state: State, pool: Pool, wanted: Interface | None, mac: str, host: Host) -> str:
    """The address of the endpoint with this MAC, as CIDR: the wanted one or the next. Raises Refused.

    Who asks again gets the same: the MAC says who it is.
    """
    subnet = pools.find(state, pool, host.name)
    is_six = pool.network.version == 6
    pair = _pair(str(wanted.ip)) if wanted is not None else Pair()
    canonical = _mac(mac)
    ip = fresh(canonical, host)
    there = state.ip(ip.name)
    if there is not None and there.subnet != subnet.name:
        raise Refused(f"MAC {canonical} is that of an endpoint in Subnet {there.subnet}; give another --mac-address")
    if there is not None:
        held = there.v6 if is_six else there.v4
        if held and pair.text in ("", held):
            return _with_length(state, subnet.name, held)
        if there.endpoint:
            raise Refused(f"MAC {canonical} is that of an endpoint with {there.ip_address}; give another --mac-address")
        pair = _merged(there, pair)
        ip = replace(ip, meta=Meta(annotations=there.annotations))
        state.remove("IP", there.name)
    # Between CIDRs of different networks a range says nothing.
    among = pool.among if pair.of(6 if is_six else 4) is None else ""
    taken = state.take(subnet.name, ip, pair, among)
    found = taken.v6 if is_six else taken.v4
    if not found:
        raise Refused(f"Subnet {subnet.name} has no IPv{6 if is_six else 4}; create the network without it")
    return _with_length(state, subnet.name, found)


def release(state: State, pool: Pool, address: str, host: Host) -> None:
    """Nobody here has the address; whoever has none left is gone. What is another host's stays."""
    subnet = _subnet(state, pool, host.name)
    holder = state.holder_of(subnet.name, address) if subnet is not None else None
    if holder is None or holder.node_name != host.name:
        return
    state.remove("IP", holder.name)
    networks.drop_unused(state, holder.subnet)


@dataclass(frozen=True, slots=True)
class Wanted:
    """An endpoint that is to be made."""

    id: str
    addresses: tuple[Interface, ...]
    mac: str = ""
    labels: Mapping[str, str] | None = None
    groups: str = ""


def attach(state: State, subnet: str, wanted: Wanted, host: Host) -> IP:
    """The IP with these addresses has a port for the endpoint. Raises Refused.

    Addresses that another IPAM chose are taken here, and given back with the endpoint.
    """
    mine = state.of_endpoint(wanted.id)
    holders = [state.holder_of(subnet, str(each.ip)) for each in wanted.addresses]
    ip = next((each for each in holders if each is not None), None)
    if mine is not None and (ip is None or ip.name != mine.name):
        raise Refused(f"endpoint {wanted.id[:12]} is there already, with {mine.ip_address}; remove it first")
    if ip is None:
        ip = _lent(state, subnet, wanted, host)
    elif wanted.mac and _mac(wanted.mac) != ip.mac:
        raise Refused(f"address {ip.ip_address} is taken by {ip.name} (MAC {ip.mac}); use another one")
    elif ip.endpoint not in ("", wanted.id):
        raise Refused(f"address {ip.ip_address} is taken by endpoint {ip.endpoint[:12]} of host {ip.node_name}")
    said: dict[str, str | None] = {ENDPOINT: wanted.id}
    said[ENDPOINT_LABELS] = json.dumps(dict(wanted.labels), sort_keys=True) if wanted.labels else None
    said[ENDPOINT_GROUPS] = wanted.groups or None
    state.annotate("IP", ip.name, said)
    return ip


def detach(state: State, endpoint: str) -> None:
    """The endpoint has no port any more; its addresses stay until they are given back."""
    ip = state.of_endpoint(endpoint)
    if ip is None:
        return
    if words.LENT in ip.annotations:
        state.remove("IP", ip.name)
        networks.drop_unused(state, ip.subnet)
    else:
        state.annotate("IP", ip.name, {ENDPOINT: None, ENDPOINT_LABELS: None, ENDPOINT_GROUPS: None})


def fresh(mac: str, host: Host) -> IP:
    """An IP without an address: its name says its MAC, which is all that Docker says of who asks."""
    name = mac.replace(":", "")
    return IP(
        Key(names.pod_port(name, host.namespace)),
        pod_name=name,
        namespace=host.namespace,
        node_name=host.name,
        mac=mac,
    )


def _lent(state: State, subnet: str, wanted: Wanted, host: Host) -> IP:
    if not wanted.addresses:
        raise Refused("Interface has no address; use --ipam-driver ovnloom, or another that gives addresses")
    mac = _mac(wanted.mac) if wanted.mac else mac_for(wanted.id)
    ip = replace(fresh(mac, host), meta=Meta(annotations={words.LENT: "true"}))
    if state.ip(ip.name) is not None:
        raise Refused(f"MAC {mac} is that of another endpoint; give another --mac-address")
    return state.take(subnet, ip, _pair(",".join(str(each.ip) for each in wanted.addresses)))


def _merged(there: IP, wanted: Pair) -> Pair:
    held = _pair(there.ip_address)
    return Pair(*(held.of(family) if wanted.of(family) is None else wanted.of(family) for family in FAMILIES))


def _pair(text: str) -> Pair:
    try:
        return parse_pair(text)
    except Malformed as malformed:
        raise Refused(f"address {malformed}") from None


def _mac(text: str) -> str:
    try:
        return parse_mac(text)
    except Malformed as malformed:
        raise Refused(f"--mac-address {malformed}") from None


def _with_length(state: State, subnet: str, address: str) -> str:
    network = state.segment(subnet).networks.of(6 if ":" in address else 4)
    return f"{address}/{network.prefix}" if network else address
