"""promtool, which comes with Prometheus: the one of this machine, or the one of Debian's package, fetched once."""

import platform
import shutil
import tempfile
from pathlib import Path

from sandbox import client, debian, places
from sandbox.lock import locked
from sandbox.release import Release

PACKAGE = "prometheus"


def promtool() -> Path:
    """The program. Nothing is installed: only this one file of the package is kept."""
    if found := shutil.which("promtool"):
        return Path(found)
    kept = places.cache() / "programs" / "promtool"
    kept.parent.mkdir(parents=True, exist_ok=True)
    with locked(kept.with_suffix(".lock")):
        if not kept.exists():
            _fetch(kept)
    return kept


def _fetch(kept: Path) -> None:
    own = platform.freedesktop_os_release().get("VERSION_CODENAME", "bookworm")
    with tempfile.TemporaryDirectory(prefix="promtool-") as folder:
        # With lists of its own: those of the machine may be missing, or just being written.
        debian._download(Release("promtool", own, (PACKAGE,)), Path(folder), lambda _: None)
        (package,) = (Path(folder) / "archives").glob("*.deb")
        client.output("dpkg-deb", "--extract", package, Path(folder) / "files")
        shutil.move(Path(folder) / "files" / "usr" / "bin" / "promtool", kept.with_suffix(".new"))
    kept.with_suffix(".new").rename(kept)
