"""The command line: bring a cluster up, run Kubernetes' tests in it, say what came of each."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from demo.tour.install import Installed
from e2e import ours
from e2e.absent import absent
from e2e.run import LOG, Run, run
from e2e.specs import CHOICES
from sandbox import Sandbox, SandboxError, build
from sandbox.fabric import Family
from sandbox.report import Shown

app = typer.Typer(help=__doc__, add_completion=False, pretty_exceptions_enable=False)
out = Console(highlight=False)

Name = Annotated[str, typer.Option(help="Which sandbox; several live side by side.")]
Which = Annotated[
    list[str] | None, typer.Argument(help=f"{', '.join((*CHOICES, *ours.FOLDERS))}, or a regular expression of names.")
]
Results = Annotated[Path, typer.Option(help="JUnit reports and logs go here, one folder a choice.")]
Nodes = Annotated[int, typer.Option(min=2, max=20)]
Keep = Annotated[bool, typer.Option("--keep", help="Leave the cluster up afterwards.")]
Hours = Annotated[float, typer.Option(min=0.1, help="When to give up, in hours, for each choice.")]


@app.command()
def main(
    which: Which = None,
    name: Name = "e2e",
    nodes: Nodes = 2,
    family: Annotated[Family, typer.Option(help="Of Pods and Services.")] = "ipv4",
    results: Results = Path("e2e-results"),
    keep: Keep = False,
    hours: Hours = 4.0,
) -> None:
    """Run the tests: conformance and netpol unless others are named. Ends with 1 when one failed or none was run.

    `cluster` and `docker` are not Kubernetes' tests, but all of ours with real nodes, or real Docker daemons.
    """
    if which and len(which) == 1 and which[0] in ours.FOLDERS:
        raise typer.Exit(ours.run(which[0]))
    sandbox, report = Sandbox(name, kubelets=True, family=family), Shown(out)
    build.build(build.E2E, report)
    Installed(sandbox, report).up(nodes)
    try:
        done = [run_specs(sandbox, CHOICES.get(each, each), results / _folder(each), hours) for each in _all(which)]
    finally:
        if not keep:
            sandbox.down()
    if not all(done):
        raise typer.Exit(1)


def run_specs(sandbox: Sandbox, focus: str, folder: Path, hours: float) -> bool:
    """Whether all specs of the focus passed, and there was one; each is told, what a failed one said is in the log."""
    out.print(f"log: {folder / LOG}", soft_wrap=True)
    for each in absent():
        out.print(f"left out: specs labelled {each.label}, since {each.reason} ({each.proof})", soft_wrap=True)
    done = run(sandbox, focus, folder, hours)
    tell(done, out)
    return done.is_right


def tell(done: Run, out: Console) -> None:
    """A line for each spec that was selected, run or not, and how many there were."""
    for spec in done.run:
        out.print(f"{'[green]✓[/]' if spec.passed else '[red]✗[/]'} ", end="")
        out.print(f"{spec.seconds:6.0f} s  {spec.name}", markup=False, soft_wrap=True)
        if spec.message:
            out.print(f"            {spec.message}", markup=False, soft_wrap=True)
    for spec in done.skipped:
        out.print(f"-   skipped  {spec.name}", markup=False, soft_wrap=True)
        out.print(f"            {spec.message}", markup=False, soft_wrap=True)
    failed = sum(not spec.passed for spec in done.run)
    counts = f"{done.selected} selected, {len(done.run)} run, {len(done.skipped)} skipped for the reasons above"
    out.print(f"{counts}: {len(done.run) - failed} passed, {failed} failed in {done.seconds:.0f} s", soft_wrap=True)
    if done.unreached:
        out.print(f"[red]{done.unreached} of the selected were not reached; the end of the log says why[/]")
    if done.code and not failed:
        out.print(f"[red]e2e.test ended with code {done.code}; the end of its log says why[/]")


def _all(which: list[str] | None) -> list[str]:
    return which or ["conformance", "netpol"]


def _folder(choice: str) -> str:
    return choice if choice in CHOICES else "chosen"


def start() -> None:
    """The command line; what goes wrong is one message and exit code 1."""
    try:
        app()
    except SandboxError as error:
        out.print("[red]✗[/]", end=" ")
        out.print(str(error), markup=False, soft_wrap=True)
        raise SystemExit(1) from None
