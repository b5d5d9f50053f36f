"""What the tests expect of the tools that run them."""

import pytest


@pytest.mark.xdist_group("alone")
def test_a_group_of_tests_stays_in_one_worker(request: pytest.FixtureRequest) -> None:
    """Where the mark has no effect each worker brings up every control plane, and minutes become an hour.

    When it fails: requirements/avoid.in says which versions don't work together.
    """
    is_grouping = getattr(request.config.option, "loadgroup", False)

    assert request.node.nodeid.endswith("@alone") or not is_grouping
