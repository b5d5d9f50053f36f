"""What the ACLs of Subnets let through, against what their users were promised, and against OVN itself."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

import pytest
from hypothesis import Phase, given, settings

from ovnloom.api.meta import Key
from ovnloom.intent import Owner
from ovnloom.verdict import Protocol
from sandbox import Ovn
from tests.compile.manifests import decode
from tests.northbound.conftest import Controller
from tests.subnet_traffic.worlds import ACTIONS, CIDRS, World, worlds
from tests.verdict.tracing import differences, write

ASKED: tuple[tuple[Protocol, int], ...] = (("tcp", 80), ("tcp", 443), ("udp", 53), ("icmp", 0))


def world(**one: object) -> World:
    """A world whose Subnet `one` is as given."""
    return World({name: {"cidrBlock": cidr, **(one if name == "one" else {})} for name, cidr in CIDRS.items()})


@given(found=worlds())
@settings(max_examples=150, deadline=None)
def test_subnets_let_through_what_they_say_and_nothing_else(found: World) -> None:
    """Private Subnets, their exceptions, raw ACLs and east-west traffic, in any combination and both families."""
    wrong = [
        f"{question} should be {'allowed' if found.expected(question) else 'denied'}"
        for question in found.questions(*ASKED)
        if found.network.verdict(question).allowed != found.expected(question)
    ]
    assert wrong == []


def test_the_node_reaches_the_pods_of_a_private_subnet() -> None:
    """The kubelet probes its Pods whatever their Subnet keeps away, by both families."""
    private = world(private=True)

    for family in (4, 6):
        for question in private.questions(("tcp", 8080)):
            if question.family == family and question.source == "node-n1":
                assert private.network.verdict(question).allowed, question


def test_a_private_subnet_is_closed_in_both_directions() -> None:
    """Its Pods neither are reached by others nor reach them; allowSubnets opens both."""
    private, with_two = world(private=True), world(private=True, allowSubnets=["10.2.0.0/24"])

    assert private.network.may("a.default", "b.default", "tcp", 80)
    for pair in (("a.default", "c.default"), ("c.default", "a.default")):
        assert not private.network.may(*pair, "tcp", 80)
        assert with_two.network.may(*pair, "tcp", 80)
    assert not with_two.network.may("d.default", "a.default", "tcp", 80)


@pytest.mark.parametrize("action", ACTIONS)
def test_each_action_does_what_ovn_says_of_it(
    action: str, own_ovn: Ovn, controllers: Callable[..., Controller]
) -> None:
    """A raw ACL is OVN's own language: what it does here is what it does there."""
    acls = [
        {"direction": direction, "priority": 3001, "match": match, "action": action}
        for direction, match in (("to-lport", "ip4.src == 10.2.0.0/24"), ("from-lport", "tcp.dst == 80"))
    ]
    found = world(private=True, acls=acls)
    write(own_ovn, controllers(own_ovn.nb).lock(), found.pipeline.wanted)

    questions = list(found.questions(("tcp", 80), ("udp", 53)))
    said = differences(own_ovn, found.network, questions)

    assert said == [], "\n".join(said)
    assert [
        question for question in questions if found.network.verdict(question).allowed != found.expected(question)
    ] == []


def test_ovn_says_the_same(own_ovn: Ovn, controllers: Callable[..., Controller]) -> None:
    """The verdict is ours; what happens to packets is OVN's."""
    controller = controllers(own_ovn.nb).lock()

    @given(found=worlds())
    @settings(max_examples=4, deadline=None, phases=(Phase.generate,))
    def check(found: World) -> None:
        write(own_ovn, controller, found.pipeline.wanted)
        said = differences(own_ovn, found.network, filter(found.is_settled, found.questions(("tcp", 80))))
        assert said == [], "\n".join(said)

    check()


def test_of_two_acls_that_differ_in_their_action_alone_the_stricter_one_counts() -> None:
    """OVN would take either."""
    acls = [
        {"direction": "to-lport", "priority": 5, "match": "tcp.dst == 80", "action": action}
        for action in ("allow", "drop", "allow-related")
    ]
    for order in (acls, acls[::-1]):
        assert not world(acls=order).network.may("c.default", "a.default", "tcp", 80)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"match": "ip4.src == banana"}, "spec.acls[0].match"),
        ({"match": "ip4.src == 10.0.0.0/8 && tcp || udp"}, "spec.acls[0].match"),
        ({"match": ""}, "spec.acls[0].match"),
        ({"priority": 32768}, "spec.acls[0].priority"),
        ({"action": "deny"}, "spec.acls[0].action"),
        ({"direction": "ingress"}, "spec.acls[0].direction"),
    ],
)
def test_an_acl_that_ovn_would_refuse_opens_nothing(change: dict[str, object], field: str) -> None:
    """The Subnet stays as it was, private, and says which field is wrong; a new one gives no addresses."""
    acl = {"direction": "to-lport", "priority": 5, "match": "ip", "action": "allow", **change}
    pipeline = world(private=True).pipeline
    owner = Owner("Subnet", Key("one"))
    before = {row.ref for row in pipeline.wanted.rows(owner)}

    pipeline.become(decode(*world(private=True, acls=[acl]).bodies))

    assert pipeline.wanted.is_held(owner)
    assert [problem.condition for problem in pipeline.intent(owner).problems] == ["Validated"]
    assert pipeline.intent(owner).problems[0].message.startswith(field)
    assert {row.ref for row in pipeline.wanted.rows(owner)} == before


def test_every_pair_is_asked() -> None:
    """A property that asks nothing would hold of anything."""
    asked = {(question.source, question.target) for question in world().questions(("tcp", 80))}

    ports = ("a.default", "b.default", "c.default", "d.default", "node-n1")
    assert {pair for pair in product(ports, ports) if pair[0] != pair[1]} <= asked
