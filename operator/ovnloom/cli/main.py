"""The commands. What each needs is imported when it runs, so that help and completion answer at once."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from ovnloom import __version__
from ovnloom.cli.wrong import Wrong

if TYPE_CHECKING:
    from ovnloom.cli.plan import Result

FAILED, CHANGES = 1, 2
"""Exit codes, beside 0 for nothing to do."""
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


@app.command()
def plan(
    filename: Annotated[
        list[str] | None,
        typer.Option(
            "-f", "--filename", metavar="FILE", help="Manifests: a file, a directory, or - for stdin; may be repeated."
        ),
    ] = None,
    against: Annotated[
        str,
        typer.Option(
            help="What to compare with: `cluster` (its objects and rows), `nb-snapshot=FILE` (the rows that "
            "ovsdb-client backup or dump -f json wrote; objects too with --kubeconfig) or `empty` (a new cluster). "
            "Without it: cluster when --kubeconfig or KUBECONFIG names one or this is a Pod, else empty.",
        ),
    ] = "",
    output: Annotated[Output, typer.Option("-o", "--output", help="Form of the answer.")] = Output.text,
    recursive: Annotated[bool, typer.Option("-R", "--recursive", help="Look into directories of directories.")] = False,
    namespace: Annotated[
        str, typer.Option("-n", "--namespace", help="Namespace of objects that don't name theirs.")
    ] = "default",
    delete: Annotated[bool, typer.Option("--delete", help="Ask what if the objects were deleted.")] = False,
    kubeconfig: Annotated[
        str, typer.Option(help="Kubeconfig of the cluster; else OVNLOOM_KUBECONFIG, a Pod's account or KUBECONFIG.")
    ] = "",
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


def show(result: Result, output: Output) -> None:
    """The answer is on stdout, in colours on a terminal."""
    if output is not Output.text:
        from ovnloom.cli import answer

        typer.echo(answer.dump(result, "json" if output is Output.json else "yaml"), nl=False)
        return
    from ovnloom.cli.prose import prose

    if not sys.stdout.isatty():
        for line in prose(result):
            typer.echo(line.text)
        return
    from rich.console import Console
    from rich.text import Text

    console = Console(highlight=False, soft_wrap=True)
    for line in prose(result):
        console.print(Text(line.text, line.style))


def fail(wrong: Wrong) -> NoReturn:
    """What is wrong is on stderr, one sentence a line; the exit code is 1."""
    for sentence in wrong.sentences:
        typer.echo(f"error: {sentence}", err=True)
    raise typer.Exit(FAILED)


def run() -> None:
    """The command line of this process."""
    sys.exit(called(sys.argv[1:]))


def called(arguments: list[str]) -> int:
    """The exit code of a command line. One that can't be read has 1: typer's own code for that means changes here."""
    try:
        code = app(args=arguments or ["--help"], standalone_mode=False)
    except USAGE as wrong:
        typer.echo(f"error: {wrong.format_message()} Try --help.", err=True)
        return FAILED
    except typer.Abort:
        return FAILED
    except BrokenPipeError:
        # Who reads has enough (a pager, head): nothing to complain about, and nothing to flush at the end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    return code if isinstance(code, int) else 0
