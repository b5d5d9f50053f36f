"""`python -m sandbox`."""

from sandbox.cli import run

run()
