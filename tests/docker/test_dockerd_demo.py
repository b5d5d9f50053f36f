"""The demo of Docker is what a newcomer sees first of it."""

import io

import pytest
from rich.console import Console

from demo.docker import DockerShow
from sandbox.report import Quiet
from tests.docker.lab import Lab


@pytest.mark.xdist_group("dockers")
@pytest.mark.long
def test_all_that_is_shown_is_right_and_says_what_it_proves(lab: Lab) -> None:
    """A demo that shows a cross, or ends in the middle, is worse than none."""
    out = io.StringIO()

    DockerShow(lab.site, Console(file=out, width=200), Quiet()).run()

    lab.one.docker.configure(live_restore=False)
    said = out.getvalue()
    assert "✗" not in said
    assert said.count("✓") == 14
    assert "demo on docker-2 docker run" in said
