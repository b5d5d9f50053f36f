"""`python -m e2e`."""

from e2e.cli import run

if __name__ == "__main__":
    run()
