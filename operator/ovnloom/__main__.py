"""`python -m ovnloom` is the command line."""

from ovnloom.cli.main import run

if __name__ == "__main__":
    run()
