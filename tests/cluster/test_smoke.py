"""Some of Kubernetes' own end-to-end tests, one of each kind of thing."""

import re

import pytest

from demo.tour.install import Installed
from e2e.run import Run, run
from e2e.specs import CHOICES, SMOKE
from sandbox import build
from sandbox.report import Quiet

# The nodes are shared by all tests of this folder.
pytestmark = pytest.mark.xdist_group("nodes")

HOURS = 0.25
"""Until e2e.test gives up; on an idle machine it takes two minutes."""


@pytest.fixture(scope="module")
def ran(installed: Installed, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """All of them in one run of e2e.test: each run has to begin, and to clean up."""
    build.build(build.E2E, Quiet())
    return run(installed.sandbox, CHOICES["smoke"], tmp_path_factory.mktemp("smoke"), HOURS)


@pytest.mark.parametrize("name", SMOKE)
def test_a_spec_of_kubernetes_passes(ran: Run, name: str) -> None:
    """It was written by others, who know what users of a cluster expect; skipped is not passed."""
    found = [spec for spec in ran.specs if re.search(name, spec.name)]

    assert [(spec.outcome, spec.message) for spec in found] == [("passed", "")]


def test_these_are_all_that_were_selected(ran: Run) -> None:
    """A name that fits another spec too would bring that one in; and e2e.test itself ends without an error."""
    assert (ran.selected, ran.unreached, ran.code) == (len(SMOKE), 0, 0)
