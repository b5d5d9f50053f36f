"""The benchmark of Docker runs, and finds the plugin's calls in its log."""

import pytest

from bench.docker import COUNTED, measure
from tests.docker.lab import Lab


@pytest.mark.xdist_group("dockers")
@pytest.mark.long
def test_starts_of_containers_are_measured_beside_those_on_dockers_own_bridge(lab: Lab) -> None:
    """A change of the log's form or of a call's name must not leave the benchmark behind."""
    lines = list(measure(lab.one, 1))

    assert all(line.value > 0 for line in lines)
    assert len([line for line in lines if line.bar]) == 2
    assert [line.name.split(",")[0] for line in lines[-len(COUNTED) :]] == list(COUNTED)
