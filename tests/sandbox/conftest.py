"""Sandboxes that a test may break, in a home of their own."""

import json
from pathlib import Path

import pytest

from sandbox.ovn import SCHEMAS


@pytest.fixture
def older_schema(tmp_path: Path) -> Path:
    """A northbound schema from before ACLs had tiers (OVN 23.03 brought them)."""
    schema = json.loads((SCHEMAS / "ovn-nb.ovsschema").read_text())
    del schema["tables"]["ACL"]["columns"]["tier"]
    path = tmp_path / "older.ovsschema"
    path.write_text(json.dumps(schema))
    return path
