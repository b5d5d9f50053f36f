"""The check of matches, against what OVN itself says of them."""

import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ovnloom.ovn.expression import check_match
from sandbox import Ovn
from sandbox.client import output

HERE = Path(__file__).parent
READ = (HERE / "matches_read.txt").read_text().splitlines()[1:]
REFUSED = (HERE / "matches_refused.txt").read_text().splitlines()[1:]


def test_a_match_that_ovn_reads_passes() -> None:
    """Refusing it would take a working ACL away from a user who comes from Kube-OVN."""
    assert {text: check_match(text) for text in READ if check_match(text)} == {}


def test_a_match_that_ovn_refuses_is_refused() -> None:
    """OVN only logs it and drops the flow, so a denying ACL would let all through and nobody would know."""
    assert [text for text in REFUSED if check_match(text) is None] == []


def test_ovn_agrees_with_both_lists(own_ovn: Ovn) -> None:
    """The lists are only worth what the real parser says: ovn-trace reads logical flows as ovn-controller does."""
    own_ovn.stop_northd()
    texts = READ + REFUSED
    transact(own_ovn, [LAND, *map(port_group, ("pg", "1_pg")), ADDRESS_SET, PORT])
    (rows,) = transact(own_ovn, [{"op": "select", "table": "Datapath_Binding", "where": [], "columns": ["_uuid"]}])
    datapath = rows["rows"][0]["_uuid"]
    for start in range(0, len(texts), 100):
        transact(own_ovn, [flow(datapath, start + at, text) for at, text in enumerate(texts[start : start + 100])])
    log = own_ovn.directory / "trace.log"

    output("ovn-trace", f"--db={own_ovn.sb}", f"--log-file={log}", "sw", 'inport=="p1"')

    complaints = set(re.findall(r"WARN\|(.*): parsing expression failed \(", log.read_text()))
    assert complaints == set(REFUSED)


@given(st.text(max_size=200))
def test_any_text_gets_an_answer(text: str) -> None:
    """A user can write anything into spec.acls; the check of it must not be what fails."""
    answer = check_match(text)

    assert answer is None or answer


@given(st.lists(st.sampled_from(["(", ")", "!", "&&", "||", "ip4", "ip4.src", "==", "1.2.3.4", "{", "}", ","])))
def test_any_words_get_an_answer(words: list[str]) -> None:
    """Words that are right one by one reach deeper into the grammar than free text."""
    answer = check_match(" ".join(words))

    assert answer is None or answer


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("", "write 1 to match every packet"),
        ("(ip4", "expected )"),
        ("ip4)", "a ) too many"),
        ("ip4 || ip6 && tcp", "put one of them into parentheses"),
        ("ip4 = 1", "compare with =="),
        ("ip4.sorc == 1.2.3.4", "ip4.sorc is no field of OVN"),
        ("ip4.src == 10.0.0.0/33", "use a prefix of at most 32"),
        ("ip4.src == fd00::1", "doesn't fit ip4.src"),
        ("!tcp", "name what shall match instead"),
        ("outport == $web", "can't be compared with $web"),
        ("ip4 ip6", "join terms with && or ||"),
    ],
)
def test_a_refusal_says_what_to_change(text: str, hint: str) -> None:
    """The user sees this sentence in a condition and has nothing else to go by."""
    assert hint in (check_match(text) or "")


def test_parentheses_may_be_nested_as_deep_as_ovn_allows() -> None:
    """OVN's limit is 100; one more is refused there."""
    assert check_match("(" * 100 + "ip4" + ")" * 100) is None
    assert check_match("(" * 101 + "ip4" + ")" * 101) is not None


LAND = {
    "op": "insert",
    "table": "Datapath_Binding",
    "uuid-name": "sw",
    "row": {"tunnel_key": 1, "external_ids": ["map", [["name", "sw"]]]},
}
ADDRESS_SET = {"op": "insert", "table": "Address_Set", "row": {"name": "as", "addresses": "10.0.0.1"}}
PORT = {
    "op": "insert",
    "table": "Port_Binding",
    "row": {"logical_port": "p1", "datapath": ["named-uuid", "sw"], "tunnel_key": 1},
}


def port_group(name: str) -> dict[str, object]:
    """A Port_Group of the southbound database; OVN looks for both the bare and the datapath's name."""
    return {"op": "insert", "table": "Port_Group", "row": {"name": name, "ports": "p1"}}


def flow(datapath: object, priority: int, match: str) -> dict[str, object]:
    """A logical flow with that match."""
    row = {"logical_datapath": datapath, "pipeline": "ingress", "table_id": 0, "priority": priority}
    return {"op": "insert", "table": "Logical_Flow", "row": {**row, "match": match, "actions": "next;"}}


def transact(ovn: Ovn, operations: list[dict[str, object]]) -> list[dict[str, list[dict[str, object]]]]:
    """The results of one transaction with the southbound database."""
    results = json.loads(output("ovsdb-client", "transact", ovn.sb, json.dumps(["OVN_Southbound", *operations])))
    assert not [result for result in results if result and "error" in result]
    return results  # type: ignore[no-any-return]  # JSON
