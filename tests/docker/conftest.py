"""Two machines with a real dockerd each, of different versions, and `ovnloom docker` beside both, on one OVN."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from demo.docker_site import DockerSite
from sandbox.docker_engine import DOCKER_20_10, DOCKER_26_1
from sandbox.images import others
from tests.docker.lab import Lab
from tests.leftover import PREFIX, is_leftover, sandbox_name

HOME = Path(tempfile.gettempdir()) / "ovnloom-dockers"


@pytest.fixture(scope="session")
def dockers() -> Iterator[DockerSite]:
    """Both machines, up for all tests that ask for them."""
    for left in HOME.glob(f"{PREFIX}-*"):
        if is_leftover(left.name):
            DockerSite(left).down()
    # Leftovers are looked for often: what somebody has must not be taken for one.
    settings = {"OVNLOOM_DOCKER_SWEEP": "5"}
    site = DockerSite(HOME / sandbox_name("dockers"), (DOCKER_26_1, DOCKER_20_10), settings)
    try:
        site.up(others.busybox(lambda _: None))
        yield site
    finally:
        site.down()


@pytest.fixture
def lab(dockers: DockerSite) -> Iterator[Lab]:
    """The machines without any network or container of ours; what a test leaves is removed without a trace in OVN."""
    found = Lab(dockers)
    found.mend()
    yield found
    found.mend()
    found.clear()
    assert found.traces() == []
