"""The address of a Vip: held by an IP object, like every address."""

from __future__ import annotations

from ovnloom.api.ip import IP, labels
from ovnloom.api.meta import FINALIZER, Key, Meta
from ovnloom.api.vip import TYPES, Vip
from ovnloom.assign.addresses import Addresses
from ovnloom.assign.choice import Assignment, Demand, Release, Take
from ovnloom.intent import Problem
from ovnloom.ipam import Exhausted, Malformed, Pair, Taken, TakenMac, parse_mac, parse_pair
from ovnloom.ovn import names
from ovnloom.world.graph import Reader
from ovnloom.world.problem import invalid, shown
from ovnloom.world.subnet import segment
from ovnloom.world.vip import POD_TYPE, taker

REASON = "AcquireAddressFailed"


def assign_vip(read: Reader, key: Key, books: Addresses) -> Assignment:
    """A Vip has an address of each family of its Subnet: the one that it names, or the next that is free.

    It is given back when the Vip is deleted and no Pod has taken it. An address that an older controller wrote into
    the Vip is taken again.
    """
    found = Assignment()
    vip, ip = read.get(Vip, key), read.get(IP, Key(names.vip_booking(key.name)))
    if ip is not None and (ip.pod_type != POD_TYPE or ip.pod_name != key.name):
        if vip is not None:
            wrong = f"IP {ip.name} is of {ip.holder}, so this Vip can't have one of that name; give the Vip another"
            found.problems.append(Problem("AddressConflict", wrong))
        return found
    if vip is None or vip.deleting:
        if ip is not None and not taker(read, key.name):
            found.choices.append(Release(ip.key))
        return found
    if ip is None:
        _take(read, vip, books, found)
    return found


def _take(read: Reader, vip: Vip, books: Addresses, found: Assignment) -> None:
    wrong = [invalid("ValidateVipFailed", sentence) for sentence in vip.malformed]
    if vip.type not in TYPES:
        wrong.append(invalid("ValidateVipFailed", f"spec.type is {shown(vip.type)}; leave it empty or use {TYPES[1:]}"))
    net = read.view(segment, vip.subnet)
    if net is None or not net.is_valid or net.is_deleting or net.name == read.settings.join_subnet:
        why = "which is missing, not valid, being deleted or for nodes only; repair it or name another"
        wrong.append(invalid("SubnetMissing", f"spec.subnet is {shown(vip.subnet)}, {why}"))
    try:
        wanted = parse_pair(",".join(filter(None, (vip.said_v4, vip.said_v6))))
        mac = parse_mac(vip.said_mac) if vip.said_mac else ""
    except Malformed as malformed:
        wrong.append(invalid("ValidateVipFailed", f"spec.v4ip, v6ip or macAddress {malformed}"))
    if wrong or net is None:
        found.problems.extend(wrong)
        return
    name = names.vip_booking(vip.name)
    fill = tuple(family for family in net.networks.families if wanted.of(family) is None)
    pair = books.take(read, vip.subnet, name, wanted, fill, "")
    if not isinstance(pair, Pair):
        reason = REASON if pair is None else pair.reason
        sentence = pair.sentence if pair is not None else "it gives no addresses until it is repaired"
        found.problems.append(Problem(reason, f"Subnet {vip.subnet}: {sentence}"))
        if isinstance(pair, Taken):
            read.get(IP, Key(pair.by))  # when that is gone it is this one's turn
        if isinstance(pair, Exhausted):
            found.waits.append(Demand(vip.subnet, "", fill))
        return
    taken = books.take_mac(name, mac) if net.is_ovn else ""
    ip = IP(
        Key(name),
        Meta(labels=labels(vip.subnet, ""), finalizers=(FINALIZER,)),
        vip.subnet,
        vip.name,
        "",
        "",
        pair.v4_text,
        pair.v6_text,
        "" if isinstance(taken, TakenMac) else taken,
        POD_TYPE,
    )
    if isinstance(taken, TakenMac):
        read.get(IP, Key(taken.by))  # likewise
        books.forget(ip)
        found.problems.append(Problem(taken.reason, taken.sentence))
        return
    found.choices.append(Take(ip))
