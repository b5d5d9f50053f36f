"""What users write: networks, addresses, ranges and MACs."""

import ipaddress
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ovnloom.ipam import (
    MacTable,
    Malformed,
    Pair,
    TakenMac,
    address_text,
    exclude_items,
    mac_for,
    parse_address,
    parse_cidr_block,
    parse_item,
    parse_layout,
    parse_mac,
    parse_network,
    parse_pair,
    special_use,
)
from ovnloom.ipam.items import parse_items
from ovnloom.ipam.layout import disjoint_pools


@given(st.ip_addresses())
def test_an_address_becomes_a_number_and_the_same_text_again(address: ipaddress.IPv4Address) -> None:
    """IP objects and annotations are compared as text by users' tools."""
    family, number = parse_address(str(address))

    assert (family, number) == (address.version, int(address))
    assert address_text(family, number) == str(address)


@given(st.text(max_size=60))
def test_any_text_is_an_address_or_gets_a_sentence(text: str) -> None:
    """Annotations hold whatever users type."""
    for parse in (parse_address, parse_pair, parse_network, parse_cidr_block, parse_item, parse_mac):
        assert complaint(parse, text) is None or "; " in str(complaint(parse, text))


def complaint(parse: Callable[[str], object], text: str) -> Malformed | None:
    """What the parser has to say against the text."""
    try:
        parse(text)
    except Malformed as malformed:
        return malformed
    return None


@given(st.integers(0, 32), st.integers(0, (1 << 32) - 1))
def test_a_network_is_what_python_says(prefix: int, address: int) -> None:
    """Host bits are cleared, as Kube-OVN saves them."""
    network = parse_network(f"{address_text(4, address)}/{prefix}")
    expected = ipaddress.ip_network((address, prefix), strict=False)

    assert str(network) == str(expected)
    assert network.last_address == int(expected.broadcast_address)
    assert network.size == len(range(network.usable[0], network.usable[1] + 1))


def test_either_order_of_families_is_read_and_ipv4_comes_first() -> None:
    """Kube-OVN mixes the families up when IPv6 comes first."""
    networks = parse_cidr_block("fd00::5/112, 10.16.3.4/16")

    assert str(networks) == "10.16.0.0/16,fd00::/112"
    assert networks.protocol == "Dual"
    assert networks.default_gateway.text == "10.16.0.1,fd00::1"
    assert parse_pair("fd00::2,10.16.0.2") == parse_pair("10.16.0.2,fd00::2")


@pytest.mark.parametrize(
    ("cidr", "size", "first", "last"),
    [
        ("10.0.0.0/24", 254, "10.0.0.1", "10.0.0.254"),
        ("10.0.0.0/30", 2, "10.0.0.1", "10.0.0.2"),
        ("10.0.0.0/31", 2, "10.0.0.0", "10.0.0.1"),
        ("10.0.0.7/32", 1, "10.0.0.7", "10.0.0.7"),
        ("fd00::/120", 254, "fd00::1", "fd00::fe"),
        ("fd00::/127", 2, "fd00::", "fd00::1"),
        ("fd00::/64", 2**64 - 2, "fd00::1", "fd00::ffff:ffff:ffff:fffe"),
    ],
)
def test_usable_addresses_leave_out_both_ends(cidr: str, size: int, first: str, last: str) -> None:
    """Both families alike, except where a network has only one or two addresses."""
    network = parse_network(cidr)

    assert network.size == size
    assert tuple(address_text(network.family, number) for number in network.usable) == (first, last)


@pytest.mark.parametrize(
    ("text", "part", "remedy"),
    [
        ("10.1.0.0/33", "10.1.0.0/33", "use a prefix of at most 32"),
        ("fd00::/129", "fd00::/129", "use a prefix of at most 128"),
        ("10.1.0.0", "10.1.0.0", "write a CIDR like"),
        ("10.1.0.0/16,10.2.0.0/16", "10.2.0.0/16", "at most one CIDR of each family"),
        ("10.1.0.0/16,rubbish/8", "rubbish", "write one like 10.16.0.5"),
        ("", "", "write a CIDR like"),
        ("10.1.0.0/016", "10.1.0.0/016", "prefix length as a number"),
        ("10.1.0.0/16,", "", "write a CIDR like"),
    ],
)
def test_a_malformed_cidr_block_says_which_part_and_what_to_do(text: str, part: str, remedy: str) -> None:
    """The user sees it in a condition; "invalid CIDR" helps nobody with two of them."""
    with pytest.raises(Malformed) as caught:
        parse_cidr_block(text)

    assert caught.value.part == part
    assert remedy in caught.value.remedy


def test_a_long_text_is_cut_in_the_message() -> None:
    """An annotation of a megabyte must not become an Event of a megabyte."""
    with pytest.raises(Malformed) as caught:
        parse_item("x" * 1_000_000)

    assert len(str(caught.value)) < 300


def test_special_blocks_are_named() -> None:
    """A Subnet of multicast or loopback addresses can't work."""
    assert special_use(parse_cidr_block("10.0.0.0/8,fd00::/8")) is None
    assert "169.254.0.0/16, which is link-local" in (special_use(parse_cidr_block("169.254.7.0/24")) or "")
    assert "ff00::/8, which is multicast" in (special_use(parse_cidr_block("10.0.0.0/8,ff02::/16")) or "")


def test_items_are_addresses_ranges_and_cidrs() -> None:
    """excludeIps and the ips of an IPPool mix them and both families."""
    spans = parse_items(["10.0.0.5", "10.0.0.9..10.0.0.12", "10.0.1.0/24", "fd00::5..fd00::7", "10.0.0.6"])

    assert spans.of(4).text(4) == "10.0.0.5-10.0.0.6,10.0.0.9-10.0.0.12,10.0.1.0-10.0.1.255"
    assert spans.of(6).text(6) == "fd00::5-fd00::7"


@pytest.mark.parametrize(
    ("item", "hint"),
    [
        ("10.0.0.9..10.0.0.5", "is reversed; write it as 10.0.0.5..10.0.0.9"),
        ("10.0.0.9..fd00::1", "mixes IPv4 and IPv6"),
        ("10.0.0.1..10.0.0.2..10.0.0.3", "is not a range"),
        ("10.0.0.1-10.0.0.5", "a range like 10.16.0.5..10.16.0.9"),
        ("10.0.0.300", "is not an IP address"),
    ],
)
def test_a_malformed_item_says_what_to_write(item: str, hint: str) -> None:
    """A reversed range excludes nothing, so taking it silently would give away reserved addresses."""
    with pytest.raises(Malformed, match=hint.replace(".", r"\.")):
        parse_item(item)


def test_saved_excludes_are_merged_sorted_and_hold_the_gateway() -> None:
    """Tools read spec.excludeIps; ranges that only touch stay as the user wrote them."""
    gateway = parse_pair("10.0.0.1,fd00::1")

    assert exclude_items([], gateway) == ("10.0.0.1", "fd00::1")
    assert exclude_items(["10.0.0.1..10.0.0.5", "10.0.0.4..10.0.0.8", "10.0.0.9", "fd00::..fd00::2"], gateway) == (
        "10.0.0.1..10.0.0.8",
        "10.0.0.9",
        "fd00::..fd00::2",
    )


def test_a_later_pool_that_overlaps_is_left_out() -> None:
    """A new IPPool must not take addresses from one that is in use."""
    pools = [(name, parse_items(items)) for name, items in (("a", ["10.0.0.0/28"]), ("b", ["10.0.0.8..10.0.0.20"]))]

    kept, refused = disjoint_pools([*pools, ("c", parse_items(["10.0.0.16..10.0.0.20", "fd00::1"]))])

    assert [name for name, _ in kept] == ["a", "c"]
    assert refused == {"b": ("a", "10.0.0.8-10.0.0.15")}


def test_a_layout_of_overlapping_pools_is_refused() -> None:
    """An address in two pools could be given twice."""
    with pytest.raises(Malformed, match=r"shares 10\.0\.0\.9 with IPPool a"):
        parse_layout("10.0.0.0/24", pools={"a": ["10.0.0.5..10.0.0.9"], "b": ["10.0.0.9"]})


def test_a_missing_half_of_the_gateway_is_filled_in() -> None:
    """A dual Subnet often names only one gateway."""
    assert parse_layout("10.0.0.0/24,fd00::/64", "10.0.0.254").gateway == parse_pair("10.0.0.254,fd00::1")


@pytest.mark.parametrize("text", ["0A:58:0a:10:00:02", "0a-58-0a-10-00-02", "0a58.0a10.0002", " 0a:58:0a:10:00:02 "])
def test_every_form_of_a_mac_that_go_reads_is_accepted(text: str) -> None:
    """A Pod's annotation that worked with Kube-OVN works here."""
    assert parse_mac(text) == "0a:58:0a:10:00:02"


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("0a:58:0a:10:00", "is not a MAC"),
        ("0a:58:0a:10:00:zz", "is not a MAC"),
        ("0a:58-0a:10:00:02", "is not a MAC"),
        ("0a:58:0a:10:00:02:03:04", "has 8 octets"),
        ("01:00:5e:00:00:01", "multicast"),
        ("00:00:00:00:00:00", "all zeros"),
        ("a:58:0a:10:00:02", "is not a MAC"),
        ("", "is not a MAC"),
    ],
)
def test_a_mac_that_no_interface_can_have_is_refused(text: str, hint: str) -> None:
    """The kernel would refuse it when the Pod starts, far away from who wrote it."""
    with pytest.raises(Malformed, match=hint):
        parse_mac(text)


@given(st.text(max_size=30), st.integers(0, 1000))
def test_a_made_mac_is_unicast_local_and_repeatable(seed: str, attempt: int) -> None:
    """A plan must show the MAC that the Pod will get."""
    mac = mac_for(seed, attempt)

    assert parse_mac(mac) == mac
    assert int(mac[:2], 16) & 0b11 == 0b10
    assert mac == mac_for(seed, attempt)


def test_a_mac_is_given_once_in_the_cluster() -> None:
    """Kube-OVN looks inside one Subnet only; two Pods on one underlay VLAN then answer for each other."""
    table = MacTable()
    made = table.take_next("web-0.shop", "web-0.shop")

    assert table.take("other.shop", made) == TakenMac(made, "web-0.shop")
    assert table.take_next("thief.shop", "web-0.shop") == mac_for("web-0.shop", 1)
    assert table.take_next("web-0.shop", "something else") == made
    assert table.take("web-0.shop", "0a:00:00:00:00:01") is None
    assert table.holder_of(made) is None
    assert table.take("other.shop", made) is None
    assert table.release("other.shop") == made
    assert table.mac_of("other.shop") is None
    assert table.release("other.shop") is None


def test_an_empty_pair_has_no_text() -> None:
    """An IP object's fields are empty strings where there is no address."""
    assert (Pair().text, Pair().v4_text, Pair().families, parse_pair(" ")) == ("", "", (), Pair())
