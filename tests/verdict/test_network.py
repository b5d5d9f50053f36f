"""Each stage of the way of a packet, by hand-written rows that leave only that stage to decide."""

from collections.abc import Iterable
from typing import Any

import pytest

from ovnloom.api.meta import Key
from ovnloom.api.subnet import Subnet
from ovnloom.intent import Intent, Member, Owner, Ref, Row
from ovnloom.northbound.wanted import Wanted
from ovnloom.verdict import Network, Outcome, Question, Unknown, Verdict
from ovnloom.verdict.layout import text
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
    network,
    peering,
    policy,
    port,
    route,
    router,
    switch,
)

FLAT = (
    switch("s", "lb"),
    *(port(name, "s", f"10.0.0.{at}") for at, name in enumerate("abc", start=2)),
    router("r"),
    *link("s", "r", "10.0.0.1/24"),
)
ROUTED = (
    router("r"),
    *(row for at in (1, 2) for row in (switch(f"s{at}"), *link(f"s{at}", "r", f"10.{at}.0.1/24"))),
    port("a", "s1", "10.1.0.2"),
    port("b", "s2", "10.2.0.2"),
    switch("join"),
    *link("join", "r", "100.64.0.1/16"),
    port("node-n1", "join", "100.64.0.2"),
    port("node-n2", "join", "100.64.0.3"),
    route("r", "0.0.0.0/0", "100.64.0.2"),
)


def ask(rows: Iterable[Row], source: str, target: str, what: str = "80/tcp", **more: Any) -> Verdict:
    number, _, protocol = what.partition("/")
    return network(*rows).verdict(Question(source, target, protocol, int(number), **more))  # type: ignore[arg-type]


def outcome(verdict: Verdict) -> Outcome:
    (branch,) = verdict.branches
    return branch.outcome


def decisive(verdict: Verdict) -> int:
    """The priority of the ACL that spoke last."""
    (branch,) = verdict.branches
    found = [step.row for step in branch.steps if step.row is not None and step.row.table == "ACL"]
    return int(found[-1].columns["priority"])  # type: ignore[arg-type]


# -- ACLs -------------------------------------------------------------------------------------------------------------


def test_without_any_acl_all_is_allowed() -> None:
    """OVN's default, on which Kubernetes' default rests."""
    assert outcome(ask(FLAT, "a", "b")) == "delivered"


def test_the_highest_priority_decides() -> None:
    """An allow above a drop is how every policy is written."""
    rows = (
        *FLAT,
        acl("s", "to-lport", 2000, "ip", "drop"),
        acl("s", "to-lport", 2001, "tcp.dst == 80", "allow-related"),
    )

    assert outcome(ask(rows, "a", "b")) == "delivered"
    assert outcome(ask(rows, "a", "b", "81/tcp")) == "denied"


def test_each_tier_is_asked_in_turn_and_pass_leaves_it_to_the_next() -> None:
    """Cluster-wide policies stand in tiers before and after NetworkPolicies; no priority lifts an ACL out of its."""
    rows = (
        *FLAT,
        acl("s", "to-lport", 10, "tcp.dst == 1", "pass", tier=1),
        acl("s", "to-lport", 9, "tcp.dst == {1, 2}", "drop", tier=1),
        acl("s", "to-lport", 3000, "tcp.dst == {1, 2}", "allow-related", tier=2),
        acl("s", "to-lport", 9000, "tcp.dst == {1, 2, 3}", "drop", tier=3),
    )

    assert [ask(rows, "a", "b", f"{number}/tcp").allowed for number in (1, 2, 3, 4)] == [True, False, False, True]


def test_two_acls_of_one_priority_that_disagree_are_told_and_deny() -> None:
    """OVN takes either, so nobody may rely on the better one."""
    rows = (*FLAT, acl("s", "to-lport", 5, "ip4", "allow-related"), acl("s", "to-lport", 5, "tcp", "drop"))

    verdict = ask(rows, "a", "b")

    assert outcome(verdict) == "denied"
    assert "leaves undefined" in verdict.branches[0].decision.words
    assert outcome(ask(rows, "a", "b", "80/udp")) == "delivered"


def test_a_reject_is_told_from_a_drop() -> None:
    """A client that is refused at once and one that hangs are different complaints."""
    assert outcome(ask((*FLAT, acl("s", "to-lport", 5, "tcp", "reject")), "a", "b")) == "rejected"


def test_a_groups_acl_counts_on_switches_where_the_group_has_a_port() -> None:
    """What it says without naming the group holds for all ports there, and nowhere else."""
    rows = (*ROUTED, group("g", "b"), acl("@g", "to-lport", 5, "tcp.dst == 80", "drop"))

    assert outcome(ask(rows, "a", "b")) == "denied"
    assert outcome(ask(rows, "b", "a")) == "denied"  # it leaves s2 by the router's port
    assert outcome(ask(rows, "node-n1", "a")) == "delivered"


def test_an_acl_of_a_group_meets_its_members_only_where_it_says_so() -> None:
    """`outport == @g` is what isolates a Pod and not its neighbours."""
    rows = (*FLAT, group("g", "b"), acl("@g", "to-lport", 5, "outport == @g && ip", "drop"))

    assert [ask(rows, *pair).allowed for pair in (("a", "b"), ("a", "c"), ("b", "a"))] == [False, True, True]


def test_members_join_groups_of_others() -> None:
    """Pods join by memberships, which no row of the group shows."""
    joined = Member(Ref("Port_Group", "g"), "ports", Ref("Logical_Switch_Port", "b"))
    found = network(*FLAT, group("g"), acl("@g", "to-lport", 5, "outport == @g", "drop"), members=[joined])

    assert not found.may("a", "b", "tcp", 80)
    assert found.may("a", "c", "tcp", 80)


def test_a_groups_addresses_are_a_set_that_ovn_makes() -> None:
    """Policies name their peers by it; it has the addresses of the ports, by family."""
    rows = (*FLAT, group("g", "a"), acl("s", "to-lport", 5, "ip4.src == $g_ip4", "drop"))

    assert [ask(rows, *pair).allowed for pair in (("a", "b"), ("c", "b"))] == [False, True]


def test_an_acl_that_names_what_is_missing_does_nothing() -> None:
    """OVN drops the whole match, with one line in a log: a verdict that took the rest of it would be a lie."""
    dropped = acl("s", "to-lport", 5, "ip4.src == $gone || tcp", "drop")

    found = network(*FLAT, dropped)

    verdict = found.verdict(Question("a", "b", "tcp", 80))
    assert verdict.allowed
    assert found.unread(verdict) == [(dropped, "$gone is not there")]


def test_from_lport_acls_see_the_virtual_address_and_later_ones_the_backend() -> None:
    """Egress rules are about Pods, so they come after load balancing (apply-after-lb)."""
    service = balancer("lb", {"10.96.0.1:80": "10.0.0.3:8080"})
    before = (*FLAT, service, acl("s", "from-lport", 5, 'inport == "a" && ip4.dst == 10.0.0.3', "drop"))
    later = (*FLAT, service, after("s", 5, "ip4.dst == 10.0.0.3 && tcp.dst == 8080", "drop"))
    virtual = (*FLAT, service, acl("s", "from-lport", 5, "ip4.dst == 10.96.0.1", "drop"))

    assert [ask(rows, "a", "10.96.0.1").allowed for rows in (before, later, virtual)] == [True, False, False]


# -- load balancers ---------------------------------------------------------------------------------------------------


def test_there_is_a_way_to_each_backend() -> None:
    """OVN picks one by a hash, so a policy that stops one of them stops some connections."""
    rows = (
        *FLAT,
        balancer("lb", {"10.96.0.1:80": "10.0.0.3:8080,10.0.0.4:8080"}),
        acl("s", "to-lport", 5, "ip4.dst == 10.0.0.4", "drop"),
    )

    verdict = ask(rows, "a", "10.96.0.1")

    assert [branch.outcome for branch in verdict.branches] == ["delivered", "denied"]
    assert (verdict.allowed, verdict.is_partly) == (False, True)
    assert (text(verdict.branches[0].address), verdict.branches[0].dport) == ("10.0.0.3", 8080)


@pytest.mark.parametrize(("options", "expected"), [({"reject": "true"}, "rejected"), ({}, "denied")])
def test_a_virtual_address_without_backend_rejects_when_told_so(options: dict[str, str], expected: str) -> None:
    """Kubernetes wants a refusal; without the option a client hangs."""
    assert outcome(ask((*FLAT, balancer("lb", {"10.96.0.1:80": ""}, **options)), "a", "10.96.0.1")) == expected


def test_a_load_balancer_serves_its_protocol_and_port_only() -> None:
    """To OVN any other port of a ClusterIP is just an address that nobody has."""
    rows = (*FLAT, balancer("lb", {"10.96.0.1:80": "10.0.0.3:80", "10.96.0.2": "10.0.0.4"}))

    asked = (("10.96.0.1", "80/tcp"), ("10.96.0.1", "81/tcp"), ("10.96.0.1", "80/udp"), ("10.96.0.2", "7/sctp"))
    assert [ask(rows, "a", *one).allowed for one in asked] == [True, False, False, True]


def test_load_balancers_of_a_group_count_where_the_group_is_attached() -> None:
    """Services of a Vpc are in one group that its Subnets attach."""
    rows = (
        switch("s", groups=["g"]),
        *FLAT[1:],
        switch("other"),
        *link("other", "r", "10.5.0.1/24"),
        port("x", "other", "10.5.0.2"),
        balancer_group("g", "lb"),
        balancer("lb", {"10.96.0.1:80": "10.0.0.3:80"}),
    )

    assert ask(rows, "a", "10.96.0.1").allowed
    assert not ask(rows, "x", "10.96.0.1").allowed


def test_a_client_that_is_its_own_backend_meets_its_own_policy_as_somebody_else() -> None:
    """Hairpin: the source becomes hairpin_snat_ip, and egress ACLs after load balancing aren't asked."""
    service = balancer("lb", {"10.96.0.1:80": "10.0.0.2:80"}, hairpin_snat_ip="169.254.1.1 fd00::1")
    rows = (*FLAT, service, after("s", 5, "ip", "drop"), acl("s", "to-lport", 5, "ip4.src == 10.0.0.2", "drop"))
    refused = (*FLAT, service, acl("s", "to-lport", 5, "ip4.src == 169.254.1.1", "drop"))

    assert [ask(one, "a", "10.96.0.1").allowed for one in (rows, refused)] == [True, False]


def test_stateless_acls_keep_packets_out_of_load_balancing() -> None:
    """ovn-northd(8): what matches allow-stateless isn't tracked, and only tracked packets are load balanced."""
    service = balancer("lb", {"10.96.0.1:80": "10.0.0.3:80"})
    rows = (*FLAT, service, acl("s", "from-lport", 5, "tcp", "allow-stateless"))

    assert not ask(rows, "a", "10.96.0.1").allowed


def test_a_template_means_what_the_senders_node_says() -> None:
    """internalTrafficPolicy Local: each node has its own backends under one virtual address."""
    node = group("node.n1", "a")
    rows = [
        *FLAT,
        node._replace(columns={**node.columns, "external_ids": {"node": "n1"}}),
        balancer("lb", {"^vip:80": "^backends"}, template="true"),
    ]
    for name, backend in (("n1", "10.0.0.3:80"), ("n2", "10.0.0.4:80")):
        columns = {
            "chassis": f"chassis-of-{name}",
            "variables": {"vip": "10.96.0.1", "backends": backend},
            "external_ids": {"node": name},
        }
        rows.append(Row("Chassis_Template_Var", name, columns))

    assert [branch.port for branch in ask(rows, "a", "10.96.0.1").branches] == ["b"]
    assert sorted(branch.port for branch in ask(rows, "c", "10.96.0.1").branches) == ["b", "c"]


# -- routers ----------------------------------------------------------------------------------------------------------


def test_a_packet_between_switches_passes_both_switches_acls() -> None:
    """Each switch asks its own ACLs on the way in and on the way out, the router's port included."""
    for row in (
        acl("s1", "from-lport", 5, "ip", "drop"),
        acl("s1", "to-lport", 5, 'outport == "s1-r"', "drop"),
        acl("s2", "from-lport", 5, 'inport == "s2-r"', "drop"),
        acl("s2", "to-lport", 5, "ip", "drop"),
    ):
        assert outcome(ask((*ROUTED, row), "a", "b")) == "denied"
    assert outcome(ask(ROUTED, "a", "b")) == "delivered"


def test_what_has_no_network_here_leaves_by_the_route() -> None:
    """The verdict names the node, which is where somebody looks next."""
    (branch,) = ask(ROUTED, "a", "8.8.8.8").branches

    assert (branch.outcome, branch.port, branch.is_there) == ("left", "node-n1", True)


def test_the_longest_prefix_wins_and_destination_before_source() -> None:
    """As OVN's priorities have it; a src-ip route of the same length comes second."""
    rows = (
        *ROUTED,
        route("r", "8.8.0.0/16", "100.64.0.3"),
        route("r", "10.1.0.0/24", "100.64.0.3", "src-ip"),
        route("r", "9.9.9.0/24", "100.64.0.2"),
    )

    ports = [ask(rows, "a", target).branches[0].port for target in ("8.8.8.8", "9.9.9.9", "7.7.7.7")]
    assert ports == ["node-n2", "node-n1", "node-n2"]


def test_routes_of_one_prefix_are_ways_of_their_own() -> None:
    """ECMP: OVN picks one by a hash."""
    rows = (*ROUTED, route("r", "0.0.0.0/0", "100.64.0.3"))

    assert sorted(branch.port for branch in ask(rows, "a", "8.8.8.8").branches) == ["node-n1", "node-n2"]


def test_a_route_table_counts_for_ports_that_name_it() -> None:
    """spec.routeTable of a Subnet."""
    rows = (
        *ROUTED,
        switch("s3"),
        *link("s3", "r", "10.3.0.1/24", route_table="extra"),
        port("x", "s3", "10.3.0.2"),
        route("r", "0.0.0.0/0", "100.64.0.3", table="extra"),
    )

    assert ask(rows, "x", "8.8.8.8").branches[0].port == "node-n2"
    assert ask(rows, "a", "8.8.8.8").branches[0].port == "node-n1"


def test_policies_come_after_routes_and_the_highest_priority_wins() -> None:
    """A reroute overrides the route, an allow above it doesn't let it; without any route no policy is asked."""
    reroute = policy("r", 29000, "ip4.src == 10.1.0.0/24", "reroute", "100.64.0.3")
    stay = policy("r", 31000, "ip4.dst == 10.0.0.0/8", "allow")
    drop = policy("r", 32000, "ip4.dst == 8.8.8.8", "drop")

    assert ask((*ROUTED, reroute), "a", "1.1.1.1").branches[0].port == "node-n2"
    assert outcome(ask((*ROUTED, reroute, stay), "a", "b")) == "delivered"
    assert outcome(ask((*ROUTED, reroute, drop), "a", "8.8.8.8")) == "denied"
    assert outcome(ask((*ROUTED[:-1], reroute), "a", "8.8.8.8")) == "lost"


def test_a_reroute_to_several_hops_has_a_way_by_each() -> None:
    """A centralized Subnet with enableEcmp."""
    rows = (*ROUTED, policy("r", 29000, "ip4.src == 10.1.0.0/24", "reroute", "100.64.0.2", "100.64.0.3"))

    assert sorted(branch.port for branch in ask(rows, "a", "8.8.8.8").branches) == ["node-n1", "node-n2"]


def test_peered_routers_hand_over_what_a_route_sends_there() -> None:
    """Vpc peering: a pair of router ports that name each other, and a route to the other side."""
    rows = (
        *ROUTED,
        router("p"),
        peering("r", "p", "169.254.0.1/30"),
        peering("p", "r", "169.254.0.2/30"),
        switch("far"),
        *link("far", "p", "10.9.0.1/24"),
        port("x", "far", "10.9.0.2"),
        route("r", "10.9.0.0/24", "169.254.0.2"),
        route("p", "10.1.0.0/24", "169.254.0.1"),
    )

    assert outcome(ask(rows, "a", "x")) == "delivered"
    assert outcome(ask(rows, "x", "a")) == "delivered"
    assert not ask(rows, "x", "b").allowed


def test_nat_applies_where_a_router_has_a_gateway() -> None:
    """A NAT row on a router without one does nothing in OVN; with one, addresses change on the way."""
    outside = (switch("ext"), localnet("ext"), *link("ext", "r", "172.16.0.1/24"), port("h", "ext", "172.16.0.9"))
    rules = (nat("r", "dnat_and_snat", "172.16.0.50", "10.1.0.2"), nat("r", "snat", "172.16.0.1", "10.2.0.0/24"))
    gateway = child("Gateway_Chassis", "Logical_Router_Port", "r-ext", "gateway_chassis", {"name": "g"})
    without, with_ = (*ROUTED, *outside, *rules), (*ROUTED, *outside, *rules, gateway)

    assert ask(without, "h", "172.16.0.50").branches[0].port == "localnet.ext"
    assert ask(with_, "h", "172.16.0.50").branches[0].port == "a"
    assert [step.stage for step in ask(with_, "b", "h").branches[0].steps if step.stage == "nat"] == ["nat"]


def test_the_routers_own_address_answers_pings_only() -> None:
    """A gateway that answers ping and no TCP looks like a policy to who doesn't know."""
    assert ask(ROUTED, "a", "10.1.0.1", "0/icmp").allowed
    assert not ask(ROUTED, "a", "10.1.0.1").allowed


# -- ends -------------------------------------------------------------------------------------------------------------


def test_an_address_that_nobody_has_is_lost_on_its_own_network() -> None:
    """No answer to ARP is no denial, and the words say so."""
    verdict = ask(ROUTED, "a", "10.1.0.99")

    assert outcome(verdict) == "lost"
    assert "nobody on this switch has 10.1.0.99" in verdict.branches[0].decision.words


def test_behind_a_physical_network_may_be_anybody() -> None:
    """An underlay Subnet without a router: what isn't a Pod is outside."""
    rows = (switch("u"), localnet("u"), port("a", "u", "10.0.0.2"))

    assert ask(rows, "a", "8.8.8.8").branches[0].port == "localnet.u"


def test_a_packet_from_outside_comes_in_where_it_is_told() -> None:
    """Each node is a way in, and a policy may name its address."""
    rows = (*ROUTED, acl("s1", "to-lport", 5, "ip4.src == 1.2.3.4", "drop"))

    assert outcome(ask(rows, "1.2.3.4", "a", entry="node-n2")) == "denied"
    assert outcome(ask(rows, "1.2.3.5", "a", entry="node-n2")) == "delivered"


def test_both_families_are_judged_by_their_own_rules() -> None:
    """A dual-stack Pod that IPv4 rules isolate is still open by IPv6."""
    rows = (
        switch("s"),
        port("a", "s", "10.0.0.2", "fd00::2"),
        port("b", "s", "10.0.0.3", "fd00::3"),
        acl("s", "to-lport", 5, "ip4", "drop"),
    )

    assert not ask(rows, "a", "b").allowed
    assert ask(rows, "a", "b", family=6).allowed


@pytest.mark.parametrize(("source", "target", "words"), [("x", "b", "x is no port"), ("1.2.3.4", "b", "is outside")])
def test_a_question_about_what_isnt_there_says_so(source: str, target: str, words: str) -> None:
    """Taking an unknown name for an address would answer another question."""
    with pytest.raises(Unknown, match=words):
        ask(FLAT, source, target)


def test_leaving_by_a_node_says_whose_address_the_packet_has() -> None:
    """natOutgoing and its rules are the node's work, so no row shows them."""
    wanted = Wanted()
    joined = [row for row in ROUTED if row.name == "node-n1"]
    wanted.replace(Owner("Subnet", Key("s1")), Intent(rows=tuple(row for row in ROUTED if row not in joined)))
    wanted.replace(Owner("Node", Key("n1")), Intent(rows=tuple(joined)))
    rule = {"action": "forward", "match": {"dstIPs": "9.9.9.0/24"}}
    body = {"metadata": {"name": "s1"}, "spec": {"natOutgoing": True, "natOutgoingPolicyRules": [rule]}}

    found = Network.of(wanted, {"s1": Subnet.decode(body)})

    ends = {to: found.verdict(Question("a", to, "tcp", 80)).branches[0].decision.words for to in ("8.8.8.8", "9.9.9.9")}
    assert ends["8.8.8.8"] == "leaves by node-n1, masqueraded by the node (natOutgoing)"
    assert ends["9.9.9.9"] == "leaves by node-n1, with its own address (natOutgoingPolicyRules)"


def test_a_set_may_name_networks() -> None:
    """Address_Sets of ipBlocks have CIDRs."""
    rows = (
        *FLAT,
        addresses("blocks", "10.0.0.2/32", "10.0.0.128/25"),
        acl("s", "to-lport", 5, "ip4.src == $blocks", "drop"),
    )

    assert [ask(rows, *pair).allowed for pair in (("a", "b"), ("c", "b"))] == [False, True]
