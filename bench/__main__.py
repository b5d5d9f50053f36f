"""`python -m bench [pods|isolation|nodes|docker|pure|policies|services]`."""

from bench.cli import main

raise SystemExit(main())
