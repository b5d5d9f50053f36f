"""`ovnloom docker`: Docker's network and IPAM driver."""

from __future__ import annotations

import typer

from ovnloom.cli import flags
from ovnloom.cli.wrong import Wrong
from ovnloom.settings import DockerSettings

TEXT = """Serve Docker's plugin socket: a Docker network is a Subnet, an endpoint a port of its logical switch.

Every flag is a setting, which OVNLOOM_… variables set as well (--docker-socket and OVNLOOM_DOCKER_SOCKET); flags win.
"""


def command() -> typer.Typer:
    """A command line whose flags are the plugin's settings."""
    app = typer.Typer(
        pretty_exceptions_enable=False,
        add_completion=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )

    def run(**values: str | None) -> None:
        given = {name: value for name, value in values.items() if value is not None}
        try:
            settings = flags.read(DockerSettings, given)
        except Wrong as wrong:
            for sentence in wrong.sentences:
                typer.echo(f"error: {sentence}", err=True)
            raise typer.Exit(1) from None
        from ovnloom.docker import main

        raise typer.Exit(main.run(settings))

    flags.declare(run, DockerSettings)
    run.__doc__ = TEXT
    app.command("docker")(run)
    return app
