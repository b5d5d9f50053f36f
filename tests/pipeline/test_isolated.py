"""A policy is in force before a Pod's port is up."""

from ovnloom.api.meta import Key
from ovnloom.intent import Owner
from ovnloom.northbound.change import Change
from ovnloom.northbound.edits import AddElement, Insert
from ovnloom.pipeline import Pipeline
from ovnloom.settings import Settings
from tests.pipeline.test_cost import labelled, namespace, node, policy, put, subnet


def test_a_port_comes_in_the_plan_that_isolates_it() -> None:
    """Between two transactions anybody could reach it."""
    pipeline = Pipeline(Settings())
    vpc = {"apiVersion": "kubeovn.io/v1", "kind": "Vpc", "metadata": {"name": "ovn-cluster"}}
    put(pipeline, vpc, subnet("join", "100.64.0.0/16"), subnet("ovn-default", "10.16.0.0/16"), namespace("default"))
    put(pipeline, node("n1"), policy("front", {"app": "web"}, {"role": "front"}), labelled(1, app="web"))

    pipeline.run()
    found = pipeline.plan().operations

    assert [edit.name for edit in found if isinstance(edit, Insert) and edit.table == "Logical_Switch_Port"].count(
        "p1.default"
    )
    joined = [edit.name for edit in found if isinstance(edit, AddElement) and edit.element[1] == "p1.default"]
    inserted = [
        edit.name
        for edit in found
        if isinstance(edit, Insert) and edit.table == "Port_Group" and "p1.default" in str(edit)
    ]
    assert "front.default" in {*joined, *inserted}


def test_no_turn_has_the_port_of_a_pod_without_its_groups() -> None:
    """The address is chosen in one turn and the port follows in a later one: both owners are due there together."""
    pipeline = Pipeline(Settings())
    vpc = {"apiVersion": "kubeovn.io/v1", "kind": "Vpc", "metadata": {"name": "ovn-cluster"}}
    put(pipeline, vpc, subnet("join", "100.64.0.0/16"), subnet("ovn-default", "10.16.0.0/16"), namespace("default"))
    put(pipeline, node("n1"), policy("front", {"app": "web"}, {"role": "front"}))
    pipeline.run()

    put(pipeline, labelled(1, app="web"))
    for _ in range(4):
        turn = pipeline.turn()
        for _, choice in turn.choices:
            pipeline.save(choice)
        ports = {row.name for _, row in pipeline.wanted.all_rows() if row.table == "Logical_Switch_Port"}
        isolated = {
            member.element[1]
            for owner in pipeline.wanted.owners()
            for member in pipeline.wanted.members(owner)
            if member.target.name == "front.default"
        }
        assert ports & {"p1.default"} == isolated
    assert isolated == {"p1.default"}


def test_a_policy_whose_name_somebody_else_has_in_ovn_isolates_all_the_same() -> None:
    """A row that isn't ours stays as it is; without a group of another name the policy would isolate nobody."""
    pipeline = Pipeline(Settings())
    pipeline.observe([Change("insert", "Port_Group", "foreign", {"name": "front.default"})])
    vpc = {"apiVersion": "kubeovn.io/v1", "kind": "Vpc", "metadata": {"name": "ovn-cluster"}}
    put(pipeline, vpc, subnet("join", "100.64.0.0/16"), subnet("ovn-default", "10.16.0.0/16"), namespace("default"))
    put(pipeline, node("n1"), policy("front", {"app": "web"}, {"role": "front"}), labelled(1, app="web"))
    pipeline.run()

    found = pipeline.plan()

    front = Owner("NetworkPolicy", Key("front", "default"))
    groups = [edit.name for edit in found.operations if isinstance(edit, Insert) and edit.owner == front]
    assert front not in found.problems
    assert any(name.startswith("front.default.") for name in groups)
    assert all(edit.name != "front.default" for edit in found.operations)
    member = pipeline.wanted.members(Owner("Membership", Key("p1", "default")))[0]
    assert member.target.name.startswith("front.default.")
    assert "GroupNameTaken" in [problem.reason for problem in pipeline.intent(front).problems]
