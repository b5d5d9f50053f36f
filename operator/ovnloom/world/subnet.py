"""Subnets, judged: what a Subnet's fields mean, and what is wrong with them.

A Subnet that can't be used as written is *invalid*: its last good rows stay, it gives no addresses, and it says why.
The older of two Subnets in conflict keeps working.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ovnloom.api.meta import Key
from ovnloom.api.node import Node
from ovnloom.api.subnet import Subnet
from ovnloom.api.vpc import Vpc
from ovnloom.intent import Problem
from ovnloom.ipam import (
    FAMILIES,
    NO_ADDRESS,
    Family,
    Layout,
    Malformed,
    Networks,
    Pair,
    Spans,
    disjoint_pools,
    exclude_items,
    parse_address,
    parse_cidr_block,
    parse_items,
    parse_pair,
)
from ovnloom.world.graph import Reader
from ovnloom.world.indexes import DEFAULT_SUBNETS, POOLS_OF_SUBNET, SUBNETS_OF_VPC, by_age
from ovnloom.world.moments import Strays
from ovnloom.world.problem import invalid
from ovnloom.world.subnet_rules import check_fields, check_gateway
from ovnloom.world.underlay import Uplink, uplink

NO_NETWORKS = Networks()


@dataclass(frozen=True, slots=True)
class Segment:
    """One Subnet as everybody else sees it; `networks` is empty while its addresses can't be read."""

    name: str
    vpc: str
    provider: str
    is_ovn: bool
    networks: Networks = NO_NETWORKS
    gateway: Pair = NO_ADDRESS
    excludes: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()
    is_deleting: bool = False
    uplink: Uplink | None = None
    """The physical network that it is part of; None for one of the overlay."""

    @property
    def is_valid(self) -> bool:
        """It may give addresses, and its rows may change."""
        return not self.problems and bool(self.networks.families)

    def layout(self, pools: tuple[tuple[str, Spans], ...]) -> Layout:
        """What its addresses are divided into."""
        return Layout(self.networks, self.gateway, parse_items(self.excludes), pools)


def is_ovn_provider(provider: str) -> bool:
    """A Subnet of this provider has ports in OVN: empty, `ovn`, or `<definition>.<namespace>.ovn`."""
    parts = provider.split(".")
    return provider in ("", "ovn") or (len(parts) == 3 and parts[2] == "ovn" and all(parts))


def vpc_name(read: Reader, subnet: Subnet) -> str:
    """The Vpc that a Subnet is in; left empty it is the default one (for providers other than OVN, none)."""
    if subnet.vpc:
        return subnet.vpc
    return read.settings.cluster_router if is_ovn_provider(subnet.provider) else ""


def has_load_balancers(read: Reader, subnet: Subnet) -> bool:
    """Nodes reach Services by themselves, so the join Subnet never has load balancers."""
    if subnet.name == read.settings.join_subnet:
        return False
    return read.settings.enable_lb if subnet.enable_lb is None else subnet.enable_lb


def segment(read: Reader, name: str) -> Segment | None:
    """View: the Subnet, judged; None when there is none."""
    subnet = read.get(Subnet, Key(name))
    if subnet is None:
        return None
    vpc, is_ovn = vpc_name(read, subnet), is_ovn_provider(subnet.provider)
    provider = subnet.provider or "ovn"
    networks, gateway, excludes, problems = read.view(addresses, name)
    problems = problems or check_fields(subnet, networks)
    physical = read.view(uplink, subnet.vlan) if subnet.vlan and is_ovn else None
    if isinstance(physical, Problem):
        problems, physical = problems or (physical,), None
    if not problems and is_ovn:
        problems = _conflicts(read, subnet, vpc, networks)
    return Segment(name, vpc, provider, is_ovn, networks, gateway, excludes, problems, subnet.deleting, physical)


def is_frozen(read: Reader, name: str) -> bool:
    """View: nothing of the Subnet may change, because its spec can't be used as it is written, or not yet.

    Whoever's rows depend on its spec keeps the last good ones too: half of a bad edit would cut what works.
    """
    net = read.view(segment, name)
    return net is not None and (not net.is_valid or read.get(Strays, Key(name)) is not None)


Addresses = tuple[Networks, Pair, tuple[str, ...], tuple[Problem, ...]]


def addresses(read: Reader, name: str) -> Addresses:
    """View: the CIDRs, gateways and excluded addresses of a Subnet, defaults filled in, or the problems with them."""
    subnet = read.get(Subnet, Key(name))
    if subnet is None:
        return NO_NETWORKS, NO_ADDRESS, (), ()
    where = "spec.cidrBlock"
    try:
        networks = parse_cidr_block(subnet.cidr_block)
        where = "spec.gateway"
        named, default = parse_pair(subnet.gateway), networks.default_gateway
        gateway = Pair(*(named.of(family) or default.of(family) for family in FAMILIES))
        where = "spec.excludeIps"
        excludes = exclude_items(subnet.exclude_ips, gateway)
    except Malformed as malformed:
        return NO_NETWORKS, NO_ADDRESS, (), (invalid("ValidateLogicalSwitchFailed", f"{where} {malformed}"),)
    problems = check_gateway(networks, gateway)
    return (NO_NETWORKS, NO_ADDRESS, (), problems) if problems else (networks, gateway, excludes, ())


def _conflicts(read: Reader, subnet: Subnet, vpc: str, networks: Networks) -> tuple[Problem, ...]:
    name = subnet.name
    namesake = read.get(Vpc, Key(name))
    if vpc == name or (namesake is not None and not is_older(subnet, namesake)):
        wrong = f"metadata.name is also the name of Vpc {name}; give the Subnet another name"
        return (invalid("ValidateLogicalSwitchFailed", wrong),)
    for space in _spaces(subnet):
        other = read.view(overlaps, (vpc, space)).get(name)
        if not other:
            continue
        wrong = f"spec.cidrBlock {networks} overlaps {other}; choose a CIDR that nothing else in Vpc {vpc} uses"
        return (invalid("ValidateLogicalSwitchFailed", wrong),)
    if vpc == read.settings.cluster_router and name != read.settings.join_subnet and not subnet.vlan:
        node = read.view(node_inside, networks)
        if node:
            wrong = f"spec.cidrBlock {networks} contains the InternalIP of {node}; choose a CIDR that no node is in"
            return (invalid("ValidateLogicalSwitchFailed", wrong),)
    return ()


def unusable_join(read: Reader) -> Problem:
    """What is told about everything else that stays as it is for the join Subnet's sake."""
    wrong = f"Subnet {read.settings.join_subnet} can't be used as it is written, see its conditions; repair it"
    return Problem("JoinSubnetInvalid", f"{wrong}. Until then this stays as it was")


def is_older(subnet: Subnet, vpc: Vpc) -> bool:
    """Whether a Subnet has the better right to a name that it shares with a Vpc."""
    return by_age(subnet)[0] < by_age(vpc)[0]


def _spaces(subnet: Subnet) -> Iterator[str]:
    """Where no address may be twice: among what the Vpc's router is joined to (""), and in a Vlan."""
    if subnet.has_router or subnet.is_interconnected:
        yield ""
    if subnet.vlan:
        yield subnet.vlan


def spaces(read: Reader, name: str) -> tuple[str, ...]:
    """View: among which Subnets of its Vpc the addresses of a Subnet must be its own."""
    subnet = read.get(Subnet, Key(name))
    return tuple(_spaces(subnet)) if subnet else ()


def overlaps(read: Reader, place: tuple[str, str]) -> dict[str, str]:
    """View: for each Subnet of a Vpc and space whose addresses an older one (or the Services) has, that, in words.

    One pass over the Vpc's Subnets in the order of their addresses, only when a CIDR in the Vpc changes.
    """
    vpc, space = place
    found: dict[str, str] = {}
    taken: list[tuple[int, Networks, str]] = []
    if vpc == read.settings.cluster_router:
        services = parse_cidr_block(read.settings.service_cidr)
        taken.append((-1, services, f"the range of Services {services}"))
    for age, name in enumerate(read.view(members_by_age, vpc)):
        if space not in read.view(spaces, name):
            continue
        networks = read.view(addresses, name)[0]
        if networks.families:
            taken.append((age, networks, f"Subnet {name} ({networks})"))
    names = {age: words for age, _, words in taken}
    for family in FAMILIES:
        _sweep(family, taken, found, names)
    return found


def _sweep(
    family: Family, taken: list[tuple[int, Networks, str]], found: dict[str, str], names: dict[int, str]
) -> None:
    """Two CIDRs either are disjoint or one contains the other, so open ones form a stack."""
    ranges = sorted(
        (network.address, -network.last_address, age)
        for age, networks, _ in taken
        if (network := networks.of(family)) is not None
    )
    open_: list[tuple[int, int]] = []
    for first, minus_last, age in ranges:
        while open_ and open_[-1][0] < first:
            open_.pop()
        for _, other in open_:
            younger, older = max(age, other), min(age, other)
            name = names[younger].split(" ")[1]
            found.setdefault(name, names[older])
        open_.append((-minus_last, age))


def members_by_age(read: Reader, vpc: str) -> tuple[str, ...]:
    """View: the names of the Vpc's Subnets in OVN, the join Subnet first, then the oldest first."""
    found = list(read.find(SUBNETS_OF_VPC, vpc))
    if vpc == read.settings.cluster_router:
        found += read.find(SUBNETS_OF_VPC, "")
        found = SUBNETS_OF_VPC.in_order(found)
        found.sort(key=lambda subnet: subnet.name != read.settings.join_subnet)
    return tuple(subnet.name for subnet in found if is_ovn_provider(subnet.provider))


def node_addresses(read: Reader, _: None) -> dict[tuple[Family, int], str]:
    """View: the InternalIPs of all Nodes, and whose they are."""
    found: dict[tuple[Family, int], str] = {}
    for key in sorted(read.keys(Node)):
        node = read.get(Node, key)
        for ip in node.internal_ips if node else ():
            try:
                found[parse_address(ip)] = f"Node {key.name}"
            except Malformed:
                continue
    return found


def node_inside(read: Reader, networks: Networks) -> str:
    """View: a Node whose InternalIP lies in one of the CIDRs, in words, or nothing."""
    for (family, number), words in read.view(node_addresses, None).items():
        network = networks.of(family)
        if network and number in network:
            return words
    return ""


def default_subnet(read: Reader, vpc: str) -> str:
    """View: the Subnet of Pods in this Vpc that nothing binds to another; empty when there is none.

    In the default Vpc only the Subnet that the settings name can be it; elsewhere the oldest that says `default: true`.
    """
    if vpc == read.settings.cluster_router:
        return read.settings.default_subnet
    found = read.find(DEFAULT_SUBNETS, vpc)
    return found[0].name if found else ""


def pools(read: Reader, name: str) -> tuple[tuple[tuple[str, Spans], ...], dict[str, Problem]]:
    """View: the IPPools of a Subnet that can stand together, oldest first, and what is wrong with the others."""
    parsed: list[tuple[str, Spans]] = []
    problems: dict[str, Problem] = {}
    for pool in read.find(POOLS_OF_SUBNET, name):
        if pool.deleting:
            continue
        if pool.malformed:
            problems[pool.name] = invalid("UpdateIPAMFailed", pool.malformed[0])
            continue
        try:
            parsed.append((pool.name, parse_items(pool.ips)))
        except Malformed as malformed:
            problems[pool.name] = invalid("UpdateIPAMFailed", f"spec.ips {malformed}")
    kept, refused = disjoint_pools(parsed)
    for loser, (winner, shared) in refused.items():
        wrong = f"spec.ips shares {shared} with IPPool {winner}; give each address to one IPPool only"
        problems[loser] = invalid("UpdateIPAMFailed", wrong)
    return kept, problems
