"""`python -m demo`."""

from demo.cli import run

run()
