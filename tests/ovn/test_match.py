"""Match expressions: the text that a plan compares and OVN reads."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ovnloom.ovn import match
from ovnloom.ovn.expression import check_match


def test_a_private_subnet_has_the_matches_of_kube_ovn() -> None:
    """An adopted cluster's ACLs are found by their match, so its text must be theirs."""
    assert str(match.inside("10.1.0.0/16")) == "ip4.src == 10.1.0.0/16 && ip4.dst == 10.1.0.0/16"
    assert str(match.exchanged("10.1.0.0/16", "10.2.0.0/16")) == (
        "(ip4.src == 10.1.0.0/16 && ip4.dst == 10.2.0.0/16) || (ip4.src == 10.2.0.0/16 && ip4.dst == 10.1.0.0/16)"
    )
    assert str(match.from_cidr("fd00::/64")) == "ip6.src == fd00::/64"
    assert str(match.from_set(4, "ovn.default.node1_ip4")) == "ip4.src == $ovn.default.node1_ip4"


def test_a_policy_rule_has_the_match_of_kube_ovn() -> None:
    """The same for NetworkPolicies."""
    rule = match.all_of(
        match.at_group("outport", "web.shop"),
        match.IP,
        match.from_set(4, "web.shop.ingress.allow.IPv4.0"),
        match.between("tcp.dst", 80, 90),
    )

    assert str(rule) == (
        "outport == @web.shop && ip && ip4.src == $web.shop.ingress.allow.IPv4.0 && 80 <= tcp.dst <= 90"
    )


def test_sets_are_sorted_and_a_single_value_stands_alone() -> None:
    """Sets come in any order; text in another order would be rewritten for ever."""
    assert match.one_of({90, 443, 80}) == "{80, 90, 443}"
    assert match.one_of(["10.0.0.2", "10.0.0.1", "10.0.0.2"]) == "{10.0.0.1, 10.0.0.2}"
    assert match.one_of([80]) == "80"
    assert str(match.between("tcp.dst", 80, 80)) == "tcp.dst == 80"


def test_an_empty_set_must_be_decided_by_the_caller() -> None:
    """`{}` is a syntax error in OVN, and whether it means all or nothing depends on the rule."""
    with pytest.raises(ValueError, match="no empty set"):
        match.one_of([])


def test_nothing_joined_is_all_or_nothing() -> None:
    """The neutral elements keep callers free of special cases."""
    assert match.all_of() == match.EVERYTHING
    assert match.any_of() == match.NOTHING
    assert match.any_of(match.NOTHING, match.TCP) == match.TCP


def test_a_match_of_a_user_is_untouched_alone_and_enclosed_with_others() -> None:
    """Without parentheses `a || b` joined by && would be refused, or worse, mean something else."""
    given_match = match.as_given("ip4 || ip6")

    assert str(given_match) == "ip4 || ip6"
    assert str(match.all_of(given_match, match.TCP)) == "(ip4 || ip6) && tcp"
    assert str(match.any_of(given_match, match.TCP)) == "(ip4 || ip6) || tcp"


def test_a_name_that_cannot_stand_in_a_match_is_refused() -> None:
    """It is a bug of the caller: `names` never gives such a name."""
    with pytest.raises(ValueError, match="can't stand in a match"):
        match.at_group("inport", "node-1")


def test_a_port_name_is_quoted() -> None:
    """A quote in a name must not end the string and begin another condition."""
    text = str(match.at_port("inport", 'a"b\\c'))

    assert text == r'inport == "a\"b\\c"'
    assert check_match(text) is None


TERMS = st.sampled_from([match.IP4, match.TCP, match.from_cidr("10.0.0.0/8"), match.between("udp.dst", 1, 9)])
MATCHES = st.recursive(
    TERMS,
    lambda inner: st.lists(inner, max_size=3).flatmap(
        lambda parts: st.sampled_from([match.all_of(*parts), match.any_of(*parts)])
    ),
)


@given(MATCHES)
def test_whatever_is_built_can_be_read(built: match.Match) -> None:
    """Mixing && and || without parentheses is refused by OVN."""
    assert check_match(str(built)) is None
