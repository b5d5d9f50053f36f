"""The command line for single nodes of a sandbox: those that run containers."""

import subprocess
from typing import Annotated, NoReturn

import typer
from rich.console import Console

from sandbox.cluster import Sandbox, existing
from sandbox.errors import SandboxError
from sandbox.report import Shown

nodes_app = typer.Typer(help="Kill, freeze, add and remove nodes that run containers.", no_args_is_help=True)
err = Console(stderr=True, highlight=False)

Node = Annotated[str, typer.Argument(help="The name of the node: worker-1.")]
Name = Annotated[str, typer.Option(help="Which sandbox.")]


@nodes_app.command()
def kill(node: Node, name: Name = "default") -> None:
    """Cut a node's power: all of its processes are gone at once, its disk stays."""
    sandbox = existing(name)
    with sandbox.locked():
        sandbox.host(node).kill()


@nodes_app.command()
def start(node: Node, name: Name = "default") -> None:
    """Boot a node that was killed."""
    sandbox = existing(name)
    with sandbox.locked():
        sandbox.workers.start(sandbox.host(node), Shown(err))


@nodes_app.command()
def freeze(node: Node, name: Name = "default") -> None:
    """Stop all processes of a node, those of its containers too, until it thaws."""
    existing(name).host(node).freeze()


@nodes_app.command()
def thaw(node: Node, name: Name = "default") -> None:
    """Let the processes of a frozen node go on."""
    existing(name).host(node).thaw()


@nodes_app.command()
def add(name: Name = "default") -> None:
    """Add a node, with the lowest number that is free, and print its name."""
    sandbox = _with_kubelets(name)
    with sandbox.locked():
        typer.echo(sandbox.workers.add(Shown(err)).name)


@nodes_app.command()
def rm(node: Node, name: Name = "default") -> None:
    """Remove a node, its disk, and what Kubernetes and OVN know of it."""
    sandbox = existing(name)
    with sandbox.locked():
        sandbox.workers.remove(sandbox.host(node))


@nodes_app.command()
def route(network: Annotated[str, typer.Argument(help="Of Pods: 10.16.0.0/16.")], name: Name = "default") -> None:
    """Let this machine, and so the API server, reach Pods through a node, for webhooks and aggregated APIs."""
    existing(name).route(network)


@nodes_app.command(name="run", context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def run_(context: typer.Context, node: Node, name: Name = "default") -> NoReturn:
    """Run a command on a node: `node run worker-1 -- ovs-vsctl show`. Its exit code becomes ours."""
    host = existing(name).host(node)
    words = host.entered(context.args or ["bash"])
    raise typer.Exit(subprocess.run(words, env=host.surroundings, check=False).returncode)


def _with_kubelets(name: str) -> Sandbox:
    sandbox = existing(name)
    if not sandbox.layout.kubelets:
        raise SandboxError(f"sandbox {name} was brought up without --kubelets; `up --nodes N` makes more of its nodes")
    return sandbox
