"""Kernel settings (sysctl) of this host that have to have at least some value."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from ovnloom import log

logger = log.get("host")

ROOT = Path("/proc/sys")


def raise_to(least: Mapping[str, int]) -> tuple[str, ...]:
    """Each setting has that value or a higher one; those for which that can't be, as sysctl calls them.

    One that the kernel doesn't have (a module that isn't loaded, a namespace) is left out.
    """
    return tuple(name for name, value in least.items() if not _raise(name, value))


def below(least: Mapping[str, int]) -> tuple[str, ...]:
    """The settings that have a lower value; nothing is changed."""
    return tuple(name for name, value in least.items() if (found := _read(name)) is not None and found < value)


def _raise(name: str, value: int) -> bool:
    found = _read(name)
    if found is None or found >= value:
        return True
    try:
        _path(name).write_text(str(value))
    except OSError:
        return False
    logger.info("sysctl set", name=name, value=value, before=found)
    return True


def _read(name: str) -> int | None:
    try:
        return int(_path(name).read_text())
    except (OSError, ValueError):
        return None


def _path(name: str) -> Path:
    return ROOT / name.replace(".", "/")


def words(names: Iterable[str], least: Mapping[str, int]) -> str:
    """For people: what to write where."""
    return ", ".join(f"sysctl {name}={least[name]}" for name in names)
