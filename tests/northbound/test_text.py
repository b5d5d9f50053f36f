"""Rows and plans as people and programs read them."""

import json

from ovnloom.intent import EMPTY
from ovnloom.northbound import text
from ovnloom.northbound.plan import plan
from tests.northbound.rows import group, pod, policy, port, subnet, switch
from tests.northbound.simulation import Room

ROWS = """\
ACL Port_Group:p.ns to-lport 1 0 outport == @p.ns in Port_Group p.ns (NetworkPolicy/ns/p)
  action: drop
  direction: to-lport
  match: outport == @p.ns
  priority: 1
Logical_Switch blue (Subnet/blue)
  name: blue
Logical_Switch_Port a.ns in Logical_Switch blue (Pod/ns/a)
  addresses: {00:00:00:00:00:01 10.0.0.2}
  external_ids: {ls=blue}
  name: a.ns
Port_Group p.ns (NetworkPolicy/ns/p)
  name: p.ns
  ports: {a.ns}
"""

PLAN = """\
+ Logical_Switch_Port b.ns in Logical_Switch blue (Pod/ns/b): no such row
    addresses: {00:00:00:00:00:01 10.0.0.2}
    external_ids: {ls=blue, ovnloom.io/owner=Pod/ns/b, vendor=kube-ovn}
    name: b.ns
~ Logical_Switch blue (Subnet/blue): other_config differs: {} → {mcast_snoop=true}
- Port_Group p.ns ports -= a.ns (Pod/ns/a): its owner no longer wants it there
- Logical_Switch_Port a.ns (Pod/ns/a): no intent names it
… Port_Group q.ns is missing; it is waited for by Pod/ns/b
"""


def room() -> Room:
    found = Room()
    found.want(subnet("blue"), switch("blue"))
    found.want(policy("p"), group("p.ns", 1))
    found.want(pod("a"), port("a.ns", "blue", "p.ns"))
    return found


def test_rows_are_blocks_with_names_instead_of_uuids() -> None:
    """Golden files are read in reviews and must not depend on a run."""
    found = room()

    assert text.rows(found.wanted) == ROWS
    assert text.mirror_rows(found.mirror) == ROWS


def test_a_plan_says_of_each_row_whose_it_is_and_why_it_changes() -> None:
    """This is what `ovnloom plan` prints."""
    found = room()
    found.wanted.replace(pod("a"), EMPTY)
    found.wanted.replace(pod("b"), port("b.ns", "blue", "q.ns"))
    found.wanted.replace(subnet("blue"), switch("blue", mcast_snoop="true"))

    planned = plan([pod("a"), pod("b"), subnet("blue")], found.wanted, found.mirror)

    assert text.plan(planned) == PLAN


def test_a_plan_is_json() -> None:
    """Scripts decide on it in pipelines."""
    found = room()
    found.wanted.replace(pod("a"), port("a.ns", "blue", ip="10.0.0.9"))

    read = json.loads(json.dumps(text.plan_json(plan([pod("a")], found.wanted, found.mirror))))

    update, remove = read["operations"]
    assert update["changes"]["addresses"] == {
        "old": ["00:00:00:00:00:01 10.0.0.2"],
        "new": ["00:00:00:00:00:01 10.0.0.9"],
    }
    assert (remove["operation"], remove["element"], remove["owner"]) == ("remove", "a.ns", "Pod/ns/a")


def test_an_empty_plan_is_an_empty_text() -> None:
    """Exit code and output say the same."""
    assert text.plan(room().everything()) == ""
