"""The page as people see it: served by a process of its own, in a real browser."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.conftest import control_plane, know_crds
from tests.controller.conftest import place as place  # noqa: PLC0414,RUF100  (a fixture)
from tests.controller.field import Field
from tests.controller.replica import Replica
from tests.web.browser import Browser
from tests.web.served import Served

HERE = Path(__file__).parent


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A browser is big, so all pages share one, in the worker that has control planes: some pages need those."""
    for item in items:
        if item.path.is_relative_to(HERE) and not {"browser", "place"}.isdisjoint(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.xdist_group("cluster"))


@pytest.fixture(scope="module")
def field() -> Iterator[Field]:
    """A controller in a control plane of this module, gone before that of tests/controller comes."""
    with control_plane("watched") as sandbox:
        know_crds(sandbox)
        found = Field(sandbox, Replica(sandbox))
        yield found
        found.api.close()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium without a window."""
    found = Browser()
    yield found
    found.close()


@pytest.fixture(scope="module")
def serve(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Served]]:
    """Starts `ovnloom web` with some arguments; it is stopped when the module is done."""
    started: list[Served] = []

    def start(*arguments: object) -> Served:
        started.append(Served(tmp_path_factory.mktemp("web"), tuple(map(str, arguments))).start())
        return started[-1]

    yield start
    for page in started:
        page.stop()
