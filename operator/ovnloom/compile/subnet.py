"""A Subnet is one Logical_Switch, joined to the router of its Vpc."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from hashlib import sha256
from json import dumps
from typing import Any

from ovnloom.api.ip import IP
from ovnloom.api.meta import Key
from ovnloom.api.subnet import Subnet
from ovnloom.compile.subnet_acls import acls
from ovnloom.compile.subnet_dhcp import dhcp_rows, ra_configs
from ovnloom.compile.subnet_gateway import gateway_mistakes, gateway_rows
from ovnloom.compile.subnet_underlay import NO_STATE_IS_INVALID, interconnection_rows, localnet_port
from ovnloom.intent import EMPTY, Intent, Parent, Problem, Ref, Report, Row, Value
from ovnloom.ipam import Pair, address_text, parse_item, parse_pair
from ovnloom.ovn import names
from ovnloom.world.gateway import carriers, is_centralized, listed
from ovnloom.world.graph import Reader
from ovnloom.world.indexes import DEFAULT_SUBNETS, IPS_OF_SUBNET
from ovnloom.world.interconnection import address, place
from ovnloom.world.moments import Strays
from ovnloom.world.problem import idle, invalid, shown
from ovnloom.world.subnet import Segment, has_load_balancers, is_frozen, segment, unusable_join
from ovnloom.world.vip import proxied
from ovnloom.world.vpc import exists

MOST_NAMED = 5
"""Objects that a sentence names before it says how many more there are."""


def compile_subnet(read: Reader, key: Key) -> Intent:
    """A Subnet is one Logical_Switch, joined to the router of its Vpc.

    While the Vpc is missing the switch stands alone: Pods of the Subnet reach each other and nothing else. A Subnet
    that can't be used as it is written keeps its last good rows.
    """
    subnet, net = read.get(Subnet, key), read.view(segment, key.name)
    if subnet is None or net is None:
        return EMPTY
    blockers = _blockers(read, subnet)
    if not net.is_valid:
        return Intent.held(*net.problems, report=Report(blockers=blockers))
    strays = read.get(Strays, key)
    if strays is not None:
        return Intent.held(_left_out(strays.words), report=Report(blockers=blockers))
    if subnet.private and read.view(is_frozen, read.settings.join_subnet):
        return Intent.held(unusable_join(read), report=Report(blockers=blockers))
    report = _report(read, subnet, net, blockers)
    problems = tuple(_warnings(read, subnet, net))
    if not net.is_ovn:
        return Intent(report=report, problems=problems)
    is_joined = read.view(exists, net.vpc)
    balancers = net.vpc if is_joined and has_load_balancers(read, subnet) else ""
    rows = [switch_row(subnet, balancers), *acls(read, subnet, net), *dhcp_rows(read, subnet, net)]
    if net.uplink is not None:
        rows.append(localnet_port(net, net.uplink))
    if not is_joined:
        missing = Problem("VpcMissing", f"spec.vpc is {net.vpc!r}; create that Vpc or name another")
        return Intent(tuple(rows), problems=(missing,), report=report)
    if subnet.has_router:
        rows.extend(_link(subnet, net, net.gateway, read.view(proxied, net.name)))
        rows.extend(gateway_rows(read, subnet, net))
    ip = address(read, subnet)
    if ip is not None:
        rows.extend(_link(subnet, net, parse_pair(ip.ip_address), read.view(proxied, net.name), ip.mac))
        rows.extend(interconnection_rows(read, net))
    is_crossed = net.uplink is not None and (subnet.has_router or ip is not None)
    members = (NO_STATE_IS_INVALID,) if is_crossed else ()
    return Intent(tuple(rows), members, problems=problems, report=report)


def switch_row(subnet: Subnet, balancers: str = "") -> Row:
    """The switch; whether it can do more than switch is said by other rows.

    `balancers` is the Vpc whose load balancers it has; none when empty.
    """
    columns: dict[str, Value] = {"name": subnet.name}
    if balancers:
        group = Ref("Load_Balancer_Group", names.load_balancer_group(balancers))
        columns["load_balancer_group"] = frozenset({group})
    if subnet.enable_multicast_snoop:
        columns["other_config"] = {"mcast_snoop": "true", "mcast_querier": "false"}
    return Row("Logical_Switch", names.switch(subnet.name), columns)


def _link(subnet: Subnet, net: Segment, own: Pair, balanced: tuple[str, ...], mac: str = "") -> Iterator[Row]:
    """The pair of ports that joins switch and router, which also answers for the addresses of load balancers.

    `own` are the router's addresses; without a `mac` of its own it keeps the one that it has.
    """
    router, switch = names.router(net.vpc), names.switch(net.name)
    port = names.router_port(router, switch)
    columns: dict[str, Value] = {
        "name": port,
        "mac": mac or names.router_port_mac(port),
        "networks": frozenset(
            f"{address_text(network.family, number)}/{network.prefix}"
            for network in net.networks
            if (number := own.of(network.family)) is not None
        ),
        "external_ids": {names.KEY_ROUTER: router},
    }
    if subnet.enable_ipv6_ra and net.networks.v6:
        columns["ipv6_ra_configs"] = ra_configs(subnet)
    options = {}
    if subnet.mtu:
        options["gateway_mtu"] = str(subnet.mtu)
    if subnet.route_table:
        options["route_table"] = subnet.route_table
    if options:
        columns["options"] = options
    kept = () if mac else ("mac",)
    yield Row("Logical_Router_Port", port, columns, Parent("Logical_Router", router, "ports"), kept=kept)
    name = names.switch_router_port(switch, router)
    facing: dict[str, Value] = {
        "name": name,
        "type": "router",
        "addresses": frozenset({"router"}),
        "options": {"router-port": port, **({"arp_proxy": " ".join(balanced)} if balanced else {})},
        "external_ids": {names.KEY_SWITCH: switch},
    }
    yield Row("Logical_Switch_Port", name, facing, Parent("Logical_Switch", switch, "ports"))


def _left_out(words: tuple[str, ...]) -> Problem:
    more = f" and {len(words) - MOST_NAMED} more" if len(words) > MOST_NAMED else ""
    wrong = (
        f"spec.cidrBlock or spec.gateway takes away addresses in use ({', '.join(words[:MOST_NAMED])}{more}); "
        "delete those Pods or IPs first, or change it back. Until then the Subnet stays as it was"
    )
    return invalid("AddressesInUse", wrong)


def _warnings(read: Reader, subnet: Subnet, net: Segment) -> Iterator[Problem]:
    yield from _without_effect(subnet, net)
    is_default_vpc = net.vpc == read.settings.cluster_router
    if subnet.default:
        if is_default_vpc and subnet.name != read.settings.default_subnet:
            yield _second_default(read.settings.default_subnet, net.vpc)
        elif not is_default_vpc:
            first = read.find(DEFAULT_SUBNETS, net.vpc)[0]
            if first.name != subnet.name:
                yield _second_default(first.name, net.vpc)
    if is_default_vpc and is_centralized(subnet) and net.is_ovn:
        if not listed(read, subnet):
            wrong = "spec.gatewayType is centralized, but spec.gatewayNode and spec.gatewayNodeSelectors name no node"
            yield Problem("NoReadyGateway", f"{wrong}; name one")
        elif not carriers(read, subnet):
            yield Problem("NoActiveGatewayFound", "none of the Subnet's gateway nodes is ready; repair or add one")
        yield from gateway_mistakes(read, subnet, net)


def _without_effect(subnet: Subnet, net: Segment) -> Iterator[Problem]:
    for item in subnet.exclude_ips:
        family, (first, last) = parse_item(item)
        network = net.networks.of(family)
        if network is None or last < network.address or first > network.last_address:
            wrong = f"spec.excludeIps has {shown(item)}, which lies outside spec.cidrBlock {net.networks}"
            yield idle("ExcludeIpsOutside", f"{wrong} and has no effect; correct or remove it")
    if subnet.is_interconnected and subnet.overlay_only_routing:
        yield idle("NotServed", "spec.u2oFeatures.overlayOnlyRouting is not served; leave it out")
    if subnet.vips:
        yield idle("NotServed", "spec.vips are not served; leave them out")


def _second_default(first: str, vpc: str) -> Problem:
    wrong = f"spec.default is true, but {first} is the default of Vpc {vpc}; set it to false"
    return Problem("TwoDefaultSubnets", wrong)


def _blockers(read: Reader, subnet: Subnet) -> str:
    if not subnet.deleting:
        return ""
    held = sorted({*read.keys_of(IPS_OF_SUBNET, subnet.name)} - {place(read, subnet)})
    if not held:
        return ""
    first = [read.get(IP, key) for key in held[:MOST_NAMED]]
    named = ", ".join(f"{ip.ip_address} of {ip.name}" for ip in first if ip)
    more = f" and {len(held) - MOST_NAMED} more" if len(held) > MOST_NAMED else ""
    return f"Subnet {subnet.name} has addresses in use: {named}{more}; it goes when they are gone"


def _report(read: Reader, subnet: Subnet, net: Segment, blockers: str) -> Report:
    is_default_vpc = net.vpc == read.settings.cluster_router
    spec: dict[str, Any] = {
        "protocol": net.networks.protocol,
        "cidrBlock": str(net.networks),
        "gateway": net.gateway.text,
        "excludeIps": list(net.excludes),
        "provider": net.provider,
    }
    if net.vpc:
        spec["vpc"] = net.vpc
    is_join = subnet.name == read.settings.join_subnet
    if is_default_vpc and not is_join and not subnet.gateway_type:
        spec["gatewayType"] = "distributed"
    if net.is_ovn and not is_join and subnet.enable_lb is None:
        spec["enableLb"] = read.settings.enable_lb
    status: dict[str, Any] = {"activateGateway": ""}
    ready = "ResetLogicalSwitchAclSuccess" if not subnet.private else "SetPrivateLogicalSwitchSuccess"
    if is_default_vpc and is_centralized(subnet):
        active = carriers(read, subnet)
        status["activateGateway"] = active[0] if active and not subnet.enable_ecmp else ""
        ready = "ReconcileCentralizedGatewaySuccess"
    if not net.is_ovn:
        ready = "SetNonOvnSubnetSuccess"
    status |= _dhcp_status(read, subnet, net)
    status |= _interconnection_status(read, subnet, net)
    status["natOutgoingPolicyRules"] = _nat_rules(subnet)
    return Report(spec=_differing(subnet, spec), status=status, ready=ready, blockers=blockers)


def _dhcp_status(read: Reader, subnet: Subnet, net: Segment) -> Mapping[str, Any]:
    refs: dict[str, Ref | str] = {"dhcpV4OptionsUUID": "", "dhcpV6OptionsUUID": ""}
    for row in dhcp_rows(read, subnet, net):
        is_v6 = ":" in str(row.columns["cidr"])
        refs["dhcpV6OptionsUUID" if is_v6 else "dhcpV4OptionsUUID"] = row.ref
    return refs


def _interconnection_status(read: Reader, subnet: Subnet, net: Segment) -> Mapping[str, str]:
    ip = address(read, subnet) if net.is_valid else None
    return {
        "u2oInterconnectionIP": ip.ip_address if ip else "",
        "u2oInterconnectionMAC": ip.mac if ip else "",
        "u2oInterconnectionVPC": net.vpc if ip else "",
    }


def _nat_rules(subnet: Subnet) -> list[Mapping[str, Any]]:
    """The rules by which nodes masquerade, each with an id that nodes name their own rules after."""
    found: list[Mapping[str, Any]] = []
    for at, rule in enumerate(subnet.nat_outgoing_policy_rules if subnet.nat_outgoing else ()):
        match = {name: text for name, text in (("srcIPs", rule.src_ips), ("dstIPs", rule.dst_ips)) if text}
        said = {"match": match, "action": rule.action}
        id_ = sha256(f"{subnet.name}{at}{dumps(said, separators=(',', ':'))}".encode()).hexdigest()[:12]
        found.append({"ruleID": id_, **said})
    return found


def _differing(subnet: Subnet, spec: Mapping[str, Any]) -> Mapping[str, Any]:
    """The defaults that the object lacks; what a user wrote and means the same stays as they wrote it."""
    said: Mapping[str, Any] = {
        "protocol": subnet.protocol,
        "cidrBlock": subnet.cidr_block,
        "gateway": subnet.gateway,
        "excludeIps": list(subnet.exclude_ips),
        "provider": subnet.provider,
        "vpc": subnet.vpc,
    }
    return {key: value for key, value in spec.items() if said.get(key, None) != value}
