"""`python -m e2e`."""

from e2e.cli import start

if __name__ == "__main__":
    start()
