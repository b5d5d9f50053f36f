"""Which OVN a sandbox runs, and that it is whole."""

import shlex
from pathlib import Path

import pytest

from sandbox import Ovn, SandboxError, client, debian, release
from sandbox.report import Quiet


@pytest.fixture(scope="module")
def newer() -> release.Release:
    """OVN 25.03, fetched."""
    debian.fetch(release.OVN_25_03, Quiet())
    return release.OVN_25_03


def test_every_program_runs_with_the_libraries_that_came_with_it(newer: release.Release) -> None:
    """A library of the machine beside a newer C library works by chance, and on the next machine it doesn't."""
    programs = {path.name for path in newer.bin.iterdir()}

    assert {"ovn-controller", "ovn-northd", "ovn-nbctl", "ovn-sbctl", "ovn-trace"} <= programs
    assert {"ovs-vswitchd", "ovs-vsctl", "ovs-ofctl", "ovs-appctl", "ovsdb-server", "ovsdb-client"} <= programs
    for name in programs:
        linked = linked_to(newer, name)
        assert len(linked) > 1, name
        assert [path for path in linked if not path.is_relative_to(newer.root)] == [], name


def linked_to(found: release.Release, name: str) -> list[Path]:
    """The libraries that the loader takes for a program."""
    words = (found.bin / name).read_text().splitlines()[-1]
    _, loader, option, libraries, *_, program, _ = shlex.split(words)
    said = client.output(loader, option, libraries, "--list", program)
    lines = (line.split(" => ")[-1].split(" (")[0].strip() for line in said.splitlines() if "vdso" not in line)
    return [Path(line) for line in lines]


def test_the_newer_ovn_has_tiers_of_acls_and_passes_on(tmp_path: Path, newer: release.Release) -> None:
    """Admin policies come before the users' and the baseline after them; without tiers that order can't be said."""
    with Ovn(tmp_path / "ovn", release=newer) as ovn:
        ovn.nbctl("ls-add", "sw", "--", "--tier=1", "acl-add", "sw", "to-lport", "1000", "ip4", "pass")
        ovn.sync()

        assert ovn.nbctl("--bare", "--columns=tier,action", "list", "ACL").split() == ["1", "pass"]


def test_the_installed_ovn_runs_beside_the_newer_one(tmp_path: Path, newer: release.Release) -> None:
    """The controller has to work with the OVN that a cluster has; a test for that must not change the other tests."""
    with Ovn(tmp_path / "older", release=release.SYSTEM) as older, Ovn(tmp_path / "newer", release=newer) as other:
        assert _server(older).parent == Path("/usr/sbin")
        assert _server(other).is_relative_to(newer.root)
        older.nbctl("ls-add", "old")
        older.sync()


def _server(ovn: Ovn) -> Path:
    """The file that the northbound database's process was made from."""
    identity = ovn.servers[0].identity
    assert identity is not None
    return Path(f"/proc/{identity.pid}/exe").resolve()


def test_a_sandbox_keeps_the_ovn_that_it_was_brought_up_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A newer ovn-northd on the databases of an older one would find tables without the columns that it needs."""
    release.record(tmp_path, release.SYSTEM)
    monkeypatch.setenv(release.VARIABLE, "25.03")

    assert release.recorded(tmp_path) == release.SYSTEM
    assert release.recorded(tmp_path / "new") == release.OVN_25_03


def test_an_unknown_ovn_is_refused_with_those_that_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    """A mistyped version that became the default would test something else than was asked for."""
    monkeypatch.setenv(release.VARIABLE, "22.03")

    with pytest.raises(SandboxError, match=r"SANDBOX_OVN says '22.03', .*; take 25.03 or system"):
        release.chosen()


def test_the_programs_of_another_ovn_are_not_on_the_path(monkeypatch: pytest.MonkeyPatch) -> None:
    """In a shell that was set up for a sandbox its programs come first; one of the other OVN must not take them."""
    monkeypatch.setenv("PATH", f"{release.OVN_25_03.bin}:/usr/bin")

    assert release.SYSTEM.environment()["PATH"].split(":")[0] == "/usr/bin"
    assert release.OVN_25_03.environment()["PATH"].split(":").count(str(release.OVN_25_03.bin)) == 1


def test_a_mirror_that_lacks_the_release_says_how_to_do_without(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What fails here fails for somebody who just typed `make test`; half a tree must not be left for the next run."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    absent = release.Release("0.0", "no-such-suite", ("ovn-central",))

    with pytest.raises(
        SandboxError, match=r"(?s)no-such-suite, and no mirror of /etc/apt has that; SANDBOX_OVN=system"
    ):
        debian.fetch(absent, Quiet())

    assert not absent.fetched
    assert {path.name for path in (tmp_path / "ovnloom" / "programs").iterdir()} == {"ovn-0.0.lock"}
