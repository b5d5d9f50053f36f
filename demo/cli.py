"""The command line of the demo."""

import os
import sys
from typing import Annotated

import typer
from rich.console import Console

from demo.controller import Controller
from demo.show import Show
from sandbox import Sandbox, SandboxError
from sandbox.report import Shown

app = typer.Typer(help="Show a cluster with ovnloom in it.", add_completion=False, pretty_exceptions_enable=False)
out = Console(highlight=False)

Name = Annotated[str, typer.Option(help="Which sandbox; several live side by side.")]


@app.callback(invoke_without_command=True)
def show(context: typer.Context, name: Name = "demo", nodes: Annotated[int, typer.Option(min=1, max=20)] = 3) -> None:
    """Bring a cluster up, apply docs/samples, show what came of them, and leave the cluster up."""
    if context.invoked_subcommand is None:
        sandbox = Sandbox(name)
        try:
            Show(sandbox, out, Shown(out)).run(nodes)
        except SandboxError as error:
            raise SandboxError(f"{error}\n{_what_to_do(sandbox)}") from None


@app.command()
def down(name: Name = "demo") -> None:
    """End all that the demo started and remove all its files."""
    out.print(f"demo {name} is removed" if Sandbox(name).down() else f"demo {name} was not up")


def _what_to_do(sandbox: Sandbox) -> str:
    log = Controller(sandbox).server.log
    start_over = (
        f"to start over: {os.path.relpath(sys.executable)} -m demo down --name {sandbox.name}, then the demo again"
    )
    return f"what the controller says: {log}\n{start_over}" if log.exists() else start_over


def run() -> None:
    """The command line; what goes wrong is one message and exit code 1."""
    try:
        app()
    except SandboxError as error:
        out.print("[red]✗[/]", end=" ")
        out.print(str(error), markup=False, soft_wrap=True)
        raise SystemExit(1) from None
