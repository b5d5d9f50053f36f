"""The addresses of a Pod: one IP object for each of its interfaces."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from ovnloom.api.ip import IP, VIP, labels
from ovnloom.api.meta import FINALIZER, Key, Meta
from ovnloom.api.pod import Pod
from ovnloom.api.statefulset import StatefulSet
from ovnloom.api.virtualmachine import VirtualMachine
from ovnloom.assign.addresses import Addresses, is_unfinished
from ovnloom.assign.choice import Amend, Assignment, Demand, Release, Take
from ovnloom.assign.wish import Candidate, candidates, families_of
from ovnloom.intent import Problem
from ovnloom.ipam import NO_ADDRESS, Exhausted, Family, Pair, Taken, TakenMac
from ovnloom.ovn import names
from ovnloom.world.graph import Reader
from ovnloom.world.indexes import IPS_OF_HOLDER
from ovnloom.world.nics import Nic, Unusable, holder_name, is_in_charge, is_overdue, nics, runner, unusable
from ovnloom.world.problem import shown
from ovnloom.world.subnet import segment
from ovnloom.world.vip_indexes import IPS_OF_VIP

REASON = "AcquireAddressFailed"


def assign_pod(read: Reader, key: Key, books: Addresses) -> Assignment:
    """Every interface of a living Pod has an IP object; those that nobody is entitled to go.

    A living Pod is never re-addressed. A Pod that has finished, or is gone, gives its addresses back, unless a
    StatefulSet, a virtual machine or a reservation keeps them for its successor.
    """
    found = Assignment()
    pod = read.get(Pod, key)
    if pod is None or pod.host_network or is_over(read, pod):
        for ip in _left_behind(read, key, pod):
            if not is_kept(read, ip, pod):
                found.choices.append(Release(ip.key))
        return found
    try:
        wanted = nics(read, pod)
    except Unusable as wrong:
        found.problems.append(unusable(wrong))
        return found
    for nic in wanted:
        _assign_nic(read, pod, nic, books, found)
    holder = Key(holder_name(read, pod), key.namespace)
    present = {nic.name for nic in wanted}
    for ip in read.find(IPS_OF_HOLDER, holder):
        if ip.name not in present and not ip.reserved and ip.name.startswith(f"{holder.name}.{holder.namespace}"):
            found.choices.append(Release(ip.key))
    return found


def is_over(read: Reader, pod: Pod) -> bool:
    """Its addresses are free: it will never run again, or should have been gone when its grace period ended."""
    return pod.finished or is_overdue(read, pod)


def _left_behind(read: Reader, key: Key, pod: Pod | None) -> Iterator[IP]:
    holder = Key(holder_name(read, pod), key.namespace) if pod else key
    for ip in read.find(IPS_OF_HOLDER, holder):
        if ip.node_name != ip.pod_name or ip.namespace:
            yield ip


def is_kept(read: Reader, ip: IP, pod: Pod | None) -> bool:
    """An address outlives its Pod: a reservation, an ordinal of a StatefulSet that still has it, a virtual machine."""
    if ip.reserved or is_unfinished(ip):
        return True
    if ip.pod_type == "VirtualMachine":
        machine = Key(ip.pod_name, ip.namespace)
        if read.get(VirtualMachine, machine) is not None:
            return True
        return runner(read, machine) is not None
    if ip.pod_type != "StatefulSet":
        return False
    name, _, ordinal = ip.pod_name.rpartition("-")
    found = read.get(StatefulSet, Key(name, ip.namespace))
    if found is None or found.deleting or not ordinal.isdigit() or not found.keeps(int(ordinal)):
        return False
    return pod is None or pod.owner is None or pod.owner.uid == found.uid


def _assign_nic(read: Reader, pod: Pod, nic: Nic, books: Addresses, found: Assignment) -> None:
    offers = candidates(read, pod, nic)
    ip = read.get(IP, Key(nic.name))
    if ip is not None and ip.holder != Key(holder_name(read, pod), pod.namespace):
        wrong = f"IP {ip.name} is of {ip.holder}, so this Pod can't have one of that name; give the Pod another name"
        found.problems.append(Problem("AddressConflict", wrong))
        return
    if ip is not None:
        if not is_in_charge(read, pod):
            return  # what another launcher of the virtual machine has, this one will have
        if _suits(pod, nic, ip, offers):
            _keep(pod, nic, ip, offers, found)
            _warn_of_double(read, ip, books, found)
        else:
            found.choices.append(Release(ip.key))
        return
    if isinstance(offers, Problem):
        found.problems.append(offers)
        return
    problem = Problem("NoSubnet", f"no Subnet serves {nic.provider}; create one or name one in an annotation")
    waits: list[Demand] = []
    for offer in offers:
        taken = _take(read, pod, nic, offer, books)
        if isinstance(taken, IP):
            found.choices.append(Take(taken))
            return
        problem, demand = taken
        if demand is not None:
            waits.append(demand)
    if problem.reason == Taken.reason and len({offer.address for offer in offers}) > 1 and not nic.wish.mac:
        wrong = (
            f"every address of annotation {nic.annotation('ip_pool')} is in use; add more, or delete one of their Pods"
        )
        problem = Problem(Exhausted.reason, wrong)
    found.problems.append(problem)
    found.waits.extend(waits)


def _suits(pod: Pod, nic: Nic, ip: IP, offers: list[Candidate] | Problem) -> bool:
    """What the interface holds already is what it keeps, unless a new Pod of that name asks for something else."""
    if ip.deleting and not _is_allocated(pod, nic):
        return False
    if nic.wish.vip and not _is_allocated(pod, nic) and not isinstance(offers, Problem):
        return ip.vip == names.vip_booking(nic.wish.vip) or _is_adopted(ip, offers)
    if _is_allocated(pod, nic) or isinstance(offers, Problem) or ip.reserved:
        return True
    if nic.wish.address != NO_ADDRESS:
        asked = nic.wish.address
        return all(text in ("", have) for text, have in ((asked.v4_text, ip.v4), (asked.v6_text, ip.v6)))
    return not ip.pod_type or any(offer.subnet == ip.subnet for offer in offers)


def _warn_of_double(read: Reader, ip: IP, books: Addresses, found: Assignment) -> None:
    other = books.rival(ip)
    if other:
        read.get(IP, Key(other))  # its going settles the matter
        wrong = f"{ip.ip_address} of IP {ip.name} belongs to IP {other} as well; delete one of the two Pods"
        found.problems.append(Problem("AddressConflict", wrong))


def _is_allocated(pod: Pod, nic: Nic) -> bool:
    return pod.written.get(nic.annotation("allocated")) == "true"


def _is_adopted(ip: IP, offers: list[Candidate] | Problem) -> bool:
    """The Pod of an older controller has the address of its Vip, and its IP object doesn't say so."""
    if ip.vip or isinstance(offers, Problem) or not offers[0].vip:
        return False
    return (offers[0].address.v4_text, offers[0].address.v6_text) == (ip.v4, ip.v6)


def _keep(pod: Pod, nic: Nic, ip: IP, offers: list[Candidate] | Problem, found: Assignment) -> None:
    moved = {} if not pod.node else labels(ip.subnet, pod.node, ip.reserved_label or "false")
    if _is_adopted(ip, offers):
        moved[VIP] = names.vip_booking(nic.wish.vip)
    elif not pod.node or ip.node_name == pod.node:
        return
    meta = replace(ip.meta, labels={**ip.labels, **moved})
    found.choices.append(Amend(replace(ip, node_name=pod.node or ip.node_name, meta=meta)))


def _take(read: Reader, pod: Pod, nic: Nic, offer: Candidate, books: Addresses) -> IP | tuple[Problem, Demand | None]:
    net = read.view(segment, offer.subnet)
    if net is None:
        missing = f"Subnet {shown(offer.subnet)} does not exist; create it or name another"
        return Problem(REASON, missing), None
    if not net.is_valid or net.is_deleting:
        why = "is being deleted" if net.is_deleting else "is not valid, see its conditions"
        return Problem(REASON, f"Subnet {offer.subnet} {why}; repair it or name another"), None
    if offer.subnet == read.settings.join_subnet:
        return Problem(REASON, f"Subnet {offer.subnet} is for nodes only; name another"), None
    families = families_of(nic.wish, net.networks)
    if isinstance(families, str):
        return Problem("InvalidIPFamily", families), None
    if offer.vip:
        return _borrow(read, pod, nic, offer, books)
    fill: tuple[Family, ...] = tuple(family for family in families if offer.address.of(family) is None)
    pair = books.take(read, offer.subnet, nic.name, offer.address, fill, offer.pool)
    if not isinstance(pair, Pair):
        if isinstance(pair, Taken):
            read.get(IP, Key(pair.by))  # when that is gone it is this one's turn
        sentence = pair.sentence if pair is not None else "it gives no addresses until it is repaired"
        demand = Demand(offer.subnet, offer.pool, fill) if isinstance(pair, Exhausted) else None
        reason = REASON if pair is None else pair.reason
        return Problem(reason, f"Subnet {offer.subnet}: {sentence}"), demand
    mac = books.take_mac(nic.name, nic.wish.mac) if net.is_ovn else ""
    if isinstance(mac, TakenMac):
        read.get(IP, Key(mac.by))  # likewise
        books.forget(_ip(pod, nic, offer.subnet, pair, ""))
        return Problem(mac.reason, mac.sentence), None
    return _ip(pod, nic, offer.subnet, pair, mac)


def _borrow(read: Reader, pod: Pod, nic: Nic, offer: Candidate, books: Addresses) -> IP | tuple[Problem, None]:
    """The interface has the address and the MAC of a Vip, which stays the one that holds them."""
    booking = names.vip_booking(offer.vip)
    held = read.get(IP, Key(booking))
    if held is None:
        wrong = f"annotation {nic.annotation('vip')} names Vip {offer.vip}, which has no address yet"
        return Problem("VipMissing", f"{wrong}; see its conditions"), None
    read.keys_of(IPS_OF_VIP, booking)  # when the other one gives it back it is this one's turn
    other = books.lend(booking, nic.name)
    if other:
        wrong = f"annotation {nic.annotation('vip')} names Vip {offer.vip}, which the Pod of IP {other} has taken"
        return Problem("VipInUse", f"{wrong}; name another, or delete that Pod"), None
    ip = _ip(pod, nic, offer.subnet, offer.address, held.mac)
    return replace(ip, meta=replace(ip.meta, labels={**ip.labels, VIP: booking}))


def _ip(pod: Pod, nic: Nic, subnet: str, pair: Pair, mac: str) -> IP:
    holder, pod_type = pod.name, ""
    if pod.owner is not None:
        if pod.owner.kind == "StatefulSet" and pod.owner.group == "apps":
            pod_type = "StatefulSet"
        elif pod.owner.kind == "VirtualMachineInstance" and nic.name.startswith(f"{pod.owner.name}."):
            holder, pod_type = pod.owner.name, "VirtualMachine"
    return IP(
        Key(nic.name),
        Meta(labels=labels(subnet, pod.node), finalizers=(FINALIZER,)),
        subnet,
        holder,
        pod.namespace,
        pod.node,
        pair.v4_text,
        pair.v6_text,
        mac,
        pod_type,
    )
