"""Sandboxes that a test may break, in a home of their own."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox import Sandbox, places
from sandbox.release import chosen


@pytest.fixture
def older_schema(tmp_path: Path) -> Path:
    """A northbound schema from before ACLs had labels."""
    schema = json.loads((chosen().schemas / "ovn-nb.ovsschema").read_text())
    del schema["tables"]["ACL"]["columns"]["label"]
    path = tmp_path / "older.ovsschema"
    path.write_text(json.dumps(schema))
    return path


@pytest.fixture
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A home that holds no sandbox before the test and none after it."""
    home = tmp_path / "home"
    monkeypatch.setenv("OVNLOOM_SANDBOX_HOME", str(home))
    yield home
    for name in places.names():
        Sandbox(name).down()
