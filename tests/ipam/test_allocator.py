"""The rules of allocation that users see, one by one."""

import pytest

from ovnloom.ipam import (
    Entry,
    Exhausted,
    HoldsAnother,
    IsGateway,
    NoFamily,
    NoPool,
    Outside,
    Pair,
    Refusal,
    Stray,
    SubnetPool,
    Taken,
    parse_address,
    parse_layout,
    parse_pair,
)


def number(text: str) -> int:
    """The address as a number."""
    return parse_address(text)[1]


def text(answer: Pair | Refusal) -> str:
    """The addresses that were given, or the reason why not."""
    return answer.text if isinstance(answer, Pair) else answer.reason


def test_addresses_climb_before_any_is_used_again() -> None:
    """A Pod's old address rests as long as possible, so caches elsewhere don't send its packets to a stranger."""
    pool = SubnetPool(parse_layout("10.0.0.0/29"))
    assert [text(pool.take_next(name)) for name in "abc"] == ["10.0.0.2", "10.0.0.3", "10.0.0.4"]
    pool.release("a")
    pool.release("b")

    given = [text(pool.take_next(name)) for name in "defghi"]

    assert given == ["10.0.0.5", "10.0.0.6", "10.0.0.2", "10.0.0.3", "NoAvailableAddress", "NoAvailableAddress"]


def test_a_change_of_the_subnet_makes_released_addresses_free_again() -> None:
    """So does a restart; both are what Kube-OVN's users see."""
    pool = SubnetPool(parse_layout("10.0.0.0/28"))
    pool.take_next("a")
    pool.release("a")

    pool.resize(parse_layout("10.0.0.0/28", exclude_ips=["10.0.0.9"]))

    assert text(pool.take_next("b")) == "10.0.0.2"


def test_who_has_an_address_gets_the_same_again() -> None:
    """This is what makes a StatefulSet's Pods stable, whatever they ask for now."""
    pool = SubnetPool(parse_layout("10.0.0.0/24,fd00::/112", pools={"p": ["10.0.0.100..10.0.0.110"]}))
    first = pool.take_next("web-0")

    assert pool.take_next("web-0") == first
    assert pool.take_next("web-0", pool="p", families=(4,)) == first
    assert pool.take("web-0", parse_pair("10.0.0.2")) == first
    assert pool.take("web-0", parse_pair("10.0.0.9")) == HoldsAnother(4, number("10.0.0.9"), number("10.0.0.2"))


def test_both_families_or_none() -> None:
    """A Pod with half its addresses would keep one from others and still not start."""
    pool = SubnetPool(parse_layout("10.0.0.0/24,fd00::/126"))
    assert text(pool.take_next("a")) == "10.0.0.2,fd00::2"

    assert pool.take_next("b") == Exhausted(6)
    assert pool.take("b", parse_pair("10.0.0.9"), fill=(6,)) == Exhausted(6)
    assert pool.take("b", parse_pair("10.0.0.9,fd00::2")) == Taken(6, number("fd00::2"), "a")

    assert pool.address_of("b") == Pair()
    assert pool.using(4).text(4) == "10.0.0.2"
    assert text(pool.take_next("b", families=(4,))) == "10.0.0.3"


def test_a_static_address_of_one_family_gets_the_other_beside_it() -> None:
    """A Pod of a dual Subnet that names only its IPv4 address."""
    pool = SubnetPool(parse_layout("10.0.0.0/24,fd00::/112"))

    assert text(pool.take("a", parse_pair("10.0.0.77"), fill=(4, 6))) == "10.0.0.77,fd00::2"


def test_excluded_addresses_are_for_static_requests_only_and_count_as_nothing() -> None:
    """excludeIps is how users keep addresses for what they place by hand."""
    pool = SubnetPool(parse_layout("10.0.0.0/29", exclude_ips=["10.0.0.2..10.0.0.4"]))
    assert pool.available(4).text(4) == "10.0.0.5-10.0.0.6"

    assert text(pool.take("static", parse_pair("10.0.0.3"))) == "10.0.0.3"

    assert (pool.using_count(4), pool.available_count(4)) == (0, 2)
    assert pool.take("other", parse_pair("10.0.0.3")) == Taken(4, number("10.0.0.3"), "static")
    pool.release("static")
    assert [text(pool.take_next(name)) for name in "abc"] == ["10.0.0.5", "10.0.0.6", "NoAvailableAddress"]


@pytest.mark.parametrize(
    ("asked", "answer"),
    [
        ("10.0.0.1", IsGateway(4, number("10.0.0.1"))),
        ("10.0.1.5", Outside(4, number("10.0.1.5"), number("10.0.0.1"), number("10.0.0.254"))),
        ("10.0.0.0", Outside(4, number("10.0.0.0"), number("10.0.0.1"), number("10.0.0.254"))),
        ("10.0.0.255", Outside(4, number("10.0.0.255"), number("10.0.0.1"), number("10.0.0.254"))),
        ("fd00::1", NoFamily(6)),
    ],
)
def test_a_static_address_that_cannot_be_had_says_why(asked: str, answer: Refusal) -> None:
    """The Event's reason is the contract's word, its text what to change."""
    pool = SubnetPool(parse_layout("10.0.0.0/24"))

    assert pool.take("a", parse_pair(asked)) == answer
    assert "; " in answer.sentence
    assert pool.holders() == frozenset()


def test_the_gateway_is_reserved_even_if_no_exclude_names_it() -> None:
    """A Pod with the gateway's address would cut the whole Subnet off."""
    pool = SubnetPool(parse_layout("10.0.0.0/30", "10.0.0.2"))

    assert [text(pool.take_next(name)) for name in "ab"] == ["10.0.0.1", "NoAvailableAddress"]


def test_a_pool_gives_its_own_addresses_and_no_others() -> None:
    """A full IPPool doesn't spill over, and nobody without it gets its addresses."""
    pool = SubnetPool(parse_layout("10.0.0.0/28", pools={"p": ["10.0.0.2..10.0.0.3", "10.9.9.9"]}))

    assert [text(pool.take_next(name, pool="p")) for name in "abc"] == ["10.0.0.2", "10.0.0.3", "NoAvailableAddress"]
    assert text(pool.take_next("d")) == "10.0.0.4"
    assert pool.using(4, "p").text(4) == "10.0.0.2-10.0.0.3"
    assert pool.using(4).text(4) == "10.0.0.2-10.0.0.4"
    assert pool.take_next("e", pool="q") == NoPool("q")


def test_a_pool_that_goes_gives_its_addresses_back() -> None:
    """Addresses in use stay in use and only move between pools."""
    with_pool = parse_layout("10.0.0.0/29", pools={"p": ["10.0.0.2..10.0.0.3"]})
    pool = SubnetPool(with_pool)
    pool.take_next("a", pool="p")

    assert pool.resize(parse_layout("10.0.0.0/29")) == ()

    assert pool.holder_of(4, number("10.0.0.2")) == "a"
    assert text(pool.take_next("b")) == "10.0.0.3"


def test_a_nodes_address_is_passed_over_for_this_request_only() -> None:
    """In the default Vpc a Pod with a Node's InternalIP could not be told from that Node."""
    pool = SubnetPool(parse_layout("10.0.0.0/24"))
    node = number("10.0.0.2")

    assert text(pool.take_next("a", avoid=lambda family, address: address == node)) == "10.0.0.3"
    assert text(pool.take_next("b")) == "10.0.0.2"


def test_a_smaller_subnet_lists_what_falls_out_and_forgets_nothing() -> None:
    """Kube-OVN drops such Pods' entries silently; their addresses are then given to others or lost."""
    pool = SubnetPool(parse_layout("10.0.0.0/24,fd00::/112"))
    pool.take("a", parse_pair("10.0.0.5,fd00::5"))
    pool.take("b", parse_pair("10.0.0.200"))

    strays = pool.resize(parse_layout("10.0.0.0/28"))

    assert strays == (Stray("b", 4, number("10.0.0.200")), Stray("a", 6, number("fd00::5")))
    assert pool.address_of("a").text == "10.0.0.5,fd00::5"
    assert pool.using(4).text(4) == "10.0.0.5"
    assert pool.available_count(6) == 0
    pool.resize(parse_layout("10.0.0.0/24,fd00::/112"))
    assert pool.strays() == ()
    assert pool.using(4).text(4) == "10.0.0.5,10.0.0.200"


def test_a_gateway_moved_onto_a_pod_is_listed() -> None:
    """The change is the user's to take back; until then nobody else may get the address either."""
    pool = SubnetPool(parse_layout("10.0.0.0/24"))
    pool.take_next("a")

    assert pool.resize(parse_layout("10.0.0.0/24", "10.0.0.2")) == (Stray("a", 4, number("10.0.0.2")),)
    assert pool.take("b", parse_pair("10.0.0.2")) == IsGateway(4, number("10.0.0.2"))


def test_a_restart_takes_every_ip_object_and_reports_what_clashes() -> None:
    """First wins; the other's Pod keeps running with the address, which somebody must be told."""
    entries = [
        Entry("a", number("10.0.0.5"), number("fd00::5")),
        Entry("b", number("10.0.0.5"), number("fd00::6")),
        Entry("far", number("172.16.0.1")),
        Entry("a", number("10.0.0.9")),
        Entry("a", number("10.0.0.5")),
    ]
    pool = SubnetPool(parse_layout("10.0.0.0/24,fd00::/112"))

    refused = pool.restore(entries)

    assert refused == (Taken(4, number("10.0.0.5"), "a"), HoldsAnother(4, number("10.0.0.9"), number("10.0.0.5")))
    assert pool.address_of("b").text == "fd00::6"
    assert pool.strays() == (Stray("far", 4, number("172.16.0.1")),)
    assert text(pool.take_next("c")) == "10.0.0.2,fd00::2"
    assert pool.holder_of(4, number("10.0.0.9")) is None


def test_the_numbers_of_a_big_subnet_are_exact() -> None:
    """status.v6availableIPs of a /64 is a number beyond 2^53."""
    pool = SubnetPool(parse_layout("fd00::/64"))
    pool.take_next("a")

    assert pool.available_count(6) == 2**64 - 2 - 1 - 1
    assert pool.available(6).text(6) == "fd00::3-fd00::ffff:ffff:ffff:fffe"
