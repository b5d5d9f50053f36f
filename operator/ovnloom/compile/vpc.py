"""A Vpc is one Logical_Router with its routes, policies and peerings."""

from __future__ import annotations

from collections.abc import Iterator

from ovnloom.api.meta import Key
from ovnloom.api.subnet import Subnet
from ovnloom.api.vpc import Peering, PolicyRoute, StaticRoute, Vpc
from ovnloom.compile.rows import policy, static_route
from ovnloom.compile.vpc_load_balancers import load_balancer_rows, load_balancer_status
from ovnloom.intent import EMPTY, Intent, Parent, Problem, Report, Row, Value
from ovnloom.ipam import Malformed, address_text, parse_address, parse_network
from ovnloom.ovn import names
from ovnloom.ovn.expression import check_match
from ovnloom.world.gateway import join_gateway
from ovnloom.world.graph import Reader
from ovnloom.world.indexes import SUBNETS_OF_VPC
from ovnloom.world.problem import idle, invalid, shown
from ovnloom.world.subnet import default_subnet, is_frozen, is_older, is_ovn_provider, members_by_age, unusable_join
from ovnloom.world.vpc import exists

POLICIES = {"": "dst-ip", "policyDst": "dst-ip", "policySrc": "src-ip"}
ACTIONS = ("allow", "drop", "reroute")
ANYWHERE = ((4, "0.0.0.0/0"), (6, "::/0"))
OPTIONS = {"mac_binding_age_threshold": "300", "dynamic_neigh_routers": "true"}
REASON = "ValidateVpcFailed"


def compile_vpc(read: Reader, key: Key) -> Intent:
    """A Vpc is one Logical_Router. A Vpc with a mistake keeps its last good rows and says what to change.

    Traffic of the default Vpc that no policy catches leaves by the join network, in every route table that is in use.
    """
    vpc = read.get(Vpc, key)
    if vpc is None or not read.view(exists, key.name):
        return EMPTY
    report = _report(read, vpc)
    wrong = [*vpc.malformed, *_wrong_routes(vpc), *_wrong_policies(vpc), *_wrong_peerings(vpc)]
    namesake = read.get(Subnet, key)
    if namesake is not None and is_older(namesake, vpc):
        wrong.append(f"metadata.name is also the name of Subnet {key.name}; give the Vpc another name")
    if wrong:
        return Intent.held(*(invalid(REASON, sentence) for sentence in wrong), report=report)
    if key.name == read.settings.cluster_router and read.view(is_frozen, read.settings.join_subnet):
        return Intent.held(unusable_join(read), report=report)
    router = names.router(key.name)
    rows = [Row("Logical_Router", router, {"name": router, "options": OPTIONS})]
    rows.extend(_static_routes(router, vpc.static_routes))
    rows.extend(_join_routes(read, vpc))
    rows.extend(_policies(router, vpc.policy_routes))
    rows.extend(_peering(router, peering) for peering in vpc.peerings)
    rows.extend(load_balancer_rows(read, vpc.name))
    return Intent(tuple(_distinct(rows)), problems=tuple(_warnings(read, vpc)), report=report)


def _distinct(rows: list[Row]) -> Iterator[Row]:
    seen = set()
    for row in rows:
        if row.ref not in seen:
            seen.add(row.ref)
            yield row


def _static_routes(router: str, routes: tuple[StaticRoute, ...]) -> Iterator[Row]:
    for route in routes:
        prefix = _prefix(route.cidr)
        yield static_route(router, prefix, route.next_hop_ip.strip(), POLICIES[route.policy], route.route_table)


def _prefix(text: str) -> str:
    """The canonical form of a CIDR or address, as OVN stores and compares it."""
    if "/" in text:
        return str(parse_network(text))
    return address_text(*parse_address(text))


def _join_routes(read: Reader, vpc: Vpc) -> Iterator[Row]:
    if vpc.name != read.settings.cluster_router:
        return
    gateway = read.view(join_gateway, None)
    tables = sorted({"", *(route.route_table for route in vpc.static_routes)})
    for family, anywhere in ANYWHERE:
        number = gateway.of(4 if family == 4 else 6)
        if number is None:
            continue
        for table in tables:
            taken = any(
                route.route_table == table and POLICIES[route.policy] == "dst-ip" and _prefix(route.cidr) == anywhere
                for route in vpc.static_routes
            )
            if not taken:  # a default route of the user's own stands alone
                yield static_route(vpc.name, anywhere, address_text(4 if family == 4 else 6, number), table=table)


def _policies(router: str, routes: tuple[PolicyRoute, ...]) -> Iterator[Row]:
    for route in routes:
        hops = tuple(hop.strip() for hop in route.next_hop_ip.split(",") if hop.strip())
        if route.action != "reroute":
            hops = ()
        yield policy(router, route.priority, route.match.strip(), route.action, hops)


def _peering(router: str, peering: Peering) -> Row:
    name = names.peering_port(router, peering.remote_vpc)
    networks = frozenset(item.strip() for item in peering.local_connect_ip.split(","))
    columns: dict[str, Value] = {
        "name": name,
        "mac": names.router_port_mac(name),
        "networks": networks,
        "peer": names.peering_port(peering.remote_vpc, router),
        "external_ids": {names.KEY_ROUTER: router},
    }
    return Row("Logical_Router_Port", name, columns, Parent("Logical_Router", router, "ports"), kept=("mac",))


def _warnings(read: Reader, vpc: Vpc) -> Iterator[Problem]:
    for peering in vpc.peerings:
        remote = read.get(Vpc, Key(peering.remote_vpc))
        if remote is None or all(back.remote_vpc != vpc.name for back in remote.peerings):
            wrong = f"spec.vpcPeerings names {peering.remote_vpc}, which doesn't name this Vpc; declare both sides"
            yield Problem("PeerMissing", wrong)
    for field, asked in (
        ("enableExternal", vpc.enable_external),
        ("enableBfd", vpc.enable_bfd),
        ("bfdPort", vpc.bfd_port),
    ):
        if asked:
            yield idle("NotServed", f"spec.{field} is set, but gateways to the outside are not served; leave it out")
    if any(route.bfd_id for route in vpc.static_routes):
        yield idle("NotServed", "spec.staticRoutes has a bfdId, but BFD is not served; the route stands without it")
    wanted = vpc.default_subnet if vpc.name != read.settings.cluster_router else ""
    if wanted and wanted not in read.view(members_by_age, vpc.name):
        wrong = f"spec.defaultSubnet {wanted} is no Subnet of this Vpc; create it or name another"
        yield Problem("DefaultSubnetMissing", wrong)


def _wrong_routes(vpc: Vpc) -> Iterator[str]:
    for at, route in enumerate(vpc.static_routes):
        where = f"spec.staticRoutes[{at}]"
        if route.policy not in POLICIES:
            yield f"{where}.policy is {shown(route.policy)}; use policyDst or policySrc"
        try:
            part = "cidr"
            family = 6 if ":" in _prefix(route.cidr) else 4
            part = "nextHopIP"
            if parse_address(route.next_hop_ip)[0] != family:
                yield f"{where}.nextHopIP is {shown(route.next_hop_ip)}; use an address of the family of its cidr"
        except Malformed as malformed:
            yield f"{where}.{part} {malformed}"


def _wrong_policies(vpc: Vpc) -> Iterator[str]:
    for at, route in enumerate(vpc.policy_routes):
        where = f"spec.policyRoutes[{at}]"
        if not 0 <= route.priority <= 32767:
            yield f"{where}.priority is {route.priority}; use 0 to 32767"
        if route.action not in ACTIONS:
            yield f"{where}.action is {shown(route.action)}; use allow, drop or reroute"
        wrong = check_match(route.match)
        if wrong:
            yield f"{where}.match {wrong}"
        if route.action == "reroute":
            try:
                if not [parse_address(hop) for hop in route.next_hop_ip.split(",")]:
                    yield f"{where}.nextHopIP is empty; name the next hop"
            except Malformed as malformed:
                yield f"{where}.nextHopIP {malformed}"


def _wrong_peerings(vpc: Vpc) -> Iterator[str]:
    for at, peering in enumerate(vpc.peerings):
        where = f"spec.vpcPeerings[{at}]"
        if not peering.remote_vpc or peering.remote_vpc == vpc.name:
            yield f"{where}.remoteVpc is {shown(peering.remote_vpc)}; name another Vpc"
        try:
            for cidr in peering.local_connect_ip.split(","):
                parse_network(cidr)
        except Malformed as malformed:
            yield f"{where}.localConnectIP {malformed}"


def _report(read: Reader, vpc: Vpc) -> Report:
    members = set(read.view(members_by_age, vpc.name))
    is_default = vpc.name == read.settings.cluster_router
    switch = read.view(default_subnet, vpc.name)
    if not is_default and vpc.default_subnet in members:
        switch = vpc.default_subnet
    status = {
        "standby": True,
        "default": is_default,
        "router": names.router(vpc.name),
        "defaultLogicalSwitch": switch if switch in members or is_default else "",
        "subnets": sorted(name for name in members if not _is_going(read, name)),
        "vpcPeerings": [peering.remote_vpc for peering in vpc.peerings],
        **load_balancer_status(read, vpc.name),
    }
    blockers = ""
    if vpc.deleting:
        there = read.find(SUBNETS_OF_VPC, vpc.name)
        still = sorted({*members, *(subnet.name for subnet in there if is_ovn_provider(subnet.provider))})
        if still:
            blockers = f"Vpc {vpc.name} is in use by Subnet {', '.join(still[:10])}; delete or move them first"
    return Report(status=status, ready="ReconcileVpcSuccess", blockers=blockers)


def _is_going(read: Reader, subnet: str) -> bool:
    return read.view(is_deleting, subnet)


def is_deleting(read: Reader, name: str) -> bool:
    """View: somebody asked for the deletion of the Subnet."""
    found = read.get(Subnet, Key(name))
    return found is not None and found.deleting
