"""From which Subnets, and how, an interface can get its address: the precedence of the contract."""

from __future__ import annotations

from typing import NamedTuple

from ovnloom.api.ippool import IPPool
from ovnloom.api.meta import Key
from ovnloom.api.pod import Pod
from ovnloom.api.statefulset import StatefulSet
from ovnloom.api.vip import Vip
from ovnloom.intent import Problem
from ovnloom.ipam import NO_ADDRESS, Family, Malformed, Networks, Pair, parse_pair
from ovnloom.world import namespace as namespaces
from ovnloom.world.graph import Reader
from ovnloom.world.indexes import SUBNETS_OF_PROVIDER
from ovnloom.world.nics import Nic, Wish
from ovnloom.world.problem import shown
from ovnloom.world.subnet import pools as pools_of
from ovnloom.world.subnet import segment
from ovnloom.world.vip import booked

REASON = "AcquireAddressFailed"


class Candidate(NamedTuple):
    """One try: these addresses of a Subnet, or the next of its IPPool; all empty: its next."""

    subnet: str
    address: Pair = NO_ADDRESS
    pool: str = ""
    vip: str = ""
    """The Vip whose address it is."""


def candidates(read: Reader, pod: Pod, nic: Nic) -> list[Candidate] | Problem:
    """What to try for an interface, in order; or why nothing can be tried."""
    if nic.wish.vip:
        return _of_vip(read, nic)
    subnets = _subnets(read, pod, nic)
    if isinstance(subnets, Problem):
        return subnets
    wish = nic.wish
    if wish.address != NO_ADDRESS:
        return [Candidate(name, wish.address) for name in _containing(read, subnets, wish.address)]
    if wish.pool:
        return _of_pool(read, wish.pool, subnets, nic)
    if wish.entries:
        return _of_list(read, pod, nic, subnets)
    pools = read.view(namespaces.pools, pod.namespace) if nic.is_default and not nic.subnet else ()
    if pools:
        found = [read.get(IPPool, Key(name)) for name in pools]
        tries = [Candidate(pool.subnet, NO_ADDRESS, pool.name) for pool in found if pool and pool.subnet in subnets]
        if tries:
            return tries
        listed = ", ".join(pools)
        wrong = f"namespace {pod.namespace} gets addresses from IPPool {listed} only, of a Subnet it isn't bound to"
        return Problem(REASON, f"{wrong}; bind the namespace to that Subnet or take it out of the IPPool")
    return [Candidate(name) for name in subnets]


def _subnets(read: Reader, pod: Pod, nic: Nic) -> tuple[str, ...] | Problem:
    if nic.subnet:
        return (nic.subnet,)
    if nic.wish.pool:
        pool = read.get(IPPool, Key(nic.wish.pool))
        if pool is not None:
            return (pool.subnet,)
    if nic.provider == "ovn":
        return read.view(namespaces.subnets, pod.namespace)
    found = tuple(subnet.name for subnet in read.find(SUBNETS_OF_PROVIDER, nic.network))
    if not found:
        where = nic.annotation("logical_switch")
        wrong = f"no Subnet has spec.provider {nic.network}; create one or name one in annotation {where}"
        return Problem("PodNetworkUpdateFailed", wrong)
    return found[:1]


def _containing(read: Reader, subnets: tuple[str, ...], wanted: Pair) -> tuple[str, ...]:
    """The Subnets that the addresses lie in; the first of all when they lie in none, for its refusal says why."""
    inside = []
    for name in subnets:
        net = read.view(segment, name)
        if net is None:
            continue
        of = [(net.networks.of(family), wanted.of(family)) for family in wanted.families]
        if all(network is not None and number is not None and number in network for network, number in of):
            inside.append(name)
    return tuple(inside) or subnets[:1]


def _of_vip(read: Reader, nic: Nic) -> list[Candidate] | Problem:
    """The address of the Vip that the interface names: the one that it holds, or that an older controller gave it."""
    name, where = nic.wish.vip, nic.annotation("vip")
    ip = read.view(booked, name)
    if ip is not None:
        return [Candidate(ip.subnet, parse_pair(ip.ip_address), vip=name)]
    vip = read.get(Vip, Key(name))
    try:
        said = parse_pair(",".join(filter(None, (vip.said_v4, vip.said_v6)))) if vip else NO_ADDRESS
    except Malformed:
        said = NO_ADDRESS
    if vip is not None and said != NO_ADDRESS:
        return [Candidate(vip.subnet, said, vip=name)]
    why = "has no address yet, see its conditions" if vip else "does not exist; create it"
    return Problem("VipMissing", f"annotation {where} names Vip {shown(name)}, which {why}")


def _of_pool(read: Reader, name: str, subnets: tuple[str, ...], nic: Nic) -> list[Candidate] | Problem:
    pool = read.get(IPPool, Key(name))
    where = nic.annotation("ip_pool")
    if pool is None:
        wrong = f"annotation {where} names IPPool {shown(name)}, which does not exist; create it or name another"
        return Problem(REASON, wrong)
    if name in read.view(pools_of, pool.subnet)[1]:
        wrong = f"annotation {where} names IPPool {name}, which is not valid, see its conditions; repair it"
        return Problem(REASON, wrong)
    if pool.subnet not in subnets:
        wrong = f"annotation {where} names IPPool {name} of Subnet {pool.subnet}, but the Pod is on"
        return Problem(REASON, f"{wrong} {', '.join(subnets)}; name an IPPool of that Subnet")
    return [Candidate(pool.subnet, NO_ADDRESS, name)]


def _of_list(read: Reader, pod: Pod, nic: Nic, subnets: tuple[str, ...]) -> list[Candidate] | Problem:
    """A Pod of a StatefulSet takes the entry of its ordinal, others the first that is free."""
    entries = nic.wish.entries
    if pod.owner is not None and pod.owner.kind == "StatefulSet":
        owner = read.get(StatefulSet, Key(pod.owner.name, pod.namespace))
        ordinal = pod.name.rpartition("-")[2]
        at = int(ordinal) - (owner.start if owner else 0) if ordinal.isdigit() else -1
        if not 0 <= at < len(entries):
            where = nic.annotation("ip_pool")
            wrong = f"annotation {where} has {len(entries)} entries, too few for ordinal {ordinal}; add more"
            return Problem("NoAvailableAddress", wrong)
        return [Candidate(name, entries[at]) for name in _containing(read, subnets, entries[at])]
    return [Candidate(name, item) for item in entries for name in _containing(read, subnets, item)]


def families_of(wish: Wish, networks: Networks) -> tuple[Family, ...] | str:
    """The families that an interface gets in a Subnet, or in words why it can't have the one that it asks for."""
    if not wish.family:
        return networks.families
    family: Family = 4 if wish.family == "ipv4" else 6
    if networks.of(family) is None:
        return f"annotation ip_family is {wish.family}, but the Subnet has {networks} only; choose its family"
    return (family,)
