"""A cluster with ovnloom in it, shown to somebody who sees it for the first time: `python -m demo`."""
