"""`python -m bench [pods|isolation|pure|policies|services]`."""

from bench.cli import main

raise SystemExit(main())
