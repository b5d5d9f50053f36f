"""Layers: tars that are equal whenever what they are made from is, each made once and kept."""

import hashlib
import io
import os
import tarfile
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from sandbox import places
from sandbox.lock import locked
from sandbox.report import Tell

# To be raised when the way of making changes, so that what was made before isn't taken for it.
RECIPE = "1"
# Of what is made anew with each change of the code; another run may be reading the one before.
KEPT = 4


@dataclass(frozen=True)
class Layer:
    """A tar, not compressed: nobody sends it anywhere, and packing takes longer than all the rest."""

    path: Path
    digest: str
    size: int


class Pack:
    """A tar in the making. Times are zero and owners are numbers, so that only the content counts."""

    def __init__(self, path: Path) -> None:
        self._tar = tarfile.open(path, "w", format=tarfile.PAX_FORMAT)  # noqa: SIM115  closed on leaving
        self._folders: set[str] = set()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._tar.close()

    def folder(self, name: str, mode: int = 0o755, owner: int = 0) -> None:
        """The folder is there; those above it are not made."""
        entry = _entry(name, tarfile.DIRTYPE, mode)
        entry.uid = entry.gid = owner
        self._tar.addfile(entry)

    def file(self, name: str, content: bytes | Path, mode: int = 0o644) -> None:
        entry = _entry(name, tarfile.REGTYPE, mode)
        with io.BytesIO(content) if isinstance(content, bytes) else content.open("rb") as file:
            entry.size = file.seek(0, os.SEEK_END)
            file.seek(0)
            self._tar.addfile(entry, file)

    def link(self, name: str, target: str) -> None:
        entry = _entry(name, tarfile.SYMTYPE, 0o777)
        entry.linkname = target
        self._tar.addfile(entry)

    def tree(self, directory: Path, name: str) -> None:
        """All that is in the directory, as root's, under the name."""
        self.folder(name)
        for path in sorted(directory.rglob("*")):
            inside = f"{name}/{path.relative_to(directory)}"
            if path.is_symlink():
                self.link(inside, os.readlink(path))
            elif path.is_dir():
                self.folder(inside)
            else:
                self.file(inside, path, 0o755 if os.access(path, os.X_OK) and path.stat().st_mode & 0o111 else 0o644)


def _entry(name: str, kind: bytes, mode: int) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name.lstrip("/"))
    entry.type = kind
    entry.mode = mode
    return entry


def key(*parts: object) -> str:
    """Short, and another one for other parts."""
    return hashlib.sha256(repr((RECIPE, *parts)).encode()).hexdigest()[:16]


def content(paths: Iterable[Path], root: Path) -> str:
    """Changes with the files' names below the root and with what is in them."""
    digest = hashlib.sha256()
    for path in sorted(paths):
        digest.update(f"{path.relative_to(root)}\0{path.stat().st_mode & 0o111}\0".encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def kept(name: str, what: str, make: Callable[[Path], None], tell: Tell) -> Layer:
    """The layer `name` with the key `what`: kept or made now: all of it or nothing, once for all runs."""
    folder = cache() / "layers"
    path = folder / f"{name}-{what}.tar"
    noted = path.with_suffix(".sha256")
    if not noted.exists():
        with locked(folder / f"{name}.lock", tell):
            if not noted.exists():
                tell(f"making {name}")
                write(path, make)
                draft = noted.with_suffix(".draft")
                draft.write_text(_digest(path))
                draft.rename(noted)
                _forget(name, folder)
    noted.touch()
    return Layer(path, noted.read_text(), path.stat().st_size)


def write(path: Path, make: Callable[[Path], None]) -> None:
    """The file is what `make` writes: all of it, or the file isn't there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, draft = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
    os.close(descriptor)
    try:
        make(Path(draft))
        Path(draft).chmod(0o644)
        Path(draft).rename(path)
    finally:
        Path(draft).unlink(missing_ok=True)


def cache() -> Path:
    """Where layers and archives are kept."""
    return places.cache() / "images"


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _forget(name: str, folder: Path) -> None:
    """Of this name only the newest are left."""
    length = len(key())
    found = [path for path in folder.glob(f"{name}-*.sha256") if len(path.stem) == len(name) + 1 + length]
    for noted in sorted(found, key=lambda path: path.stat().st_mtime)[:-KEPT]:
        noted.unlink(missing_ok=True)
        noted.with_suffix(".tar").unlink(missing_ok=True)
