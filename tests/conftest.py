"""Real servers for the tests, and the rules by which tests share them.

`ovn` is OVN alone (a tenth of a second), `cluster` a whole control plane (five seconds, half a gigabyte): ask for the
least that will do. Both live for the session; a test leaves in them nothing that disturbs another. A test that kills or
wipes OVN asks for its own, `own_ovn`; a module that runs a controller, which has an opinion on everything in a cluster,
asks for `own_cluster`. `host` is a machine with Open vSwitch and nothing else: tests/hosts.py.
"""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from sandbox import Ovn, Sandbox
from sandbox.places import names
from tests.hosts import fabric, host, new_host
from tests.leftover import PREFIX, is_leftover, sandbox_name

__all__ = ["fabric", "host", "new_host", "sandbox_name"]  # of their own files

ROOT = Path(__file__).parent.parent
CRDS = ROOT / "crds"
CLUSTERS = frozenset({"cluster", "own_cluster"})
"""Fixtures with a control plane."""
OVN_HOME = Path(tempfile.gettempdir()) / f"ovnloom-{os.getuid()}-tests"

# Machines are shared, so no time is a failure; and what a run finds, the next run of anybody finds as well.
settings.register_profile("suite", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("suite")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Here, because no other conftest is read before the command line is."""
    parser.addoption("--rewrite", action="store_true", help="write the golden files anew; read that diff as code")


@pytest.fixture
def is_rewriting(request: pytest.FixtureRequest) -> bool:
    """Whether golden files are to be written instead of compared."""
    return bool(request.config.getoption("--rewrite"))


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests that share a control plane run in one worker: two of it would starve each other on two cores."""
    for item in items:
        if not CLUSTERS.isdisjoint(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.xdist_group("cluster"))


@pytest.fixture(scope="session")
def ovn() -> Iterator[Ovn]:
    """Private OVN servers, shared by the tests of this worker."""
    remove_leftovers()
    with Ovn(OVN_HOME / sandbox_name("ovn")) as servers:
        yield servers


@pytest.fixture
def own_ovn() -> Iterator[Ovn]:
    """Private OVN servers for one test, empty, which it may kill and wipe."""
    remove_leftovers()
    with Ovn(OVN_HOME / sandbox_name("own-ovn")) as servers:
        yield servers


@pytest.fixture(scope="session")
def cluster() -> Iterator[Sandbox]:
    """A control plane and OVN with two nodes, shared by the tests; it knows ovnloom's CRDs."""
    with control_plane("cluster") as sandbox:
        know_crds(sandbox)
        yield sandbox


@pytest.fixture(scope="module")
def own_cluster() -> Iterator[Sandbox]:
    """A control plane and OVN with two nodes for one module, without CRDs of ours."""
    with control_plane("own-cluster") as sandbox:
        yield sandbox


@contextmanager
def control_plane(purpose: str, **layout: Any) -> Iterator[Sandbox]:
    """A sandbox with two nodes, gone afterwards whatever happened; with `kubelets=True` the nodes run containers."""
    remove_leftovers()
    sandbox = Sandbox(sandbox_name(purpose), **layout)
    try:
        sandbox.up(nodes=2)
        yield sandbox
    finally:
        sandbox.down()


def know_crds(sandbox: Sandbox) -> None:
    """The API server serves ovnloom's kinds."""
    sandbox.kubectl("apply", "--server-side", "-f", str(CRDS))
    sandbox.kubectl("wait", "--for=condition=Established", "--timeout=60s", "-f", str(CRDS))


def remove_leftovers() -> None:
    """Servers of test runs that were killed, and so couldn't remove them, are gone."""
    for name in names():
        if is_leftover(name):
            Sandbox(name).down()
    for directory in OVN_HOME.glob(f"{PREFIX}-*"):
        if is_leftover(directory.name):
            Ovn(directory).down()
