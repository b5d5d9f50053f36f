"""The Go code of the plugin by Go's own tools, with the compiler that builds it."""

import subprocess
from pathlib import Path

import pytest

from sandbox import cni, toolchain
from sandbox.cni import put

MODULE = cni.plugin().module


@pytest.mark.parametrize("command", [["vet", "./..."], ["test", "./..."], ["mod", "verify"]], ids=" ".join)
def test_go_has_nothing_to_say(command: list[str]) -> None:
    """Its unit tests are the ones of limits in time and of odd answers."""
    go = toolchain.go(MODULE, lambda _: None)

    done = subprocess.run(
        [str(go), *command], cwd=MODULE, env=toolchain.environment(), capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stdout + done.stderr


def test_go_code_is_formatted() -> None:
    """As with Python's: nobody discusses it."""
    go = toolchain.go(MODULE, lambda _: None)

    done = subprocess.run(
        [str(go.with_name("gofmt")), "-l", "."], cwd=MODULE, capture_output=True, text=True, check=True
    )

    assert done.stdout == ""


def test_the_plugin_needs_nothing_of_its_host(program: Path) -> None:
    """A host has its own C library, or none."""
    assert b"/ld-linux" not in program.read_bytes()


def test_the_plugin_is_replaced_whole(program: Path, tmp_path: Path) -> None:
    """A runtime starts it at any moment, also in the middle of an upgrade."""
    (tmp_path / "kube-ovn").write_text("the one before")

    placed = put(program, tmp_path)

    assert placed.read_bytes() == program.read_bytes()
    assert placed.stat().st_mode & 0o777 == 0o755
    assert [file.name for file in tmp_path.iterdir()] == ["kube-ovn"]
