"""A table as a value, and the kernel that is made equal to it."""

import subprocess
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ovnloom.errors import Refused
from ovnloom.host import nft_kernel
from ovnloom.host.nft import Chain, Found, Hook, Rule, Set, Table, changes

INTERVAL = frozenset({"interval"})


def table(
    pods: tuple[str, ...] = ("10.16.0.0/16", "192.0.2.1", "192.0.2.4-192.0.2.9"),
    services: tuple[str, ...] = ("10.96.0.1 . tcp . 80 : goto web", "10.96.0.2 . udp . 53 : drop"),
    why: str = "leaves",
) -> Table:
    """A table with what a node's tables are made of."""
    web = Rule("meta l4proto tcp dnat ip to 10.16.0.2:8080", "to a Pod")
    out = Rule("ip saddr @pods ip daddr != @pods masquerade fully-random", why)
    return Table(
        "loomtest",
        chains=(
            Chain("web", (web,)),
            Chain(
                "before", (Rule("ip daddr . meta l4proto . th dport vmap @services"),), Hook("nat", "prerouting", -101)
            ),
            Chain("out", (out,), Hook("nat", "postrouting", 99)),
            Chain("passing", (Rule("counter name ip saddr map @counted"),), Hook("filter", "forward", -10)),
        ),
        sets=(
            Set("pods", "ipv4_addr", frozenset(pods), INTERVAL),
            Set("services", "ipv4_addr . inet_proto . inet_service", frozenset(services), value="verdict"),
            Set("counted", "ipv4_addr", frozenset({"10.16.0.0/16 : seen-blue"}), INTERVAL, value="counter"),
            Set("clients", "ipv4_addr . ipv4_addr", flags=frozenset({"dynamic", "timeout"}), timeout=60),
            Set(
                "back",
                "ipv6_addr . inet_service",
                frozenset({"fd00::1 . 80 : fd00::2 . 8080"}),
                value="ipv6_addr . inet_service",
            ),
            Set("marks", "ipv4_addr", frozenset({"192.0.2.1 : 16384"}), value="mark"),
        ),
        counters=frozenset({"seen-blue"}),
    )


def run(*command: str) -> None:
    """A program of somebody else has run in the test's namespace."""
    subprocess.run(command, check=True, capture_output=True)


async def test_a_table_that_is_as_wanted_is_not_written(alone: str) -> None:
    """A restart of the agent, and every wake for something else, must cost nothing and reset nothing."""
    assert await nft_kernel.apply(table())

    assert not await nft_kernel.apply(table())


@pytest.mark.parametrize(
    "wanted",
    [
        table(pods=("10.17.0.0/16",)),
        table(services=("10.96.0.1 . tcp . 80 : drop",)),
        table(why="another reason"),
        replace(table(), chains=table().chains[2:3], sets=table().sets[:1], counters=frozenset()),
        replace(table(), sets=(*table().sets[:-1], Set("marks", "ipv6_addr", value="mark"))),
        replace(table(), chains=(*table().chains[:3], replace(table().chains[3], hook=Hook("filter", "forward", 5)))),
    ],
    ids=["elements", "verdict", "comment", "less", "type", "priority"],
)
async def test_any_table_becomes_any_other(alone: str, wanted: Table) -> None:
    """There and back: what goes is as often wrong as what comes."""
    await nft_kernel.apply(table())

    assert await nft_kernel.apply(wanted)
    assert not changes(wanted, await nft_kernel.read("loomtest"))
    assert await nft_kernel.apply(table())
    assert not changes(table(), await nft_kernel.read("loomtest"))


@pytest.mark.parametrize(
    "damage",
    [
        "flush chain inet loomtest out",
        "delete table inet loomtest",
        "delete element inet loomtest pods { 10.16.0.0/16 }",
        "add element inet loomtest pods { 10.18.0.0/16 }",
        "add rule inet loomtest passing drop",
        "insert rule inet loomtest web accept",
        "add chain inet loomtest other; add rule inet loomtest other jump web",
        "delete element inet loomtest counted { 10.16.0.0/16 }",
    ],
)
async def test_what_somebody_else_changed_is_put_right(alone: str, damage: str) -> None:
    """Firewall tools flush what they don't know."""
    await nft_kernel.apply(table())
    run("nft", damage)

    assert await nft_kernel.apply(table())
    assert not changes(table(), await nft_kernel.read("loomtest"))


async def test_counters_count_on_when_rules_change(alone: str) -> None:
    """They are shown as metrics, where a fall to 0 reads as a restart of the host."""
    await nft_kernel.apply(table())
    run("nft", "add rule inet loomtest out counter name seen-blue")
    run("ping", "-c1", "-W1", "127.0.0.1")
    before = (await nft_kernel.counters("loomtest"))["seen-blue"]

    await nft_kernel.apply(table(pods=("10.17.0.0/16",), why="another reason"))

    assert before.packets > 0
    assert (await nft_kernel.counters("loomtest"))["seen-blue"] == before


async def test_a_table_that_nft_refuses_leaves_what_there_was(alone: str) -> None:
    """One bad rule must not open the host."""
    await nft_kernel.apply(table())
    wrong = replace(table(), chains=(*table().chains, Chain("wrong", (Rule("ip saddr nonsense accept"),))))

    with pytest.raises(Refused, match="nonsense"):
        await nft_kernel.apply(wrong)

    assert not changes(table(), await nft_kernel.read("loomtest"))


async def test_a_table_that_is_gone_has_no_counters(alone: str) -> None:
    """A scrape that comes before the first table, or after the last, is no failure."""
    await nft_kernel.apply(table())

    await nft_kernel.remove("loomtest")
    await nft_kernel.remove("loomtest")

    assert await nft_kernel.read("loomtest") is None
    assert await nft_kernel.counters("loomtest") == {}


NAMES = st.sampled_from(["a", "b", "c"])
TABLES = st.builds(
    lambda chains, sets, counters: Table(
        "t",
        chains=tuple(Chain(name, tuple(map(Rule, rules))) for name, rules in chains.items()),
        sets=tuple(Set(name, "ipv4_addr", elements) for name, elements in sets.items()),
        counters=counters,
    ),
    st.dictionaries(NAMES, st.lists(st.sampled_from(["accept", "drop", "return"]), max_size=3)),
    st.dictionaries(NAMES, st.frozensets(st.sampled_from(["192.0.2.1", "192.0.2.2"]))),
    st.frozensets(NAMES),
)


@given(TABLES, TABLES)
def test_only_what_differs_is_named(wanted: Table, other: Table) -> None:
    """A node's table has an element for each endpoint of the cluster; one that changes must not cost all of them."""
    found = Found(
        {chain.name: (chain.hook, tuple(rule.mark for rule in chain.rules)) for chain in other.chains},
        {each.name: each for each in other.sets},
        other.counters,
    )
    same = {chain for chain in wanted.chains if chain in other.chains}

    commands = changes(wanted, found)

    assert bool(commands) == (
        set(wanted.chains) != set(other.chains)
        or set(wanted.sets) != set(other.sets)
        or wanted.counters != other.counters
    )
    assert not [each for each in commands for chain in same if each.startswith(f"flush chain inet t {chain.name}")]


def test_listings_of_other_versions_of_nft_mean_the_same() -> None:
    """What is taken for another kind of set is made anew, with all counters, at each start."""
    said = {"family": "inet", "table": "t", "name": "pods", "type": "ipv4_addr", "handle": 2, "elem": ["192.0.2.1"]}
    words = [nft_kernel.found_in([{"set": {**said, "flags": flags}}]) for flags in ("interval", ["interval"])]
    back = {"family": "inet", "table": "t", "name": "back", "type": ["ipv4_addr", "inet_service"]}
    types = ("ipv4_addr . inet_service", ["ipv4_addr", "inet_service"])

    assert words[0] == words[1]
    assert words[0].sets["pods"] == Set("pods", "ipv4_addr", frozenset({"192.0.2.1"}), INTERVAL)
    assert {nft_kernel.found_in([{"map": {**back, "map": each}}]).sets["back"].value for each in types} == {types[0]}
