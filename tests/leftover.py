"""Names of what a test run makes, by which a later run sees whether that one still lives."""

import os

from sandbox.identity import Identity

PREFIX = "test"


def sandbox_name(purpose: str) -> str:
    """A name that no other run uses, and by which a later run sees whether this one still lives."""
    me = Identity.of(os.getpid())
    assert me is not None
    return f"{PREFIX}-{me.pid}-{me.started}-{purpose}"


def is_leftover(name: str) -> bool:
    """Whether `sandbox_name` made this name in a run that has ended."""
    match name.split("-", 3):
        case [prefix, pid, started, _] if prefix == PREFIX and pid.isdigit() and started.isdigit():
            owner = Identity.of(int(pid))
            return owner is None or owner.started != int(started)
    return False
