"""IP objects that users made: reservations get an address, deletions are let through or told to wait."""

from __future__ import annotations

from dataclasses import replace

from ovnloom.api.ip import IP, RESERVED, labels
from ovnloom.api.meta import FINALIZER, Key
from ovnloom.assign.addresses import Addresses, is_unfinished
from ovnloom.assign.choice import Amend, Assignment, Demand
from ovnloom.intent import Problem
from ovnloom.ipam import NO_ADDRESS, Exhausted, Malformed, Pair, Taken, TakenMac, parse_mac, parse_pair
from ovnloom.ovn import names
from ovnloom.world.graph import Reader
from ovnloom.world.subnet import segment

POD_TYPES = ("", "StatefulSet", "VirtualMachine")
REASON = "ReserveAddressFailed"


def assign_ip(read: Reader, key: Key, books: Addresses) -> Assignment:
    """An IP object that a user made is a reservation: it has an address, a MAC, and outlives its Pod."""
    found = Assignment()
    ip = read.get(IP, key)
    if ip is None or not is_unfinished(ip):
        return found
    net = read.view(segment, ip.subnet)
    if net is None or not net.is_valid:
        wrong = f"spec.subnet is {ip.subnet!r}, which is missing or not valid; create it or name another"
        found.problems.append(Problem(REASON, wrong))
        return found
    expected = names.pod_port(ip.pod_name, ip.namespace, net.provider)
    if ip.name != expected:
        wrong = f"metadata.name must be {expected!r} for this Pod and Subnet; create the IP anew under that name"
        found.problems.append(Problem(REASON, wrong))
        return found
    if ip.pod_type not in POD_TYPES:
        wrong = f"spec.podType is {ip.pod_type[:40]!r}; leave it empty or use StatefulSet or VirtualMachine"
        found.problems.append(Problem(REASON, wrong))
        return found
    try:
        wanted, mac = parse_pair(ip.ip_address), parse_mac(ip.mac) if ip.mac else ""
    except Malformed as malformed:
        found.problems.append(Problem(REASON, f"spec.v4IpAddress, v6IpAddress or macAddress {malformed}"))
        return found
    held = books.peek(ip.subnet)
    if held is not None and held.address_of(ip.name) not in (NO_ADDRESS, wanted):
        books.forget(ip)
    fill = () if wanted != NO_ADDRESS else net.networks.families
    pair = books.take(read, ip.subnet, ip.name, wanted, fill, "")
    if not isinstance(pair, Pair):
        if pair is not None:
            found.problems.append(Problem(pair.reason, f"Subnet {ip.subnet}: {pair.sentence}"))
        if isinstance(pair, Taken):
            read.get(IP, Key(pair.by))  # when that is gone it is this one's turn
        if isinstance(pair, Exhausted):
            found.waits.append(Demand(ip.subnet, "", fill))
        return found
    taken = books.take_mac(ip.name, mac) if net.is_ovn else ""
    if isinstance(taken, TakenMac):
        read.get(IP, Key(taken.by))  # likewise
        found.problems.append(Problem(taken.reason, taken.sentence))
        return found
    reserved = ip.labels.get(RESERVED, "true")
    meta = replace(
        ip.meta,
        labels={**ip.labels, **labels(ip.subnet, ip.node_name, reserved)},
        finalizers=tuple(dict.fromkeys((*ip.finalizers, FINALIZER))),
    )
    found.choices.append(Amend(replace(ip, v4=pair.v4_text, v6=pair.v6_text, mac=taken, meta=meta)))
    return found
