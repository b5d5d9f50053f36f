"""Running client commands and getting what they print."""

import os
import shlex
import subprocess
from collections.abc import Mapping
from pathlib import Path

from sandbox import release
from sandbox.errors import CommandError, SandboxError


def output(
    *command: str | Path, environment: Mapping[str, str] | None = None, stdin: str | None = None, seconds: float = 60.0
) -> str:
    """What the command printed.

    Raises CommandError, with what it said on stderr, when it ends with another code than 0.
    """
    words = [str(word) for word in command]
    try:
        done = subprocess.run(
            words,
            input=stdin,
            stdin=None if stdin is not None else subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=seconds,
            env=surroundings(environment or {}),
        )
    except FileNotFoundError:
        raise missing(words[0]) from None
    except subprocess.TimeoutExpired:
        raise SandboxError(f"{shlex.join(words)} gave no answer within {seconds:.0f} s") from None
    if done.returncode:
        raise CommandError(shlex.join(words), done.returncode, done.stderr or done.stdout)
    return done.stdout


def surroundings(additions: Mapping[str, str]) -> dict[str, str]:
    """The environment for a program: it finds the chosen OVN's programs, unless the additions say another PATH."""
    return {**os.environ, **release.chosen().environment(), **additions}


def missing(program: str) -> SandboxError:
    """The error for a program that isn't there."""
    return SandboxError(f"{program} is not installed; `make test` and `make demo` install what they need")
