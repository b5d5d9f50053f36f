"""Packages of another Debian release, unpacked beside the machine's own system and run with their own libraries.

apt downloads them, from the mirror and with the proxy that the machine's apt is set up for, checks them with Debian's
keys, and notes nothing of it in the system: lists, cache and status are in a folder that goes away. No root is needed.
"""

import os
import platform
import shutil
import subprocess
import tempfile
from pathlib import Path

from sandbox import places
from sandbox.errors import SandboxError
from sandbox.lock import locked
from sandbox.release import OVN, SYSTEM, VARIABLE, Release
from sandbox.report import Report, Tell

KEYS = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
# Big, and nothing that a server of ours looks at.
LEFT_OUT = ("usr/share/doc", "usr/share/man", "usr/share/locale", "usr/lib/*/gconv", "usr/lib/systemd", "etc", "var")
PROGRAMS = ("usr/bin", "usr/sbin", "usr/lib/openvswitch-switch")
CONFIGURATION = """
#clear APT::Update;
#clear APT::Default-Release;
Dir::State "{work}";
Dir::State::status "{work}/status";
Dir::Cache "{work}";
Dir::Etc::sourcelist "{work}/no.list";
Dir::Etc::sourceparts "{work}/sources";
Dir::Etc::preferences "{work}/no.preferences";
Dir::Etc::preferencesparts "{work}/preferences";
Acquire::Retries "3";
Acquire::AllowInsecureRepositories "false";
APT::Get::AllowUnauthenticated "false";
"""
SOURCE = """
Types: deb
URIs: {mirror}
Suites: {suite}
Components: main
Architectures: {architecture}
Targets: Packages
Languages: none
Signed-By: {keys}
"""
# The kernel names a process after the file that it executes: with a link to the loader that has the program's name,
# `ps` shows what one expects.
WRAPPER = """\
#!/bin/sh
export OVS_PKGDATADIR="${{OVS_PKGDATADIR:-{root}/usr/share/openvswitch}}"
export OVN_PKGDATADIR="${{OVN_PKGDATADIR:-{root}/usr/share/ovn}}"
exec "{root}/loaders/{name}" --library-path "{libraries}" --argv0 "$0" "{root}/{program}" "$@"
"""


def fetch(release: Release, report: Report) -> None:
    """The release is in its folder: all of it or nothing.

    That holds however the run ends, and when several runs want it at once: one fetches, the others wait.
    """
    if release.fetched:
        return
    kept = places.cache() / "programs"
    lock = kept / f"{release.what}-{release.name}.lock"
    with report.step(f"{_title(release)}, fetched once") as tell, locked(lock, tell):
        if not release.fetched:
            _fetch(release, kept, tell)


def _fetch(release: Release, kept: Path, tell: Tell) -> None:
    draft = Path(tempfile.mkdtemp(prefix=f".{release.what}-", dir=kept))
    try:
        # Not in the draft: apt drops root's rights for downloads, and has none then in a folder of root's.
        with tempfile.TemporaryDirectory(prefix="ovnloom-apt-") as work:
            _download(release, Path(work), tell)
            tell("unpacking")
            for package in sorted((Path(work) / "archives").glob("*.deb")):
                _run("dpkg-deb", "--extract", package, draft)
        for pattern in LEFT_OUT:
            for path in draft.glob(pattern):
                shutil.rmtree(path)
        _wrap(draft, release.root)
        draft.chmod(0o755)
        shutil.rmtree(release.root, ignore_errors=True)  # what an interrupted removal left
        draft.rename(release.root)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _download(release: Release, work: Path, tell: Tell) -> None:
    """The packages are in `archives`, checked."""
    work.chmod(0o755)
    for name in ("lists/partial", "archives/partial", "sources", "preferences"):
        (work / name).mkdir(parents=True)
    (work / "status").touch()
    (work / "apt.conf").write_text(CONFIGURATION.format(work=work))
    architecture = _run("dpkg", "--print-architecture").strip()
    apt = ("apt-get", "--quiet", "-c", work / "apt.conf")
    refused = ""
    for mirror in mirrors():
        text = SOURCE.format(mirror=mirror, suite=release.suite, architecture=architecture, keys=KEYS)
        (work / "sources" / "debian.sources").write_text(text.lstrip())
        tell(f"Debian {release.suite}: what there is")
        try:
            _run(*apt, "--error-on=any", "update")
        except SandboxError as error:
            refused = f"\n{error}"
            continue
        tell(f"Debian {release.suite}: {len(release.packages)} packages")
        _run(*apt, "-o", "APT::Sandbox::User=root", "download", *release.packages, directory=work / "archives")
        return
    raise SandboxError(
        f"{_title(release)} is in Debian {release.suite}, and no mirror of /etc/apt has that; "
        f"{VARIABLE}={SYSTEM.name} takes the OVN that is installed here{refused}"
    )


def _title(release: Release) -> str:
    return f"{release.what.upper() if release.what == OVN else release.what.title()} {release.name}"


def mirrors() -> tuple[str, ...]:
    """Where this machine gets its own Debian release from, as apt is set up, the likeliest first."""
    codename = platform.freedesktop_os_release().get("VERSION_CODENAME", "")
    form = "$(REPO_URI) $(RELEASE) $(COMPONENT)"
    lines = _run("apt-get", "indextargets", "--no-release-info", "--format", form, "Created-By: Packages").splitlines()
    found = [line.split() for line in lines]
    own = {codename, "stable", "oldstable", "testing"}
    return tuple(dict.fromkeys(words[0] for words in found if words[1] in own and words[2:] == ["main"]))


def _wrap(draft: Path, root: Path) -> None:
    """`bin` has a script for each program, which starts it with the loader and the libraries that came with it.

    Where none came, programs are just linked: such a one may execute itself, as container runtimes do.
    """
    (draft / "bin").mkdir()
    folders = [draft / folder for folder in PROGRAMS if (draft / folder).is_dir()]
    programs = sorted(path for folder in folders for path in folder.iterdir() if _is_binary(path))
    loaders = list(draft.glob("usr/lib/*/ld-linux-*.so.*"))
    if not loaders:
        for program in programs:
            (draft / "bin" / program.name).symlink_to(Path("..") / program.relative_to(draft))
        return
    inside = loaders[0].relative_to(draft)
    (draft / "loaders").mkdir()
    for program in programs:
        name = program.name
        (draft / "loaders" / name).symlink_to(Path("..") / inside)
        text = WRAPPER.format(
            root=root, name=name, libraries=root / inside.parent, program=program.relative_to(draft).as_posix()
        )
        wrapper = draft / "bin" / name
        wrapper.write_text(text)
        wrapper.chmod(0o755)


def _is_binary(path: Path) -> bool:
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(4) == b"\x7fELF"


def _run(*command: str | Path, directory: Path | None = None) -> str:
    words = [str(word) for word in command]
    try:
        done = subprocess.run(
            words, cwd=directory, env={**os.environ, "LC_ALL": "C"}, capture_output=True, text=True, check=False
        )
    except FileNotFoundError:
        raise SandboxError(
            f"{words[0]} is not installed: OVN is fetched with Debian's own tools; "
            f"{VARIABLE}={SYSTEM.name} takes the OVN that is installed here"
        ) from None
    if done.returncode:
        raise SandboxError(f"{' '.join(words)} failed:\n{(done.stderr or done.stdout).strip()}")
    return done.stdout
