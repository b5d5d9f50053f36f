"""A cluster of real nodes with ovnloom installed by Helm, shared by all tests of this folder."""

from collections.abc import Iterator

import pytest

from demo.tour.install import Installed
from demo.tour.place import Place
from sandbox import Sandbox
from sandbox.report import Quiet
from tests.cluster.site import Site
from tests.conftest import remove_leftovers, sandbox_name


@pytest.fixture(scope="session")
def installed() -> Iterator[Installed]:
    """Two nodes. A test leaves both up, and ovnloom in them."""
    remove_leftovers()
    sandbox = Sandbox(sandbox_name("nodes"), kubelets=True)
    try:
        found = Installed(sandbox, Quiet())
        found.up(2)
        yield found
    finally:
        sandbox.down()


@pytest.fixture(scope="session")
def place(installed: Installed) -> Place:
    """The cluster, and a host outside."""
    return installed.place()


@pytest.fixture
def site(installed: Installed, place: Place) -> Iterator[Site]:
    """The cluster, for a test that breaks something of it: whole afterwards, but for Pods of other tests."""
    found = Site(installed, place)
    yield found
    found.clear()
