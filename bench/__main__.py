"""`python -m bench [pods|pure]`."""

from bench.cli import main

raise SystemExit(main())
