"""Fragments become a section of the changelog at a release."""

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A repository with the program, two fragments and no release."""
    (tmp_path / "changelog.d").mkdir()
    shutil.copy(ROOT / "changelog.d" / "merge", tmp_path / "changelog.d" / "merge")
    shutil.copy(ROOT / "CHANGELOG.md", tmp_path / "CHANGELOG.md")
    fragment(tmp_path, "subnets", "Subnets are\nbetter.\n")
    fragment(tmp_path, "pods", "Pods are faster.")
    return tmp_path


def fragment(copy: Path, topic: str, text: str) -> None:
    (copy / "changelog.d" / f"{topic}.md").write_text(text)


def merge(copy: Path, version: str) -> subprocess.CompletedProcess[str]:
    command = [copy / "changelog.d" / "merge", version, "2030-01-02"]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_a_release_turns_fragments_into_items_and_removes_them(copy: Path) -> None:
    """What is left behind would be announced again with the next release."""
    assert merge(copy, "1.0.0").returncode == 0

    changelog = (copy / "CHANGELOG.md").read_text()
    assert changelog.endswith("## 1.0.0 (2030-01-02)\n\n- Pods are faster.\n- Subnets are\n  better.\n")
    assert changelog.startswith("# Changelog\n")
    assert list((copy / "changelog.d").glob("*.md")) == []


def test_the_newest_release_comes_first(copy: Path) -> None:
    """Readers look for what changed since they looked last."""
    merge(copy, "1.0.0")
    fragment(copy, "nodes", "Nodes too.")

    assert merge(copy, "1.1.0").returncode == 0

    changelog = (copy / "CHANGELOG.md").read_text()
    assert changelog.index("## 1.1.0") < changelog.index("- Nodes too.\n\n## 1.0.0")


def test_a_release_is_made_once(copy: Path) -> None:
    """Two sections of one version would leave nobody knowing what is in it."""
    merge(copy, "1.0.0")
    fragment(copy, "nodes", "Nodes too.")

    refused = merge(copy, "1.0.0")

    assert refused.returncode == 1
    assert "choose the next version" in refused.stderr
    assert (copy / "changelog.d" / "nodes.md").exists()
