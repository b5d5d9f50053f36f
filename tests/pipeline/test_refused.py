"""What the database refuses: a policy closes, everything else is as it was."""

from ovnloom.api.meta import Key
from ovnloom.intent import Owner
from ovnloom.pipeline import Pipeline
from tests.pipeline.test_cost import busy, labelled, policy, put

__all__ = ["busy"]
FRONT = Owner("NetworkPolicy", Key("front", "default"))


def actions(pipeline: Pipeline) -> list[str]:
    return sorted(str(row.columns["action"]) for row in pipeline.wanted.rows(FRONT) if row.table == "ACL")


def test_a_policy_whose_rows_are_refused_denies_until_it_changes(busy: Pipeline) -> None:
    """Leaving it out would open what it closes; trying again would be refused again."""
    put(busy, labelled(1, app="web"), policy("front", {"app": "web"}, {"role": "front"}))
    busy.run()
    assert actions(busy) == ["allow-related", "drop"]

    busy.given_up({FRONT: "constraint violation"})
    busy.run()

    assert actions(busy) == ["drop"]
    said = [problem.reason for problem in busy.intent(FRONT).problems]
    assert said == ["OvnRefused"]
    port = Owner("Membership", Key("p1", "default"))
    assert [member.target.name for member in busy.wanted.members(port)] == ["front.default"]

    busy.given_up({FRONT: "another word for it"})
    assert not looked_at_again(busy)

    put(busy, policy("front", {"app": "web"}, {"role": "back"}))
    busy.run()

    assert actions(busy) == ["allow-related", "drop"]


def looked_at_again(pipeline: Pipeline) -> bool:
    """Whether the policy is compiled again, as it would be for ever if each refusal had other words."""
    return FRONT in pipeline.turn().intents
