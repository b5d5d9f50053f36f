"""Layers of Debian's packages: a whole small system, and what further packages add to one."""

import hashlib
import os
import re
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sandbox import debian
from sandbox.errors import SandboxError
from sandbox.images.layers import Layer, kept, key
from sandbox.report import Tell

# Nothing looks at these in a container.
LEFT_OUT = ("usr/share/doc/*", "usr/share/man/*", "usr/share/locale/*", "usr/share/info/*")
# No file is younger (2026-01-01 in UTC): what an installation writes has this time, what is in a package its own.
LATEST = "1767225600"
# Made by the runtime, or different from run to run.
UNWANTED = re.compile(r"dev/.+|(run|tmp)/.+|var/cache/.+|var/log/.+|var/lib/apt/lists/.+|etc/(hostname|resolv\.conf)")
# The name of what was below and is there no more, in the words of image layers.
WHITEOUT = ".wh."


def system(suite: str, packages: tuple[str, ...], tell: Tell) -> tuple[Layer, ...]:
    """Debian's smallest system, and the packages with all that they need as a layer on it."""
    base = kept(f"debian-{suite}", key(suite, LEFT_OUT, LATEST), lambda draft: _install(suite, (), draft, tell), tell)
    if not packages:
        return (base,)

    def make(draft: Path) -> None:
        with _temporary() as directory:
            whole = directory / "whole.tar"
            _install(suite, packages, whole, tell)
            _difference(base.path, whole, draft)

    return base, kept(f"debian-{suite}-{packages[0].split('=')[0]}", key(base.digest, packages), make, tell)


def _install(suite: str, packages: tuple[str, ...], path: Path, tell: Tell) -> None:
    """The tar has the system with the packages. The download goes the way that this machine's apt is set up for."""
    refused = ""
    for mirror in debian.mirrors():
        tell(f"Debian {suite}: {' '.join(packages) or 'the smallest system'}")
        with _temporary() as directory:
            whole = directory / "system.tar"
            left_out = [f"--dpkgopt=path-exclude=/{pattern}" for pattern in LEFT_OUT]
            include = [f"--include={','.join(packages)}"] if packages else []
            # Not fsynced: what a crash spoils is made again.
            command = ["mmdebstrap", "--quiet", "--variant=minbase", "--dpkgopt=force-unsafe-io", *left_out, *include]
            environment = {**os.environ, "SOURCE_DATE_EPOCH": LATEST, "LC_ALL": "C", "TMPDIR": str(directory)}
            try:
                done = subprocess.run(
                    [*command, suite, str(whole), mirror], env=environment, capture_output=True, text=True, check=False
                )
            except FileNotFoundError:
                raise SandboxError("images need mmdebstrap: `apt-get install mmdebstrap`") from None
            if done.returncode == 0:
                _copy(whole, path)
                return
            refused = done.stderr.strip()
    raise SandboxError(f"no mirror of /etc/apt gives Debian {suite} with {' '.join(packages)}:\n{refused}")


@contextmanager
def _temporary() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="ovnloom-image-") as directory:
        Path(directory).chmod(0o755)  # apt downloads without root's rights
        yield Path(directory)


def _copy(whole: Path, path: Path) -> None:
    """The tar without what is made anew at each start. Folders stay: servers write their logs there."""
    with tarfile.open(whole) as source, tarfile.open(path, "w", format=tarfile.PAX_FORMAT) as target:
        for entry in source:
            if entry.isdir() or not UNWANTED.fullmatch(_name(entry)):
                _add(source, target, entry)


def _difference(below: Path, whole: Path, path: Path) -> None:
    """The tar has what turns the tree below into the whole one."""
    with tarfile.open(below) as lower:
        before = {_name(entry): _state(lower, entry) for entry in lower}
    with tarfile.open(whole) as source, tarfile.open(path, "w", format=tarfile.PAX_FORMAT) as target:
        there = set()
        for entry in source:
            there.add(_name(entry))
            if before.get(_name(entry)) != _state(source, entry):
                _add(source, target, entry)
        for name in sorted(before.keys() - there):
            parent, _, last = name.rpartition("/")
            if not parent or parent in there:  # a folder takes with it what was in it
                target.addfile(tarfile.TarInfo(f"{parent}/{WHITEOUT}{last}".lstrip("/")))


def _state(tar: tarfile.TarFile, entry: tarfile.TarInfo) -> tuple[object, ...]:
    """Equal states need no entry in an upper layer. Of a folder's time nobody knows."""
    content = ""
    if entry.isreg():
        file = tar.extractfile(entry)
        assert file is not None
        content = hashlib.file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type]  # it lacks fileno() only
    time = 0 if entry.isdir() else entry.mtime
    return entry.type, entry.mode, entry.uid, entry.gid, time, entry.linkname, content


def _add(source: tarfile.TarFile, target: tarfile.TarFile, entry: tarfile.TarInfo) -> None:
    file = source.extractfile(entry) if entry.isreg() else None
    entry.name = _name(entry)
    entry.uname = entry.gname = ""
    if entry.islnk():
        entry.linkname = entry.linkname.removeprefix("./")
    target.addfile(entry, file)


def _name(entry: tarfile.TarInfo) -> str:
    return entry.name.removeprefix("./")
