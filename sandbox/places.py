"""Where sandboxes keep their state and their programs."""

import hashlib
import os
import re
import stat
from pathlib import Path

from sandbox.errors import SandboxError

# sockaddr_un has 108 bytes for a path and its closing zero: unix(7).
LONGEST_SOCKET = 107
# The longest name of a socket that we put in a run directory, with its slash.
ROOM_FOR_SOCKETS = 24


def home() -> Path:
    """The folder that holds one folder per sandbox."""
    if chosen := os.environ.get("OVNLOOM_SANDBOX_HOME"):
        return Path(chosen).absolute()
    state = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(state) / "ovnloom" / "sandbox"


def cache() -> Path:
    """The folder for what can be made again: built programs and toolchains."""
    cached = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cached) / "ovnloom"


def named(name: str) -> Path:
    """The folder of the sandbox with this name, which may not exist yet."""
    if not re.fullmatch(r"[a-z0-9]([-a-z0-9]{0,38}[a-z0-9])?", name):
        raise SandboxError(f"--name {name!r} can't be used; take up to 40 of a-z, 0-9 and '-', with no '-' at the ends")
    return home() / name


def names() -> tuple[str, ...]:
    """The names of all sandboxes that have a folder, up or not."""
    return tuple(sorted(path.name for path in home().iterdir() if path.is_dir())) if home().is_dir() else ()


def sockets(directory: Path) -> Path:
    """The folder for the unix sockets of the sandbox in `directory`.

    It is one under /tmp when the sandbox's own path is too long for a socket.
    """
    own = directory / "run"
    if len(os.fsencode(own)) + ROOM_FOR_SOCKETS <= LONGEST_SOCKET:
        return own
    digest = hashlib.sha256(os.fsencode(directory)).hexdigest()[:16]
    return Path(f"/tmp/ovnloom-{os.getuid()}-{digest}")


def private(directory: Path) -> Path:
    """The folder exists, belongs to us and nobody else can look into it: keys and sockets without a password."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = directory.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
        raise SandboxError(f"{directory} belongs to somebody else; set OVNLOOM_SANDBOX_HOME to another folder")
    directory.chmod(0o700)
    return directory
