"""What containerd keeps of imported images, made once: an import takes each node seconds, a copy of links a moment."""

import hashlib
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from sandbox import client, images, places
from sandbox.errors import CommandError
from sandbox.lock import locked
from sandbox.report import Report
from sandbox.server import Server
from sandbox.wait import until_ready

CONFIGURATION = """\
version = 2
root = "{root}"
state = "{work}/state"
disabled_plugins = ["io.containerd.grpc.v1.cri"]
[grpc]
  address = "{work}/sock"
"""
# Seconds after which a snapshot that nobody used makes room.
UNUSED = 7 * 24 * 3600


def of(found: Sequence[images.Image], report: Report, base: Path | None = None) -> Path:
    """A folder as containerd's root has to be, with these images in it and unpacked, and those of another snapshot."""
    version = client.output("containerd", "--version")
    archives = sorted({str(image.path) for image in found})
    digest = hashlib.sha256("\n".join([version, str(base), *archives]).encode()).hexdigest()[:16]
    kept = places.cache() / "containerd"
    target = kept / digest
    with locked(kept / "lock"):
        if not target.is_dir():
            with report.step("images unpacked, once for all nodes"):
                _make(target, found, base)
        os.utime(target)
        for other in kept.iterdir():
            if other.is_dir() and other.stat().st_mtime < time.time() - UNUSED:
                shutil.rmtree(other)
    return target


def copy(snapshot: Path, root: Path) -> None:
    """The folder, which is empty, has all of the snapshot: files that never change as links, databases as copies."""
    links = snapshot.stat().st_dev == root.stat().st_dev
    subprocess.run(["cp", "--archive", *(["--link"] if links else []), f"{snapshot}/.", root], check=True)
    for database in snapshot.glob("*/*.db"):
        own = root / database.relative_to(snapshot)
        own.unlink()
        shutil.copy2(database, own)


def _make(target: Path, found: Sequence[images.Image], base: Path | None) -> None:
    draft = Path(tempfile.mkdtemp(prefix=".draft-", dir=target.parent))
    try:
        if base:
            copy(base, draft)
        with tempfile.TemporaryDirectory(prefix="ovnloom-containerd-") as work:
            configuration = Path(work) / "containerd.toml"
            configuration.write_text(CONFIGURATION.format(root=draft, work=work))
            # Unpacking mounts; whatever happens, nobody else sees that.
            words = ("unshare", "--mount", "containerd", f"--config={configuration}")
            containerd = Server("containerd", words, Path(work))
            ctr = ("ctr", f"--address={work}/sock")
            containerd.start()
            try:
                until_ready(containerd, lambda: _succeeds(*ctr, "version"))
                images.load(ctr, found)
            finally:
                containerd.stop(signal.SIGTERM)
        draft.rename(target)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _succeeds(*command: str) -> bool:
    try:
        client.output(*command)
    except CommandError:
        return False
    return True
