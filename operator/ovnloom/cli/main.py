"""The commands. What each needs is imported when it runs, so that help and completion answer at once."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from ovnloom import __version__
from ovnloom.cli import looking
from ovnloom.cli.wrong import Wrong

if TYPE_CHECKING:
    from ovnloom.cli.plan import Result
    from ovnloom.cli.prose import Line

FAILED, CHANGES = 1, 2
"""Exit codes, beside 0 for nothing to do."""
DENIED, UNANSWERED = 1, 2
"""Exit codes of questions of yes or no, beside 0 for yes."""
USAGE: Any = typer.BadParameter.__base__
"""All that typer raises for arguments that it can't read; it has no public name for it."""

app = typer.Typer(
    name="ovnloom",
    help="A Kubernetes network programmed through OVN, computed as a value.",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


class Output(StrEnum):
    """Forms in which a plan is printed."""

    text = "text"
    json = "json"
    yaml = "yaml"


class Form(StrEnum):
    """Forms in which a verdict is printed."""

    text = "text"
    json = "json"


@app.command()
def version() -> None:
    """Print the version."""
    typer.echo(__version__)


CONTROLLER = """Run the controller: Kubernetes objects become rows of OVN's northbound database.

Every flag is a setting, which OVNLOOM_… variables set as well (--ovn-nb and OVNLOOM_OVN_NB); flags win.
"""


@app.command(
    help=CONTROLLER,
    add_help_option=False,
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []},
)
def controller(context: typer.Context) -> None:
    """The arguments are read by a command line of their own, made from the settings only now."""
    from ovnloom.cli import flags

    raise typer.Exit(
        flags.command(control, "controller", CONTROLLER)(
            args=context.args, prog_name=context.command_path, standalone_mode=False
        )
        or 0
    )


def control(given: Mapping[str, str]) -> int:
    """The controller runs until it is told to stop; the answer is its exit code."""
    from ovnloom.cli import flags

    try:
        settings = flags.settings(given)
    except Wrong as wrong:
        fail(wrong)
    from ovnloom.controller import main

    return main.run(settings)


@app.command(
    help="Run the agent of a node, or look after its host: status, clean, install-binaries.",
    add_help_option=False,
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []},
)
def node(context: typer.Context) -> None:
    """The arguments are read by a command line of their own, made from the agent's settings only now."""
    from ovnloom.cli import node as agent

    raise typer.Exit(agent.command()(args=context.args, prog_name=context.command_path, standalone_mode=False) or 0)


@app.command(
    help="Serve Docker's plugin socket: Docker networks are Subnets, containers ports in OVN.",
    add_help_option=False,
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []},
)
def docker(context: typer.Context) -> None:
    """The arguments are read by a command line of their own, made from the plugin's settings only now."""
    from ovnloom.cli import docker as plugin

    raise typer.Exit(plugin.command()(args=context.args, prog_name=context.command_path, standalone_mode=False) or 0)


Files = Annotated[
    list[str] | None,
    typer.Option(
        "-f", "--filename", metavar="FILE", help="Manifests: a file, a directory, or - for stdin; may be repeated."
    ),
]
Recursive = Annotated[bool, typer.Option("-R", "--recursive", help="Look into directories of directories.")]
Namespace = Annotated[str, typer.Option("-n", "--namespace", help="Namespace of objects that don't name theirs.")]
Kubeconfig = Annotated[
    str, typer.Option(help="Kubeconfig of the cluster; else OVNLOOM_KUBECONFIG, a Pod's account or KUBECONFIG.")
]


@app.command()
def plan(
    filename: Files = None,
    against: Annotated[
        str,
        typer.Option(
            help="What to compare with: `cluster` (its objects and rows), `nb-snapshot=FILE` (the rows that "
            "ovsdb-client backup or dump -f json wrote; objects too with --kubeconfig) or `empty` (a new cluster). "
            "Without it: cluster when --kubeconfig or KUBECONFIG names one or this is a Pod, else empty.",
        ),
    ] = "",
    output: Annotated[Output, typer.Option("-o", "--output", help="Form of the answer.")] = Output.text,
    recursive: Recursive = False,
    namespace: Namespace = "default",
    delete: Annotated[bool, typer.Option("--delete", help="Ask what if the objects were deleted.")] = False,
    kubeconfig: Kubeconfig = "",
    ovn_nb: Annotated[str, typer.Option(help="Northbound database (unix:, tcp: or ssl:); else OVNLOOM_OVN_NB.")] = "",
) -> None:
    """Show what manifests would change in OVN, and which address each Pod would get, before anything is applied.

    It runs the controller's own pipeline and writes nothing. Without files it shows what the controller has yet to
    write to the cluster's database. All other settings are read from the controller's
    OVNLOOM_… variables.

    Exit code: 0 nothing changes, 2 something changes, 1 the question can't be answered.
    """
    given = {name: value for name, value in (("kubeconfig", kubeconfig), ("ovn_nb", ovn_nb)) if value}
    from ovnloom.cli import flags
    from ovnloom.cli import plan as planning

    try:
        settings = flags.settings(given)
        result = planning.make(
            filename or [], against, settings, recursive=recursive, namespace=namespace, is_deletion=delete
        )
    except Wrong as wrong:
        fail(wrong)
    show(result, output)
    raise typer.Exit(CHANGES if result.has_changes else 0)


PORT = typer.Option(
    metavar="PORT", help="NUMBER/tcp, NUMBER/udp, NUMBER/sctp or icmp; else a Service's only port, or a ping."
)
WHERE = typer.Option(
    help="What the files come over: `cluster` (its objects) or `empty` (a new cluster). Without it: cluster when "
    "--kubeconfig or KUBECONFIG names one or this is a Pod, else empty."
)


@app.command()
def verdict(
    source: Annotated[str, typer.Argument(metavar="FROM", help="NAMESPACE/POD, node/NAME or an address.")],
    target: Annotated[
        str, typer.Argument(metavar="TO", help="NAMESPACE/POD, svc/NAMESPACE/NAME, node/NAME or an address.")
    ],
    port: Annotated[str, PORT] = "",
    filename: Files = None,
    against: Annotated[str, WHERE] = "",
    output: Annotated[Form, typer.Option("-o", "--output", help="Form of the answer.")] = Form.text,
    recursive: Recursive = False,
    namespace: Namespace = "default",
    kubeconfig: Kubeconfig = "",
) -> None:
    """Say whether FROM may reach TO, and which object's rule decides: from the rows alone, no packet is sent.

    It computes the rows as the controller does. With files it says whether it would still be allowed once they are
    applied, and shows both ways when that differs.

    Exit code: 0 allowed, 1 denied or not reached, 2 the question can't be answered.
    """
    from ovnloom.cli import flags, verdict_answer, verdict_prose, verdict_question

    try:
        settings = flags.settings({"kubeconfig": kubeconfig} if kubeconfig else {})
        there = verdict_question.situation(filename or [], against, settings, recursive=recursive, namespace=namespace)
        result = verdict_question.ask(there, source, target, port)
    except Wrong as wrong:
        fail(wrong, UNANSWERED)
    if output is Form.json:
        typer.echo(verdict_answer.verdict(result), nl=False)
    else:
        write(verdict_prose.prose(result))
    raise typer.Exit(0 if result.judgement.allowed else DENIED)


@app.command()
def reach(
    source: Annotated[
        list[str] | None,
        typer.Option(
            "--from",
            metavar="SELECTOR",
            help="NAMESPACE/LABELS (default/app=web), /LABELS for all namespaces, or what `verdict` takes; "
            "may be repeated.",
        ),
    ] = None,
    target: Annotated[
        list[str] | None, typer.Option("--to", metavar="SELECTOR", help="The same for the other side.")
    ] = None,
    port: Annotated[str, PORT] = "",
    filename: Files = None,
    against: Annotated[str, WHERE] = "",
    output: Annotated[Form, typer.Option("-o", "--output", help="Form of the answer.")] = Form.text,
    recursive: Recursive = False,
    namespace: Namespace = "default",
    kubeconfig: Kubeconfig = "",
) -> None:
    """Show who may reach whom as a matrix: rows from, columns to. With files, cells that they change say so.

    Exit code: 0 every pair is allowed, 1 some pair isn't, 2 the question can't be answered.
    """
    from ovnloom.cli import flags, verdict_answer, verdict_question
    from ovnloom.cli import reach as reaching

    try:
        settings = flags.settings({"kubeconfig": kubeconfig} if kubeconfig else {})
        there = verdict_question.situation(filename or [], against, settings, recursive=recursive, namespace=namespace)
        matrix = reaching.make(there, source or [], target or [], port)
    except Wrong as wrong:
        fail(wrong, UNANSWERED)
    if output is Form.json:
        typer.echo(verdict_answer.reach(matrix), nl=False)
    else:
        write(reaching.prose(matrix))
    raise typer.Exit(0 if matrix.allowed else DENIED)


looking.add(app)


@app.command()
def web(
    filename: Files = None,
    listen: Annotated[str, typer.Option(help="Address of the page (127.0.0.1:8088); else OVNLOOM_WEB_LISTEN.")] = "",
    recursive: Recursive = False,
    namespace: Namespace = "default",
    kubeconfig: Kubeconfig = "",
    ovn_nb: Annotated[
        str, typer.Option(help="Northbound database (unix:, tcp: or ssl:) for rows and ports; else OVNLOOM_OVN_NB.")
    ] = "",
) -> None:
    """Serve a page that shows the network live: Vpcs, Subnets, nodes, Pods, policies, and where each Pod may go.

    It only reads. With files it shows what they would be in a cluster of their own, without one.
    """
    named = (("kubeconfig", kubeconfig), ("ovn_nb", ovn_nb), ("web_listen", listen))
    from ovnloom.cli import flags
    from ovnloom.cli import web as serving
    from ovnloom.settings import WebSettings

    try:
        settings = flags.read(WebSettings, {name: value for name, value in named if value})
        say = lambda where: typer.echo(f"The network is at {where}")  # noqa: E731
        raise typer.Exit(serving.run(filename or [], settings, recursive=recursive, namespace=namespace, say=say))
    except Wrong as wrong:
        fail(wrong)


def show(result: Result, output: Output) -> None:
    """The answer is on stdout, in colours on a terminal."""
    if output is not Output.text:
        from ovnloom.cli import answer

        typer.echo(answer.dump(result, "json" if output is Output.json else "yaml"), nl=False)
        return
    from ovnloom.cli.prose import prose

    write(prose(result))


def write(lines: Iterable[Line]) -> None:
    """The lines are on stdout, in colours on a terminal."""
    if not sys.stdout.isatty():
        for line in lines:
            typer.echo(line.text)
        return
    from rich.console import Console
    from rich.text import Text

    console = Console(highlight=False, soft_wrap=True)
    for line in lines:
        console.print(Text(line.text, line.style))


def fail(wrong: Wrong, code: int = FAILED) -> NoReturn:
    """What is wrong is on stderr, one sentence a line."""
    for sentence in wrong.sentences:
        typer.echo(f"error: {sentence}", err=True)
    raise typer.Exit(code)


def run() -> None:
    """The command line of this process."""
    sys.exit(called(sys.argv[1:]))


def called(arguments: list[str], line: typer.Typer = app) -> int:
    """The exit code of a command line. One that can't be read has 1: typer's own code for that means changes here.

    For a question of yes or no, 1 is the answer no, so there it is 2.
    """
    try:
        code = line(args=arguments or ["--help"], standalone_mode=False)
    except USAGE as wrong:
        typer.echo(f"error: {wrong.format_message()} Try --help.", err=True)
        return UNANSWERED if arguments[:1] in (["verdict"], ["reach"], ["trace"]) else FAILED
    except typer.Abort:
        return FAILED
    except BrokenPipeError:
        # Who reads has enough (a pager, head): nothing to complain about, and nothing to flush at the end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    return code if isinstance(code, int) else 0
