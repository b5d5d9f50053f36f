"""A controller that works in a sandbox of its own: it would have an opinion on what other tests make."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox import Sandbox
from tests.conftest import CRDS, remove_leftovers, sandbox_name
from tests.controller.field import Field, Place
from tests.controller.replica import Replica

HERE = Path(__file__).parent
TAIL = 40
"""Lines of the controller's log that a failure shows."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """These tests share a control plane, and two of them would starve each other on two cores."""
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.xdist_group("cluster"))


@pytest.fixture(scope="session")
def field() -> Iterator[Field]:
    """A control plane and OVN with two nodes, and a controller that runs when a test wants it."""
    remove_leftovers()
    sandbox = Sandbox(sandbox_name("field"))
    try:
        sandbox.up(nodes=2)
        sandbox.kubectl("apply", "--server-side", "-f", str(CRDS))
        sandbox.kubectl("wait", "--for=condition=Established", "--timeout=60s", "-f", str(CRDS))
        found = Field(sandbox, Replica(sandbox))
        yield found
        found.api.close()
    finally:
        sandbox.down()


@pytest.fixture
def place(field: Field) -> Iterator[Place]:
    """A part of the field for one test, with a controller that is ready."""
    field.controller.begin()
    found = Place(field)
    try:
        yield found
    finally:
        found.clear()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    """What failed shows the end of the controllers' logs, and says where they are as long as the sandbox lives."""
    report = yield
    found = getattr(item, "funcargs", {})
    for thing in found.values():
        if report.failed and isinstance(thing, Place | Field):
            field = thing.field if isinstance(thing, Place) else thing
            for log in sorted(field.sandbox.directory.glob("logs/controller*.log")):
                lines = log.read_text(errors="replace").splitlines()
                report.sections.append((f"end of {log.name}", "\n".join(lines[-TAIL:])))
            break
    return report
