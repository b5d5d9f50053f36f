"""What a plan imagines: the database after it, on which the next plan is made."""

from pathlib import Path

import pytest

from ovnloom.api.meta import Key
from ovnloom.api.subnet import Subnet
from ovnloom.cli import manifest
from ovnloom.cli.judge import judge
from ovnloom.cli.outlook import Outlook
from ovnloom.cli.scenario import Scenario
from ovnloom.northbound import text
from ovnloom.northbound.mirror import Mirror
from ovnloom.settings import Settings
from ovnloom.world import defaults
from ovnloom.world.tables import BY_KIND

CASES = sorted((Path(__file__).parent / "plans").iterdir())


def outlook() -> Outlook:
    """A cluster that has just started."""
    settings = Settings()
    found = Outlook(settings, Mirror(), all_rows=True)
    found.put(BY_KIND[body["apiVersion"], body["kind"]].decode(body) for body in defaults.bodies(settings))
    found.step()
    return found


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_after_an_imagined_plan_the_database_has_what_is_wanted(case: Path) -> None:
    """If what is imagined were not what a server would make of the plan, the next plan would repeat or undo it."""
    found = outlook()
    given = judge(manifest.read([str(case / "manifests.yaml")]), "default").given

    Scenario(found).apply(given)
    found.step()

    assert text.mirror_rows(found.pipeline.mirror) == text.rows(found.pipeline.wanted)
    assert found.step().operations == []


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_what_comes_and_goes_leaves_the_database_as_it_was(case: Path) -> None:
    """Neither rows nor elements of other owners' sets nor references to rows that went stay behind."""
    found = outlook()
    before = text.mirror_rows(found.pipeline.mirror)
    given = judge(manifest.read([str(case / "manifests.yaml")]), "default").given
    scenario = Scenario(found)
    scenario.apply(given)
    found.step()

    scenario.delete(given)
    found.step()

    assert text.mirror_rows(found.pipeline.mirror) == before
    assert found.step().operations == []


def test_a_change_of_a_row_is_planned_once() -> None:
    """An update of sets and maps is imagined as the difference that a server reports."""
    found = outlook()
    subnet: Subnet = found.pipeline.world.tables[Subnet][Key("ovn-default")]
    body = {
        "apiVersion": "kubeovn.io/v1",
        "kind": "Subnet",
        "metadata": {"name": "ovn-default"},
        "spec": {"cidrBlock": f"{subnet.cidr_block},fd00::/112", "provider": "ovn", "enableDHCP": True},
    }
    for spec in ({}, {"enableDHCP": False, "cidrBlock": subnet.cidr_block}, {"private": True}, {"mtu": 1300}):
        found.put((Subnet.decode({**body, "spec": {**body["spec"], **spec}}),))

        assert found.step().operations != []
        assert text.mirror_rows(found.pipeline.mirror) == text.rows(found.pipeline.wanted)
        assert found.step().operations == []
