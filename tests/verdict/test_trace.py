"""Verdicts against OVN itself: the same rows in a real database, asked by ovn-trace."""

from collections.abc import Callable
from itertools import product
from pathlib import Path
from random import Random

from ovnloom.api.service import Service
from ovnloom.northbound.wanted import Wanted
from ovnloom.pipeline import Pipeline
from ovnloom.settings import Settings
from ovnloom.verdict import Network, Protocol, Question
from sandbox import Ovn
from tests.compile.kit import cases
from tests.compile.manifests import load, load_file
from tests.northbound.conftest import Controller
from tests.verdict.rows import (
    acl,
    addresses,
    after,
    balancer,
    balancer_group,
    child,
    group,
    link,
    localnet,
    nat,
    peering,
    policy,
    port,
    route,
    router,
    switch,
    wanted,
)
from tests.verdict.tracing import differences, write

SAMPLED = 180
"""Of all pairs and ports of the world by hand, so many are asked."""
CLUSTER = Path(__file__).parents[1] / "compile/cluster.yaml"
WORLD = """
apiVersion: kubeovn.io/v1
kind: Subnet
metadata: {name: blue}
spec: {cidrBlock: 10.1.0.0/24, private: true, namespaces: [blue], allowSubnets: [10.2.0.0/24]}
---
apiVersion: kubeovn.io/v1
kind: Subnet
metadata: {name: green}
spec:
  cidrBlock: 10.2.0.0/24
  namespaces: [green]
  acls:
  - {direction: to-lport, priority: 1100, match: "ip4.src == 10.16.0.0/16 && tcp.dst == 80", action: allow-related}
  - {direction: to-lport, priority: 1050, match: "ip4.src == 10.16.0.0/16 && tcp", action: reject}
  - {direction: from-lport, priority: 1060, match: "udp && ip4.dst == 10.1.0.0/24", action: drop}
---
apiVersion: kubeovn.io/v1
kind: Vpc
metadata: {name: corp}
spec: {namespaces: [acme]}
---
apiVersion: kubeovn.io/v1
kind: Subnet
metadata: {name: acme}
spec: {cidrBlock: 10.3.0.0/24, vpc: corp, namespaces: [acme]}
""" + "".join(
    f"""
---
apiVersion: v1
kind: Pod
metadata: {{name: {name}, namespace: {namespace}, annotations: {{ovn.kubernetes.io/logical_switch: {subnet}}}}}
spec: {{nodeName: n1}}
"""
    for namespace, subnet in (("blue", "blue"), ("green", "green"), ("acme", "acme"), ("default", "ovn-default"))
    for name in ("a", "b")
)


def test_subnets_and_vpcs_are_judged_as_ovn_does(own_ovn: Ovn, controllers: Callable[..., Controller]) -> None:
    """Private Subnets, their exceptions, spec.acls and another Vpc: all pairs, by tcp and udp."""
    pipeline = Pipeline(Settings())
    pipeline.become([*load_file(CLUSTER), *load(WORLD)])
    network = Network.of(pipeline.wanted)
    write(own_ovn, controllers(own_ovn.nb).lock(), pipeline.wanted)
    ports = ["a.blue", "b.blue", "a.green", "a.acme", "b.acme", "a.default", "node-n1"]
    targets = [*ports, "8.8.8.8"]

    pairs = [(source, target) for source, target in product(ports, targets) if source != target]
    questions = [Question(*pair, protocol, port) for pair in pairs for protocol, port in (("tcp", 80), ("udp", 53))]
    questions += [Question("a.default", "a.green", "tcp", 81), Question("a.default", "b.blue", "icmp")]

    found = differences(own_ovn, network, questions)
    assert found == [], "\n".join(found)


BY_HAND = (
    router("r"),
    *(switch(name, groups=["services"]) for name in ("red", "blue")),
    switch("bare"),
    switch("join"),
    *link("red", "r", "10.1.0.1/24", "fd00:1::1/64"),
    *link("blue", "r", "10.2.0.1/24", "fd00:2::1/64"),
    *link("join", "r", "100.64.0.1/16", "fd64::1/64"),
    port("node-n1", "join", "100.64.0.2", "fd64::2"),
    port("node-n2", "join", "100.64.0.3", "fd64::3"),
    *(port(f"r{n}", "red", f"10.1.0.1{n}", f"fd00:1::1{n}") for n in range(4)),
    *(port(f"b{n}", "blue", f"10.2.0.1{n}", f"fd00:2::1{n}") for n in range(3)),
    *(port(f"x{n}", "bare", f"10.1.0.1{n}") for n in range(2)),
    route("r", "0.0.0.0/0", "100.64.0.2"),
    route("r", "::/0", "fd64::2"),
    route("r", "9.9.0.0/16", "100.64.0.3"),
    route("r", "9.9.9.0/24", "100.64.0.2"),
    route("r", "10.1.0.13/32", "100.64.0.3", "src-ip"),
    route("r", "7.0.0.0/8", "100.64.0.2", table="other"),
    route("r", "6.0.0.0/8", "200.0.0.1"),
    route("r", "5.0.0.0/8", "discard"),
    policy("r", 31000, "ip4.dst == {10.1.0.0/24, 10.2.0.0/24}", "allow"),
    policy("r", 29000, "ip4.src == $group_ip4", "reroute", "100.64.0.3"),
    policy("r", 28000, "ip4.dst == 8.8.4.4 && tcp", "drop"),
    policy("r", 28000, "ip4.dst == 6.6.6.6", "reroute", "201.0.0.1"),
    balancer_group("services", "web", "dns", "none", "silent", "whole", "loop"),
    balancer("web", {"10.96.0.1:80": "10.1.0.10:8080,10.2.0.10:8080", "[fd96::1]:80": "[fd00:2::10]:8080"}),
    balancer("dns", {"10.96.0.2:53": "10.2.0.11:5353"}, "udp"),
    balancer("none", {"10.96.0.3:80": ""}, reject="true"),
    balancer("silent", {"10.96.0.4:80": ""}),
    balancer("whole", {"10.96.0.5": "10.2.0.12"}),
    balancer("loop", {"10.96.0.6:80": "10.1.0.11:80"}),
    group("group", "r0", "r1", "b0"),
    group("second", "r1"),
    group("nobody"),
    group("elsewhere", "b2"),
    addresses("empty"),
    addresses("some", "10.1.0.12", "10.2.0.0/30"),
    addresses("both", "10.1.0.0/24", "fd00:1::/64"),
    # Tier 1 passes, denies and allows before all others.
    acl("@group", "to-lport", 30000, "outport == @group && ip4.src == 10.2.0.12", "pass", tier=1),
    acl("@group", "to-lport", 29999, "outport == @group && ip4.src == 10.2.0.0/24 && tcp.dst == 99", "drop", tier=1),
    acl("@group", "to-lport", 29998, "outport == @group && tcp.dst == 98", "allow-related", tier=1),
    # Tier 2: default drop of the group with exceptions.
    acl("@group", "to-lport", 2000, "outport == @group && ip", "drop"),
    acl(
        "@group", "to-lport", 2001, "outport == @group && ip4.src == $some && 8000 <= tcp.dst <= 9000", "allow-related"
    ),
    acl("@group", "to-lport", 2001, "outport == @group && ip4.src == $group_ip4 && udp", "allow"),
    acl("@group", "to-lport", 2002, "outport == @group && ip && ip4.src != $empty && sctp.dst == 7", "allow-related"),
    acl("@group", "to-lport", 2003, "outport == @group && ip4.src == $empty", "allow-related"),
    acl("@group", "to-lport", 2003, "outport == @group && ip4.src == {10.96.0.6, 10.1.0.11}", "allow-related"),
    acl("@group", "to-lport", 2004, "outport == @group && ip4.src == $both && tcp.dst == 8001", "allow-related"),
    acl("@group", "to-lport", 2005, "outport == @group && icmp4.type == 8", "allow-related"),
    after("@second", 2000, "inport == @second && ip", "drop"),
    after("@second", 2001, "inport == @second && ip4.dst == 10.2.0.10 && tcp.dst == 8080", "allow-related"),
    after("@second", 2001, "inport == @second && ip4.dst == 10.1.0.11", "allow-related"),
    acl("@second", "from-lport", 2500, "inport == @second && ip4.dst == 10.96.0.5", "reject"),
    # Where a group has no port, what names it isn't read at all.
    acl("@elsewhere", "to-lport", 2100, "(outport == @elsewhere || outport == @nobody) && tcp", "drop"),
    acl("@elsewhere", "to-lport", 2101, "outport == @elsewhere && tcp.dst == 80 && ip4.src == 10.2.0.10", "reject"),
    acl("@elsewhere", "from-lport", 3000, "ip4.src == 10.2.0.11 && ip4.dst == 10.2.0.10 && tcp.dst == 97", "drop"),
    # Tier 3 is asked when nobody decided before.
    acl("blue", "to-lport", 1000, 'ip4.src == 10.1.0.12 && outport == "b1"', "drop", tier=3),
    acl("bare", "to-lport", 1000, "ip4 && tcp.dst == 81", "allow-stateless"),
    acl("bare", "to-lport", 999, "ip4 && tcp", "drop"),
)


def test_each_kind_of_row_is_judged_as_ovn_does(own_ovn: Ovn, controllers: Callable[..., Controller]) -> None:
    """Tiers, groups, sets, load balancers, policies and routes, each of them where it decides."""
    found = wanted(*BY_HAND)
    network = Network.of(found)
    write(own_ovn, controllers(own_ovn.nb).lock(), found)
    ports = ["r0", "r1", "r2", "r3", "b0", "b1", "b2", "node-n1"]
    asked: tuple[tuple[Protocol, int], ...] = (("tcp", 80), ("tcp", 8001), ("tcp", 99), ("tcp", 98), ("tcp", 97))
    asked = (*asked, ("udp", 53), ("sctp", 7), ("icmp", 0))
    pairs = [(one, other) for one, other in product(ports, ports) if one != other]
    questions = Random(3).sample([Question(*pair, *what) for pair in pairs for what in asked], SAMPLED)
    for vip in ("10.96.0.1", "10.96.0.2", "10.96.0.3", "10.96.0.4", "10.96.0.5", "10.96.0.6", "fd96::1"):
        questions += [
            Question(source, vip, *what)
            for source in ("r0", "r1", "r3", "b0", "node-n1")
            for what in (("tcp", 80), ("udp", 53))
        ]
    for outside in ("8.8.8.8", "8.8.4.4", "9.9.1.1", "9.9.9.9", "7.7.7.7", "6.6.6.6", "5.5.5.5", "2001::1"):
        questions += [Question(source, outside, "tcp", 80) for source in ("r0", "r2", "r3", "b1")]
    questions += [Question(*pair, "tcp", 80, 6) for pair in (("r0", "b1"), ("b1", "r0"), ("r2", "r3"), ("b2", "b1"))]
    questions += [Question("x0", "x1", "tcp", port) for port in (80, 81)] + [Question("x0", "x1", "udp", 80)]
    questions += [Question("1.2.3.4", "r2", "tcp", 80, entry="node-n1"), Question("1.2.3.4", "r0", entry="node-n1")]

    found_differences = differences(own_ovn, network, questions)
    assert found_differences == [], "\n".join(found_differences)


GATEWAYS = (
    router("r", "outer"),
    router("p"),
    *(switch(name) for name in ("red", "far", "join", "ext")),
    *link("red", "r", "10.1.0.1/24"),
    *link("far", "p", "10.9.0.1/24"),
    *link("join", "r", "100.64.0.1/16", route_table="extra"),
    *link("ext", "r", "172.16.0.1/24"),
    localnet("ext"),
    peering("r", "p", "169.254.0.1/30"),
    peering("p", "r", "169.254.0.2/30"),
    port("r0", "red", "10.1.0.10"),
    port("r1", "red", "10.1.0.11"),
    port("f0", "far", "10.9.0.10"),
    port("node-n1", "join", "100.64.0.2"),
    port("h", "ext", "172.16.0.9"),
    route("r", "10.9.0.0/24", "169.254.0.2"),
    route("p", "10.1.0.0/24", "169.254.0.1"),
    route("r", "0.0.0.0/0", "172.16.0.9"),
    route("r", "10.9.0.0/16", "172.16.0.9", table="extra"),
    nat("r", "snat", "172.16.0.1", "10.1.0.0/24"),
    nat("r", "dnat_and_snat", "172.16.0.50", "10.1.0.11"),
    balancer("outer", {"172.16.0.60:80": "10.1.0.10:80", "10.1.0.200:80": "10.9.0.10:80"}),
    acl("ext", "to-lport", 5, "ip4.src == 172.16.0.50 && tcp.dst == 99", "drop"),
    acl("ext", "to-lport", 5, "ip4.src == 172.16.0.1 && tcp.dst == 98", "drop"),
    child(
        "Gateway_Chassis", "Logical_Router_Port", "r-ext", "gateway_chassis", {"name": "r-ext-c", "chassis_name": "c"}
    ),
)


def test_gateways_and_peerings_are_judged_as_ovn_does(own_ovn: Ovn, controllers: Callable[..., Controller]) -> None:
    """NAT and a router's load balancer at a gateway port, peered routers, a route table of its own."""
    found = wanted(*GATEWAYS)
    network = Network.of(found)
    write(own_ovn, controllers(own_ovn.nb).lock(), found)
    ports = ["r0", "r1", "f0", "node-n1", "h"]
    pairs = [(one, other) for one, other in product(ports, ports) if one != other]
    questions = [Question(*pair, "tcp", number) for pair in pairs for number in (80, 98, 99)]
    for target in ("172.16.0.50", "172.16.0.60", "10.1.0.200", "8.8.8.8", "10.9.1.1"):
        questions += [Question(source, target, "tcp", 80) for source in ports]

    differing = differences(own_ovn, network, questions)
    assert differing == [], "\n".join(differing)


KINDS = ("networkpolicy", "service", "securitygroup", "adminnetworkpolicy", "clusternetworkpolicy")
ASKED: tuple[tuple[Protocol, int], ...] = (("tcp", 80), ("tcp", 443), ("udp", 53))
EACH = 8
"""Questions about one state."""


def test_what_the_kinds_compile_to_is_judged_as_ovn_does(ovn: Ovn, controllers: Callable[..., Controller]) -> None:
    """The last state of each golden case of policies and Services: rows as they are really written."""
    controller = controllers(ovn.nb).lock()
    differing: list[str] = []
    chance = Random(7)
    for case in cases():
        if not case.name.startswith(KINDS):
            continue
        pipeline = Pipeline(case.settings)
        pipeline.become(case.states[-1].values())
        network = Network.of(pipeline.wanted)
        write(ovn, controller, pipeline.wanted)
        ports = [port.name for port in network.layout.ports.values() if port.addresses and not port.is_special]
        vips = [ip for service in pipeline.world.tables[Service].values() for ip in service.cluster_ips if "." in ip]
        if any(network.balancers.has_templates(one.row) for one in network.layout.switches.values()):
            vips = []  # ovn-trace doesn't fill templates in
        pairs = [(one, other) for one, other in product(ports, [*ports, *vips, "8.8.8.8"]) if one != other]
        asked = [Question(*pair, *what) for pair in chance.sample(pairs, min(len(pairs), EACH)) for what in ASKED[:1]]
        asked += [Question(*pair, *what) for pair in chance.sample(pairs, min(len(pairs), 2)) for what in ASKED[1:]]
        differing += [f"{case.name}: {found}" for found in differences(ovn, network, asked)]
    write(ovn, controller, Wanted())

    assert differing == [], "\n".join(differing)
