"""The command line as a test calls it: in this process, in an environment that says nothing."""

import io
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from ovnloom.cli import main
from tests.conftest import control_plane, know_crds
from tests.controller.conftest import place as place  # noqa: PLC0414,RUF100  (a fixture)
from tests.controller.field import Field
from tests.controller.replica import Replica

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Said:
    """What a call answered."""

    code: int
    out: str
    err: str


Call = Callable[..., Said]


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests with a controller share a worker with all others that need a control plane."""
    for item in items:
        if item.path.is_relative_to(HERE) and "place" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.xdist_group("cluster"))


@pytest.fixture(scope="module")
def field() -> Iterator[Field]:
    """A controller in a control plane of this module, gone before that of tests/controller comes."""
    with control_plane("planned") as sandbox:
        know_crds(sandbox)
        found = Field(sandbox, Replica(sandbox))
        yield found
        found.api.close()


@pytest.fixture
def ovnloom(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Call:
    """Calls the command line; `stdin` is what it can read."""
    for name in [name for name in os.environ if name.startswith("OVNLOOM_")]:
        monkeypatch.delenv(name)
    monkeypatch.delenv("KUBECONFIG", raising=False)
    monkeypatch.setenv("TERM", "dumb")

    def call(*arguments: object, stdin: str = "") -> Said:
        capsys.readouterr()
        with monkeypatch.context() as patch:
            patch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin.encode())))
            code = main.called([str(argument) for argument in arguments])
        found = capsys.readouterr()
        return Said(code, found.out, found.err)

    return call
