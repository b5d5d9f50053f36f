"""All tests with real Docker daemons, those that take long included."""

import subprocess
import sys
from pathlib import Path

WHICH = "docker"
TESTS = Path(__file__).parent.parent / "tests" / "docker"


def run() -> int:
    """pytest's exit code."""
    command = [sys.executable, "-m", "pytest", "-m", "docker_long or not docker_long", "--durations=10", str(TESTS)]
    return subprocess.run(command, cwd=TESTS.parent.parent, check=False).returncode
