"""Programs are built once per version, and a failed build says where to look."""

import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from sandbox import SandboxError, build
from sandbox.report import Quiet


@pytest.fixture
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache for what is built, empty; Go's own caches stay."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("GOCACHE", str(tmp_path / "go-build"))
    return tmp_path / "cache"


def small(directory: Path, source: str) -> build.Programs:
    """A module with one program and nothing to download."""
    directory.mkdir()
    (directory / "go.mod").write_text("module example.org/small\n\ngo 1.21\n")
    (directory / "go.sum").write_text("")
    (directory / "main.go").write_text(source)
    return build.Programs(directory, (("small", "example.org/small"),))


def test_another_version_has_another_key(tmp_path: Path) -> None:
    """A checkout with other versions must not run the programs of this one."""
    module = tmp_path / "kubernetes"
    shutil.copytree(build.KUBERNETES.module, module)
    copy = replace(build.KUBERNETES, module=module)
    assert copy.key == build.KUBERNETES.key

    with (module / "go.mod").open("a") as file:
        file.write("// changed\n")

    assert copy.key != build.KUBERNETES.key


def test_a_build_happens_once(tmp_path: Path, own_cache: Path) -> None:
    """The second `up` of a day must not wait for a compiler."""
    programs = small(tmp_path / "small", "package main\n\nfunc main() {}\n")

    build.build(programs, Quiet())
    first = (programs.bin / "small").stat()
    build.build(programs, Quiet())

    assert (programs.bin / "small").stat().st_mtime_ns == first.st_mtime_ns
    kept = own_cache / "ovnloom" / "programs"
    assert {path.name for path in kept.iterdir()} == {
        f"small-{programs.key}",
        f"small-{programs.key}.log",
        "small.lock",
    }


def test_the_tests_of_a_package_can_be_the_program(tmp_path: Path, own_cache: Path) -> None:
    """Kubernetes has its end-to-end tests as Go tests, which no `go build` makes."""
    module = small(tmp_path / "small", "package main\n\nfunc main() {}\n").module
    (module / "main_test.go").write_text(
        'package main\n\nimport "testing"\n\nfunc TestNothing(*testing.T) { println("tested") }\n'
    )
    programs = build.Programs(module, (("small.test", "example.org/small"),), tests=True)

    build.build(programs, Quiet())

    ran = subprocess.run([programs.bin / "small.test", "-test.v"], capture_output=True, text=True, check=True)
    assert "tested" in ran.stderr
    assert "PASS: TestNothing" in ran.stdout


def test_a_failed_build_shows_its_end_and_leaves_no_program(tmp_path: Path, own_cache: Path) -> None:
    """Half a build that looks whole would fail much later and say nothing."""
    programs = small(tmp_path / "broken", "package main\n\nfunc main() { nowhere() }\n")

    with pytest.raises(SandboxError, match=r"(?s)the end of .*\.log:.*undefined: nowhere"):
        build.build(programs, Quiet())

    assert not programs.bin.exists()
