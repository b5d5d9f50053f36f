"""In which order things become so: a Pod is never up before what closes it, and nothing opens in between."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ovnloom.api.meta import Key
from ovnloom.api.securitygroup import SecurityGroup
from ovnloom.intent import Ref
from ovnloom.northbound.edits import AddElement, Delete, Insert, Plan
from ovnloom.ovn import names
from ovnloom.pipeline import Pipeline
from ovnloom.settings import Settings
from tests.compile.manifests import decode
from tests.pipeline.loop import Loop
from tests.securitygroup.worlds import AROUND, EVERYTHING, World

WORLD = World(
    {"web": {"ingressRules": EVERYTHING, "allowSameGroupTraffic": True}},
    {"a": ("web",), "b": ("gone",), "c": ("gone",), "d": ()},
)


def loop(*bodies: Any) -> Loop:
    found = Loop(Pipeline(Settings()))
    put(found, *bodies)
    found.settle()
    return found


def put(to: Loop, *bodies: Any) -> None:
    for found in decode(*bodies):
        to.pipeline.put(type(found), found.key, found)


def planned(of: Loop) -> Plan:
    """What one transaction does."""
    of.pipeline.run()
    return of.pipeline.plan()


def test_a_port_comes_with_what_closes_it() -> None:
    """The groups that a port is in are in the transaction that makes the port, be they there or missing."""
    groups = [body for body in WORLD.bodies if body["kind"] == "SecurityGroup"]
    pods = [body for body in WORLD.bodies if body["kind"] == "Pod"]
    cluster = loop(*AROUND, *groups)
    put(cluster, *pods)

    plan = planned(cluster)

    ports = {edit.name for edit in plan.operations if isinstance(edit, Insert) and edit.table == "Logical_Switch_Port"}
    adds = [edit for edit in plan.operations if isinstance(edit, AddElement)]
    joined = [(edit.name, edit.element) for edit in adds if isinstance(edit.element, Ref)]
    closed = {element.name for name, element in joined if name == names.DENY_ALL_PORT_GROUP}
    assert ports == {"a.default", "b.default", "c.default", "d.default"}
    assert closed == ports - {"d.default"}


def test_another_tier_is_one_step() -> None:
    """Rules leave their old tier in the transaction in which they come into the new one; the denials stay."""
    cluster = loop(*AROUND, *WORLD.bodies)
    before = cluster.pipeline.world.tables[SecurityGroup][Key("web")]
    cluster.pipeline.put(SecurityGroup, before.key, replace(before, tier=1))

    plan = planned(cluster)

    acls = [edit for edit in plan.operations if edit.table == "ACL"]
    assert all(edit.owner.kind == "SecurityGroup" for edit in acls)
    assert {type(edit) for edit in acls} == {Insert, Delete}
    assert {edit.columns["tier"] for edit in acls if isinstance(edit, Insert)} == {3}
    assert len(acls) == 2 * 6


def test_a_group_that_comes_or_goes_touches_its_own_rows_alone() -> None:
    """The Pod that names it stays in the group that denies; its port isn't touched."""
    cluster = loop(*AROUND, *WORLD.bodies)
    put(cluster, {"apiVersion": "kubeovn.io/v1", "kind": "SecurityGroup", "metadata": {"name": "gone"}})

    plan = planned(cluster)

    assert {edit.name for edit in plan.operations} == {"ovn.sg.gone"}
    joined = [edit.element for edit in plan.operations if isinstance(edit, AddElement)]
    assert {ref.name for ref in joined if isinstance(ref, Ref)} == {"b.default", "c.default"}
