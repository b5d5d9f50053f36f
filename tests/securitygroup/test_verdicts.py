"""What the rows of SecurityGroups let through, against what their users were promised, and against OVN itself."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import Phase, given, settings

from ovnloom.ovn import names
from ovnloom.verdict import Question
from sandbox import Ovn
from tests.northbound.conftest import Controller
from tests.securitygroup.worlds import EVERYTHING, PODS, World, narrow_worlds, worlds
from tests.verdict.tracing import differences, write

ASKED = (("tcp", 80), ("tcp", 443), ("udp", 81), ("icmp", 0))


def disagreements(world: World) -> list[str]:
    """Questions that the rows answer in another way than the reference."""
    compiled = world.compiled()
    return [
        f"{question} should be {'allowed' if compiled.expected(question) else 'denied'}"
        for question in compiled.questions(*ASKED)
        if compiled.network.verdict(question).allowed != compiled.expected(question)
    ]


@given(world=worlds())
@settings(max_examples=150, deadline=None)
def test_the_rows_let_through_what_the_groups_say_and_nothing_else(world: World) -> None:
    """Rules, their order, tiers, groups as the other end, mistakes and missing groups, in any combination."""
    assert disagreements(world) == []


@given(world=narrow_worlds())
@settings(max_examples=150, deadline=None)
def test_each_part_of_a_rule_counts(world: World) -> None:
    """Where one rule alone decides, every field of it makes a difference."""
    assert disagreements(world) == []


RICH = World(
    {
        "web": {
            "allowSameGroupTraffic": True,
            "ingressRules": [
                {**EVERYTHING[0], "protocol": "tcp", "portRangeMin": 80, "portRangeMax": 81, "priority": 5},
                {**EVERYTHING[1], "protocol": "udp", "portRangeMin": 1, "portRangeMax": 65535, "priority": 5},
                {**EVERYTHING[0], "remoteAddress": "10.2.0.2", "policy": "drop", "priority": 4},
                {
                    **EVERYTHING[0],
                    "protocol": "icmp",
                    "remoteType": "securityGroup",
                    "remoteSecurityGroup": "data-base",
                    "policy": "pass",
                },
            ],
            "egressRules": [*EVERYTHING, {**EVERYTHING[0], "policy": "reject", "protocol": "udp", "priority": 16385}],
        },
        "data-base": {"egressRules": EVERYTHING, "ingressRules": EVERYTHING, "tier": 1},
        "data.base": {"egressRules": EVERYTHING},
    },
    {"a": ("web", "data-base"), "b": ("web",), "c": ("data.base", "gone"), "d": ()},
)


def test_ovn_says_the_same(own_ovn: Ovn, controllers: Callable[..., Controller]) -> None:
    """The verdict is ours; what happens to packets is OVN's."""
    controller = controllers(own_ovn.nb).lock()

    def check(world: World, *asked: tuple[str, int]) -> None:
        compiled = world.compiled()
        write(own_ovn, controller, compiled.pipeline.wanted)
        found = differences(own_ovn, compiled.network, filter(compiled.is_settled, compiled.questions(*asked)))
        assert found == [], "\n".join(found)

    check(RICH, *ASKED)

    @given(world=worlds())
    @settings(max_examples=3, deadline=None, phases=(Phase.generate,))
    def check_any(world: World) -> None:
        check(world, ("tcp", 80))

    check_any()


def test_a_deleted_group_opens_nothing() -> None:
    """In Kube-OVN its Pods became open; until the group is back, or nobody names it, they stay closed."""
    with_group = RICH.compiled()
    without = World({}, RICH.named).compiled()

    allowed = {question for question in without.questions(*ASKED) if without.network.verdict(question).allowed}
    before = {question for question in with_group.questions(*ASKED) if with_group.network.verdict(question).allowed}
    assert allowed < before
    assert not [question for question in allowed if question.target != "d.default"]


def test_what_every_network_needs_passes_without_any_rule() -> None:
    """A Pod that can't find its neighbours or renew its lease is not closed but broken."""
    network = World({"web": {}}, dict.fromkeys(PODS, ("web",))).compiled().network
    group = names.DENY_ALL_PORT_GROUP
    always = [row for _, row in network.filter._of_groups[group] if row.columns["action"] == "allow-related"]

    assert not network.may("a.default", "b.default", "tcp", 80)
    assert sorted({str(row.columns["match"]).partition(" && ")[2] for row in always}) == [
        "arp",
        "icmp6.type == {133, 135, 136} && icmp6.code == 0 && ip.ttl == 255",
        "icmp6.type == {134, 135, 136} && icmp6.code == 0 && ip.ttl == 255",
        "ip.proto == 112",
        "udp.src == 546 && udp.dst == 547 && ip6",
        "udp.src == 547 && udp.dst == 546 && ip6",
        "udp.src == 67 && udp.dst == 68 && ip4",
        "udp.src == 68 && udp.dst == 67 && ip4",
    ]
    assert network.verdict(Question("a.default", "b.default", "udp", 68, 4, source_port=67)).allowed is False
