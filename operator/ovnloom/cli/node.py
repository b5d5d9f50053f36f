"""`ovnloom node`: the agent itself, and what looks after its host."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Annotated

import typer

from ovnloom.cli import flags
from ovnloom.cli.wrong import Wrong
from ovnloom.settings import NodeSettings

TEXT = """Run the agent of a node: what the cluster says becomes the network of this host and of its Pods.

Every flag is a setting, which OVNLOOM_… variables set as well (--cni-socket and OVNLOOM_CNI_SOCKET); flags win.
"""


def command() -> typer.Typer:
    """A command line whose flags are the agent's settings."""
    app = typer.Typer(
        pretty_exceptions_enable=False,
        add_completion=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )

    def run(context: typer.Context, **values: str | None) -> None:
        given = {name: value for name, value in values.items() if value is not None}
        try:
            settings = flags.read(NodeSettings, given)
        except Wrong as wrong:
            for sentence in wrong.sentences:
                typer.echo(f"error: {sentence}", err=True)
            raise typer.Exit(1) from None
        context.obj = settings
        if context.invoked_subcommand is None:
            from ovnloom.node import main

            raise typer.Exit(main.run(settings))

    place = inspect.Parameter("context", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=typer.Context)
    flags.declare(run, NodeSettings, place)
    run.__doc__ = TEXT
    app.callback(invoke_without_command=True)(run)
    app.command("install-binaries")(install_binaries)
    app.command("status")(status)
    app.command("clean")(clean)
    return app


def status(context: typer.Context) -> None:
    """Say what this host should have and has. Exit code: 0 all is there, 1 something is missing."""
    from ovnloom.cli.node_page import page

    wrong, lines = page(context.obj)
    for line in lines:
        typer.echo(line)
    raise typer.Exit(1 if wrong else 0)


def clean(context: typer.Context) -> None:
    """Take everything of ovnloom off this host; Pods that still run lose their network. The agent has to be ended."""
    from ovnloom.node.clean import run

    raise typer.Exit(run(context.obj, typer.echo))


Source = Annotated[Path, typer.Argument(metavar="FROM", help="Directory that has the CNI plugins.")]
Target = Annotated[Path, typer.Argument(metavar="TO", help="Directory in which the kubelet's runtime looks.")]


def install_binaries(source: Source, target: Target = Path("/opt/cni/bin")) -> None:
    """Put the CNI plugins onto this host; one that runs meanwhile goes on undisturbed."""
    from ovnloom.errors import Refused, Unavailable
    from ovnloom.node.install import install_binaries as install

    try:
        for name in install(source, target):
            typer.echo(f"{target / name}")
    except (Refused, Unavailable) as problem:
        typer.echo(f"error: {problem}", err=True)
        raise typer.Exit(1) from None
