"""The command line of the sandbox."""

import os
import shlex
import subprocess
from typing import Annotated, NoReturn

import typer
from rich.console import Console
from rich.table import Table

from sandbox import build, debian, node, places, release
from sandbox.cluster import Sandbox, existing
from sandbox.errors import SandboxError
from sandbox.fabric import Family
from sandbox.layout import Cni
from sandbox.node_cli import nodes_app
from sandbox.openvswitch import kernel_datapath
from sandbox.report import Shown
from sandbox.server import recorded

app = typer.Typer(help=__doc__, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
out = Console(highlight=False)
app.add_typer(nodes_app, name="node")
# What is not the answer itself goes here, so that `eval "$(python -m sandbox env)"` gets the answer only.
err = Console(stderr=True, highlight=False)

Name = Annotated[str, typer.Option(help="Which sandbox; several live side by side.")]
Nodes = Annotated[int, typer.Option(min=0, max=node.MOST, help="How many nodes there are at least.")]
Containers = Annotated[bool, typer.Option("--kubelets", help="The nodes are hosts that run containers; root only.")]
Families = Annotated[Family, typer.Option(help="Of the addresses of Pods, Services and nodes with kubelets.")]
Network = Annotated[
    Cni, typer.Option(help="For Pods: none until somebody installs one, or the reference bridge plugin.")
]
Proxy = Annotated[bool, typer.Option("--kube-proxy", help="Nodes with kubelets run kube-proxy, in nftables mode.")]
Kubelets = Annotated[bool, typer.Option("--kubelets", help="With what nodes need that run containers.")]
Tests = Annotated[bool, typer.Option("--e2e", help="With the end-to-end tests of Kubernetes.")]


@app.command()
def up(
    name: Name = "default",
    nodes: Nodes = 0,
    kubelets: Containers = False,
    family: Families = "ipv4",
    cni: Network = "none",
    kube_proxy: Proxy = False,
) -> None:
    """Bring a sandbox up; what already runs stays. Without --kubelets nodes are Node objects and chassis only."""
    if not Sandbox(name, kubelets, family, cni, kube_proxy).up(nodes, Shown(err)):
        err.print(f"sandbox {name} is already up")
    again = "" if name == "default" else f" --name {name}"
    err.print(f'to use it: eval "$(python -m sandbox env{again})"', soft_wrap=True)
    err.print(f"to remove it: python -m sandbox down{again}", soft_wrap=True)


@app.command()
def down(name: Name = "default") -> None:
    """End all servers of a sandbox and remove all its files."""
    err.print(f"sandbox {name} is removed" if Sandbox(name).down() else f"sandbox {name} was not up")


@app.command()
def status(name: Name = "default") -> None:
    """Show the servers of a sandbox; exit code 1 when one of them doesn't run."""
    sandbox = existing(name)
    table = Table("server", "pid", "state", box=None)
    shown = [(server.name, server) for server in sandbox.servers]
    shown += [(f"{host.name} {server.name}", server) for host in sandbox.hosts for server in recorded(host.directory)]
    for title, server in shown:
        identity = server.identity
        state = "[green]running[/]" if server.alive else "[red]died[/]" if identity else "[yellow]stopped[/]"
        table.add_row(title, str(identity.pid) if identity else "", state)
    out.print(table)
    if sandbox.hosts:
        where = "the kernel" if kernel_datapath() else "userspace (the kernel has no module openvswitch)"
        out.print(f"nodes: {', '.join(f'{host.name} {host.address}' for host in sandbox.hosts)}", soft_wrap=True)
        out.print(f"Open vSwitch forwards in {where}; {sandbox.layout}", soft_wrap=True)
    out.print(f"logs: {sandbox.directory / 'logs'}", soft_wrap=True)
    if not sandbox.alive:
        raise typer.Exit(1)


@app.command(name="list")
def list_() -> None:
    """Show all sandboxes of this user."""
    for name in places.names():
        state = "[green]up[/]" if Sandbox(name).alive else "[red]broken[/]"
        out.print(f"{name}  {state}  {places.named(name)}", soft_wrap=True)


@app.command()
def env(name: Name = "default") -> None:
    """Print the shell commands that point kubectl, helm, ovn-nbctl and ovn-sbctl at a sandbox."""
    for variable, value in existing(name).environment().items():
        print(f"export {variable}={shlex.quote(value)}")


@app.command(name="run", context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def run_(context: typer.Context, name: Name = "default") -> NoReturn:
    """Run a command against a sandbox: `run -- kubectl get nodes`. Its exit code becomes ours."""
    if not context.args:
        raise SandboxError("no command to run; for example: python -m sandbox run -- kubectl get nodes")
    environment = {**os.environ, **existing(name).environment()}
    try:
        raise typer.Exit(subprocess.run(context.args, env=environment, check=False).returncode)
    except FileNotFoundError:
        raise SandboxError(f"{context.args[0]} is not installed and not one of the sandbox's programs") from None


@app.command()
def programs(kubelets: Kubelets = False, e2e: Tests = False) -> None:
    """Build or fetch the programs that sandboxes run, unless that was done before, and print where they are."""
    ovn = release.chosen()
    debian.fetch(ovn, Shown(err))
    if ovn.packages:
        print(ovn.bin)
    for each in (*build.ALL, *(build.KUBELETS if kubelets else ()), *((build.E2E,) if e2e else ())):
        build.build(each, Shown(err))
        print(each.bin)


def run() -> None:
    """The command line; what goes wrong is one message and exit code 1."""
    try:
        app()
    except SandboxError as error:
        err.print(f"[red]✗[/] {error}", markup=True, soft_wrap=True)
        raise SystemExit(1) from None
