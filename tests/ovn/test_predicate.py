"""Matches as functions of a packet, against what OVN itself says of the same packet."""

import re
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ovnloom.ovn.expression import check_match
from ovnloom.ovn.predicate import IPV4, IPV6, NEW, Numbers, Packet, References, number, predicate
from ovnloom.ovn.tokens import Unreadable
from sandbox import Ovn
from tests.ovn.test_expression import ADDRESS_SET, LAND, PORT, READ, flow, port_group, transact

MAC, OTHER = "00:11:22:33:44:55", "02:00:00:00:00:09"
TABLES = 20
"""Logical flow tables of one pipeline that the test fills; OVN has a few more."""
MATCHES = (
    *(text for text in READ if "frag_mtu" not in text),  # ovn-trace can read such a match, and ends by SIGSEGV
    "ip4.src == 10.0.0.0/8 && ip4.dst != {10.0.0.1, 10.0.0.7}",
    "ip4.src != 10.0.0.1",
    "!(ip4.src == 10.0.0.1)",
    "!(1 <= tcp.dst <= 100)",
    "1 <= tcp.dst <= 100",
    "100 > udp.dst",
    "tcp.dst == {80, 443} || udp.dst == 53",
    "ip4.dst[24..31] == 10",
    "!ip4.mcast",
    "eth.dst[40] || ip.ttl == 255",
    "ip6.src == fd00::/8 && icmp6.type == {128, 135}",
    "ip4.src == $empty",
    "ip4.src != $empty",
    "!(ip4.src == $empty)",
    "ip6 && ip4.src != $empty",
    "ip4.src == {$empty, 10.0.0.1}",
    "ip4.src == $mixed",
    "ip4.src == $mixed || tcp",
    "ip6.src == $mixed",
    "ip4.src == $missing || ip4",
    "outport == @missing || ip4",
    "inport == @pg && ip",
    "tcp.src[0..7] == 64",
    "tcp != 0 && !tcp.flags",
    "icmp || (ip4 && (udp || sctp))",
)


@dataclass(frozen=True)
class Sample:
    """A packet as ovn-trace reads it, and as we do."""

    microflow: str
    packet: Packet


def sample(
    family: int, source: str, target: str, proto: int, sport: int, dport: int, ttl: int = 64, to: str = OTHER
) -> Sample:
    name = {6: "tcp", 17: "udp", 132: "sctp", 1: "icmp4", 58: "icmp6"}[proto]
    fields = ("type", "code") if name.startswith("icmp") else ("src", "dst")
    text = (
        f'inport == "p1" && eth.src == {MAC} && eth.dst == {to} && ip.ttl == {ttl} && ip{family}.src == {source}'
        f" && ip{family}.dst == {target} && {name}.{fields[0]} == {sport} && {name}.{fields[1]} == {dport}"
    )
    numbers = [number(value)[0] for value in (source, target, MAC, to)]
    kind = IPV4 if family == 4 else IPV6
    packet = Packet("p1", "", kind, numbers[0], numbers[1], proto, sport, dport, *numbers[2:], ttl, 0)
    return Sample(text, packet)


SAMPLES = (
    sample(4, "10.0.0.1", "10.0.0.7", 6, 40000, 80),
    sample(4, "1.2.3.4", "224.0.0.5", 17, 53, 5353),
    sample(4, "10.1.0.1", "192.168.0.1", 132, 64, 5),
    sample(4, "0.0.0.5", "10.0.0.1", 1, 8, 0, 255),
    sample(6, "fd00::1", "fd00::2", 6, 65535, 90),
    sample(6, "fe80::1", "ff02::16", 58, 143, 0, 1),
    sample(6, "fd00::9", "ff02::1:ff00:2", 58, 135, 0, 255, "33:33:ff:00:00:02"),
    sample(6, "fe80::1", "ff02::16", 58, 143, 0, 1, "33:33:00:00:00:16"),
    sample(6, "fe80::1", "ff02::2", 58, 131, 0, 1, "33:33:00:00:00:02"),
    sample(4, "10.0.0.1", "224.0.0.5", 17, 53, 53, 1, "01:00:5e:00:00:05"),
)
REFERENCES = References(
    {"as": Numbers(["10.0.0.1"]), "empty": Numbers(), "mixed": Numbers(["10.0.0.1", "fd00::1"])},
    {"pg": {"p1"}, "1_pg": {"p1"}},
    {"p1"},
)


def test_ovn_says_the_same_of_each_packet(own_ovn: Ovn) -> None:
    """What the verdicts rest on: each match of the list, with packets of each protocol, in the real parser."""
    own_ovn.stop_northd()
    sets = [ADDRESS_SET, _set("empty"), _set("mixed", "10.0.0.1 fd00::1")]
    transact(own_ovn, [LAND, *map(port_group, ("pg", "1_pg")), *sets, PORT])
    groups = [MATCHES[at : at + TABLES] for at in range(0, len(MATCHES), TABLES)]
    (rows,) = transact(own_ovn, [{"op": "select", "table": "Datapath_Binding", "where": [], "columns": ["_uuid"]}])
    datapath = rows["rows"][0]["_uuid"]
    wrong = []
    for matches in groups:
        transact(own_ovn, [{"op": "delete", "table": "Logical_Flow", "where": []}])
        flows = [_in_table(flow(datapath, 1000, text), at) for at, text in enumerate(matches)]
        flows += [_in_table(flow(datapath, 1, "1"), at) for at in range(len(matches))]
        transact(own_ovn, flows)
        for one in SAMPLES:
            taken = _taken(own_ovn.trace("sw", one.microflow))
            for at, text in enumerate(matches):
                ours = predicate(text).bind(REFERENCES)(one.packet)
                if ours != (at in taken):
                    wrong.append(f"{text}: OVN {at in taken}, we {ours}, of {one.microflow}")
    assert wrong == [], "\n".join(wrong)


def _set(name: str, addresses: str = "") -> dict[str, object]:
    values = ["set", addresses.split()]
    return {"op": "insert", "table": "Address_Set", "row": {"name": name, "addresses": values}}


def _in_table(row: dict[str, object], table: int) -> dict[str, object]:
    """The flow in a table, with an action that changes nothing: ovn-trace doesn't show what only goes on."""
    inner = row["row"]
    assert isinstance(inner, dict)
    return {**row, "row": {**inner, "table_id": table, "actions": "ct_clear; next;"}}


def _taken(said: str) -> set[int]:
    """The tables where the flow with the match was the one that counted."""
    return {int(at) for at in re.findall(r"^ *(\d+)\. .*, priority 1000\b", said, re.MULTILINE)}


@given(st.sampled_from(MATCHES), st.sampled_from(SAMPLES))
def test_bound_twice_it_says_the_same(text: str, one: Sample) -> None:
    """A match is kept and bound to one database after another; the one before must not shine through."""
    empty = References({name: Numbers() for name in REFERENCES.sets}, {"pg": (), "1_pg": ()})
    first = predicate(text).bind(REFERENCES)(one.packet)

    predicate(text).bind(empty)(one.packet)

    assert predicate(text).bind(REFERENCES)(one.packet) == first


def test_a_connection_state_means_nothing_while_nobody_tracks() -> None:
    """ovn-sb(5): all bits but ct.trk need it, so an untracked packet is neither new nor not new."""
    untracked, new = Packet(ct_state=0), Packet(ct_state=NEW)

    assert [predicate(text).bind(References())(untracked) for text in ("ct.new", "!ct.new", "ct.trk")] == [False] * 3
    assert [predicate(text).bind(References())(new) for text in ("ct.new", "!ct.new", "ct.est", "!ct.est")] == [
        True,
        False,
        False,
        True,
    ]


def test_what_ovn_drops_is_told_with_its_reason() -> None:
    """A whole ACL that does nothing because of one name is hard to find otherwise."""
    assert predicate("ip4.src == $gone || tcp").unread(REFERENCES) == "$gone is not there"
    assert predicate("outport == @gone").unread(REFERENCES) == "@gone is not there"
    assert predicate("ip4.src == $mixed").unread(REFERENCES) == "$mixed has a value that doesn't fit ip4.src"
    assert predicate("ip6.src == $mixed").unread(REFERENCES) == ""


@pytest.mark.parametrize("text", ["", "ip4 &&", "ip5"])
def test_what_the_check_refuses_is_no_predicate(text: str) -> None:
    """There is one parser: what it refuses can't be judged."""
    assert check_match(text) is not None
    with pytest.raises(Unreadable):
        predicate(text)


def test_a_set_that_grows_is_seen() -> None:
    """Sets are shared with their database, not copied."""
    numbers = Numbers(["10.0.0.1", "10.0.0.2"])
    test = predicate("ip4.src == $web").bind(References({"web": numbers}))
    later = Packet(src=number("10.0.0.3")[0])

    assert not test(later)
    numbers.add(later.src)
    assert test(later)
