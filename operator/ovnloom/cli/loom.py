"""`kubectl loom`: kubectl finds the program kubectl-loom on PATH and hands its arguments over."""

from __future__ import annotations

import os
import sys

import typer

from ovnloom.cli import looking, main

app = typer.Typer(
    name="kubectl loom",
    help="Look at a cluster's network: what Pods have, what would change, who may reach whom, where packets go.",
    pretty_exceptions_enable=False,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
looking.add(app)
for command in (main.plan, main.verdict, main.reach, main.version):
    app.command()(command)

NAMESPACED = frozenset({"pods", "trace", "plan", "verdict", "reach"})
"""Commands with --namespace."""


def run() -> None:
    """The command line of this process."""
    sys.exit(called(sys.argv[1:]))


def called(arguments: list[str]) -> int:
    """The exit code. The cluster and the namespace are those of kubectl's current context unless they are named."""
    from ovnloom.cli import context

    if not os.environ.get("KUBECONFIG") and context.HOME.exists():
        os.environ["KUBECONFIG"] = str(context.HOME)
    is_named = any(word in ("-n", "--namespace") or word.startswith(("-n=", "--namespace=")) for word in arguments)
    if arguments[:1] and arguments[0] in NAMESPACED and not is_named and "--help" not in arguments:
        namespace = context.namespace(arguments)
        arguments = [*arguments[:1], "--namespace", namespace, *arguments[1:]] if namespace else arguments
    return main.called(arguments, app)


if __name__ == "__main__":
    run()
