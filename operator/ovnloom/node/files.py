"""Files that others read: whole or not at all."""

from __future__ import annotations

import contextlib
import os
import shutil
from pathlib import Path

from ovnloom.errors import Unavailable


def write(path: Path, content: bytes, mode: int) -> None:
    """The file has this content and mode; whoever reads it meanwhile sees the old one. Raises Unavailable."""
    fresh = path.with_name(f".{path.name}.tmp.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        sweep(path)
        with fresh.open("wb") as file:
            os.fchmod(file.fileno(), mode)
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
    except OSError as problem:
        with contextlib.suppress(OSError):
            fresh.unlink(missing_ok=True)
        raise Unavailable(f"{path} can't be written: {problem.strerror}; make room, or correct its rights") from problem


def copy(source: Path, path: Path) -> None:
    """The file is a copy of a program, ready to run. Raises Unavailable."""
    fresh = path.with_name(f".{path.name}.tmp.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        sweep(path)
        shutil.copyfile(source, fresh)
        fresh.chmod(0o755)
        fresh.replace(path)
    except OSError as problem:
        with contextlib.suppress(OSError):
            fresh.unlink(missing_ok=True)
        raise Unavailable(f"{source} can't be copied to {path}: {problem.strerror}") from problem


def sweep(path: Path) -> None:
    """What writers of this file left that were killed is gone."""
    for left in path.parent.glob(f".{path.name}.tmp.*"):
        pid = left.name.rpartition(".")[2]
        if not Path("/proc", pid).exists() or pid == str(os.getpid()):
            left.unlink(missing_ok=True)
