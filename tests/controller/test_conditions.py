"""What an object's conditions say, from its problems."""

from ovnloom.controller.conditions import conditions
from ovnloom.intent import Problem

NOW = "2026-01-01T00:00:00Z"


def status(*problems: Problem, blockers: str = "") -> dict[str, str]:
    """The statuses of the conditions by type."""
    found = conditions((), problems, "AllIsWell", blockers, 1, NOW)
    return {condition.type: condition.status for condition in found}


def test_what_has_no_effect_leaves_an_object_ready() -> None:
    """A dashboard that alerts on Ready must not wake anybody for an excluded address outside the CIDR."""
    idle = Problem("ExcludeIpsOutside", "spec.excludeIps has 10.9.0.1, which has no effect; remove it", "Error")

    assert status(idle) == {"Validated": "True", "Ready": "True", "Error": "True"}


def test_what_is_wrong_with_the_writing_is_neither_valid_nor_ready() -> None:
    """Validated tells a user's mistake from something that is missing elsewhere."""
    wrong = Problem("ValidateLogicalSwitchFailed", "spec.cidrBlock 10.1.0.0/33 is not a network; …", "Validated")
    missing = Problem("VpcMissing", "spec.vpc is 'acme'; create that Vpc or name another")

    assert status(wrong) == {"Validated": "False", "Ready": "False", "Error": "True"}
    assert status(missing) == {"Validated": "True", "Ready": "False", "Error": "True"}


def test_solved_problems_leave_no_error_behind() -> None:
    """Kube-OVN never cleared Error, so nobody could use it."""
    before = conditions((), (Problem("VpcMissing", "…"),), "AllIsWell", "", 1, NOW)

    after = conditions(before, (), "AllIsWell", "", 1, "2026-01-01T00:01:00Z")

    assert {condition.type: condition.status for condition in after} == {
        "Validated": "True",
        "Ready": "True",
        "Error": "False",
    }


def test_a_deletion_that_waits_is_told_beside_other_problems() -> None:
    """Who deletes a broken Subnet wants to know what it waits for."""
    found = conditions((), (Problem("VpcMissing", "no Vpc"),), "", "in use by 10.0.0.2 of web", 1, NOW)

    (ready,) = (condition for condition in found if condition.type == "Ready")
    assert "no Vpc" in ready.message
    assert "in use by 10.0.0.2 of web" in ready.message
