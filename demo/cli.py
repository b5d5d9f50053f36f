"""The command line of the demo."""

import os
import sys
from typing import Annotated

import typer
from rich.console import Console

from demo.controller import Controller
from demo.docker import DockerShow, site
from demo.docker import on as become
from demo.show import Show
from demo.tour.install import Installed
from demo.tour.walk import Walk, go_on
from sandbox import Sandbox, SandboxError
from sandbox.fabric import Family
from sandbox.report import Shown

app = typer.Typer(help="Show a cluster with ovnloom in it.", add_completion=False, pretty_exceptions_enable=False)
out = Console(highlight=False)

Name = Annotated[str, typer.Option(help="Which sandbox; several live side by side.")]
Nodes = Annotated[int, typer.Option(min=1, max=20)]
Families = Annotated[Family, typer.Option(help="Of the addresses of Pods and Services.")]


@app.callback(invoke_without_command=True)
def tour(context: typer.Context, name: Name = "demo", nodes: Nodes = 2, family: Families = "ipv4") -> None:
    """Bring a cluster of real nodes up, install ovnloom with Helm, show its network with packets, and leave it up."""
    if context.invoked_subcommand is None:
        sandbox, report = Sandbox(name, kubelets=True, family=family), Shown(out)
        installed = Installed(sandbox, report)
        installed.up(nodes)
        seen = Walk(installed.place(), out).run()
        go_on(sandbox, out)
        if wrong := sum(not each.right for each in seen):
            raise SandboxError(f"{wrong} of {len(seen)} are not as they should be")


@app.command()
def rows(name: Name = "rows", nodes: Nodes = 3) -> None:
    """Show without containers what ovnloom writes into OVN, what a change would do, and why packets are dropped."""
    sandbox = Sandbox(name)
    try:
        Show(sandbox, out, Shown(out)).run(nodes)
    except SandboxError as error:
        raise SandboxError(f"{error}\n{_what_to_do(sandbox)}") from None


@app.command()
def docker() -> None:
    """Show two machines with Docker, without Kubernetes, on one network, and leave them up."""
    DockerShow(site(), out, Shown(out)).run()


@app.command(context_settings={"ignore_unknown_options": True})
def on(machine: str, command: list[str]) -> None:
    """Run a command on a machine of `docker`: docker-1 or docker-2."""
    become(machine, command)


@app.command()
def down(name: Name = "demo") -> None:
    """End all that the demo started and remove all its files."""
    if name == "demo" and site().directory.exists():
        site().down()
        out.print("demo docker is removed")
    out.print(f"demo {name} is removed" if Sandbox(name).down() else f"demo {name} was not up")


def _what_to_do(sandbox: Sandbox) -> str:
    log = Controller(sandbox).server.log
    start_over = (
        f"to start over: {os.path.relpath(sys.executable)} -m demo down --name {sandbox.name}, then `rows` again"
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
