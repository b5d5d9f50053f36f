"""Our own tests that take minutes: what is broken on purpose of real nodes and of a real Docker."""

import subprocess
import sys
from pathlib import Path

FOLDERS = ("cluster", "docker")
TESTS = Path(__file__).parent.parent / "tests"


def run(folder: str) -> int:
    """pytest's exit code, for all tests of the folder, those that `make test` leaves out as well."""
    command = [sys.executable, "-m", "pytest", "-m", "long or not long", "--durations=10", str(TESTS / folder)]
    return subprocess.run(command, cwd=TESTS.parent, check=False).returncode
