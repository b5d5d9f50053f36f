"""The commands that look at a cluster: `pods`, `subnets` and `trace`, for `ovnloom` and for `kubectl loom`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ovnloom.cli.wrong import Wrong

if TYPE_CHECKING:
    from ovnloom.cli.ovn_tools import Tools
    from ovnloom.settings import Settings


class Form(StrEnum):
    """Forms in which a table is printed."""

    text = "text"
    json = "json"
    yaml = "yaml"


Output = Annotated[Form, typer.Option("-o", "--output", help="Form of the answer.")]
Namespace = Annotated[str, typer.Option("-n", "--namespace", help="Namespace of Pods that don't name theirs.")]
Kubeconfig = Annotated[
    str, typer.Option(help="Kubeconfig of the cluster; else OVNLOOM_KUBECONFIG, a Pod's account or KUBECONFIG.")
]
Northbound = Annotated[str, typer.Option(help="Northbound database (unix:, tcp: or ssl:); else OVNLOOM_OVN_NB.")]
Southbound = Annotated[str, typer.Option(help="Southbound database (unix:, tcp: or ssl:); else OVNLOOM_OVN_SB.")]


def pods(
    namespace: Annotated[str, typer.Option("-n", "--namespace", help="Namespace of the Pods.")] = "default",
    every: Annotated[bool, typer.Option("-A", "--all-namespaces", help="Pods of all namespaces.")] = False,
    selector: Annotated[str, typer.Option("-l", "--selector", help="Labels, as in `kubectl get`.")] = "",
    output: Output = Form.text,
    kubeconfig: Kubeconfig = "",
    ovn_sb: Southbound = "",
) -> None:
    """Show each Pod's Subnet, address, MAC, node, the state of its port, whether it is isolated, and what is wrong.

    Exit code: 0, or 1 when the question can't be answered.
    """
    from ovnloom.cli import main
    from ovnloom.cli import pods as looking
    from ovnloom.cli.reach import selector as read_selector

    try:
        settings, tools = _read(kubeconfig=kubeconfig, southbound=ovn_sb)
        wanted = read_selector(selector, "-l")
        result = looking.make(settings, tools, "" if every else namespace, wanted)
    except Wrong as wrong:
        main.fail(wrong)
    if not result.interfaces and output is Form.text:
        typer.echo(f"No Pods found{'' if every else f' in namespace {namespace}'}.", err=True)
    columns, rows = looking.rows(result)
    _show(output, columns, rows, looking.STYLES, looking.sentences(result), lambda: looking.answer(result))


def subnets(output: Output = Form.text, kubeconfig: Kubeconfig = "") -> None:
    """Show each Subnet's Vpc, CIDR, used and available addresses, gateway and conditions.

    Exit code: 0, or 1 when the question can't be answered.
    """
    from ovnloom.cli import main
    from ovnloom.cli import subnets as looking

    try:
        settings, _ = _read(kubeconfig=kubeconfig)
        found = looking.make(settings)
    except Wrong as wrong:
        main.fail(wrong)
    rows = looking.rows(found, settings.cluster_router)
    answer = lambda: looking.answer(found, settings.cluster_router)  # noqa: E731  made only when it is asked for
    _show(output, looking.COLUMNS, rows, looking.STYLES, looking.sentences(found), answer)


def trace(
    source: Annotated[str, typer.Argument(metavar="FROM", help="POD or NAMESPACE/POD.")],
    target: Annotated[str, typer.Argument(metavar="TO", help="POD, NAMESPACE/POD, svc/NAMESPACE/NAME or an address.")],
    port: Annotated[
        str, typer.Option(metavar="PORT", help="NUMBER/tcp, NUMBER/udp, NUMBER/sctp or icmp; else a ping.")
    ] = "",
    brief: Annotated[bool, typer.Option("--brief", help="Only the flows that somebody's object made.")] = False,
    ipv6: Annotated[bool, typer.Option("-6", "--ipv6", help="The packet has IPv6 addresses.")] = False,
    output: Output = Form.text,
    namespace: Namespace = "default",
    kubeconfig: Kubeconfig = "",
    ovn_nb: Northbound = "",
    ovn_sb: Southbound = "",
) -> None:
    """Follow a packet from FROM to TO through OVN's flows, with names for its numbers, and say where it ends and why.

    It is ovn-trace on the southbound database: no packet is sent. The packet is the first one of a connection.

    Exit code: 0 it arrives, 1 it doesn't, 2 the question can't be answered.
    """
    from ovnloom.cli import main, table, trace_prose
    from ovnloom.cli import trace as tracing

    try:
        _, tools = _read(kubeconfig=kubeconfig, northbound=ovn_nb, southbound=ovn_sb)
        result = tracing.make(tools, source, target, port, namespace, ipv6=ipv6)
    except Wrong as wrong:
        main.fail(wrong, main.UNANSWERED)
    if output is Form.text:
        main.write(trace_prose.prose(result, brief=brief))
    else:
        typer.echo(table.dump(trace_prose.answer(result), "json" if output is Form.json else "yaml"), nl=False)
    raise typer.Exit(0 if result.arrives else main.DENIED)


def _read(*, kubeconfig: str = "", northbound: str = "", southbound: str = "") -> tuple[Settings, Tools]:
    from ovnloom.cli import flags
    from ovnloom.cli.ovn_tools import Tools

    given = {name: value for name, value in (("kubeconfig", kubeconfig), ("ovn_nb", northbound)) if value}
    settings = flags.settings(given)
    return settings, Tools.of(settings, southbound)


def _show(
    form: Form,
    columns: tuple[str, ...],
    rows: list[list[str]],
    styles: Mapping[str, str],
    sentences: Iterable[str],
    answer: Callable[[], Mapping[str, Any]],
) -> None:
    from ovnloom.cli import table

    if form is not Form.text:
        typer.echo(table.dump(answer(), "json" if form is Form.json else "yaml"), nl=False)
        return
    if rows:
        table.show(columns, rows, styles)
    # Not the answer itself: who filters the table gets the table.
    for sentence in sentences:
        typer.echo(sentence, err=True)


def add(app: typer.Typer) -> None:
    """The command line has these commands."""
    for command in (pods, subnets, trace):
        app.command()(command)
