"""The command line: bring a cluster up, run Kubernetes' tests in it, say what came of each."""

import subprocess
import time
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from demo.tour.install import Installed
from e2e import docker
from e2e.absent import absent
from e2e.specs import CHOICES, Spec, read
from sandbox import Sandbox, SandboxError, build
from sandbox.fabric import Family
from sandbox.report import Shown

app = typer.Typer(help=__doc__, add_completion=False, pretty_exceptions_enable=False)
out = Console(highlight=False)

Name = Annotated[str, typer.Option(help="Which sandbox; several live side by side.")]
Which = Annotated[
    list[str] | None, typer.Argument(help=f"{', '.join(CHOICES)}, docker, or a regular expression of names.")
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

    `docker` are not Kubernetes' tests, but all of ours with real Docker daemons.
    """
    if which == [docker.WHICH]:
        raise typer.Exit(docker.run())
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
    folder.mkdir(parents=True, exist_ok=True)
    report, log = folder / "junit.xml", folder / "e2e.log"
    report.unlink(missing_ok=True)
    out.print(f"log: {log}", soft_wrap=True)
    for each in absent():
        out.print(f"left out: specs labelled {each.label}, since {each.reason} ({each.proof})", soft_wrap=True)
    started = time.monotonic()
    with log.open("w") as lines:
        code = subprocess.run(
            command(sandbox, focus, report, hours), stdout=lines, stderr=lines, check=False
        ).returncode
    specs = read([report] if report.exists() else [])
    _tell(specs, time.monotonic() - started)
    if code and all(spec.passed for spec in specs):
        out.print(f"[red]e2e.test ended with code {code}; the end of its log says why[/]")
    return code == 0 and bool(specs)


def command(sandbox: Sandbox, focus: str, report: Path, hours: float) -> list[str]:
    """e2e.test, as it asks an existing cluster: nothing is retried, nothing left out silently."""
    kubectl = build.KUBERNETES.bin / "kubectl"
    return [
        str(build.E2E.bin / "e2e.test"),
        "--provider=skeleton",
        f"--kubeconfig={sandbox.kubeconfig}",
        f"--kubectl-path={kubectl}",
        f"--ginkgo.focus={focus}",
        f"--ginkgo.junit-report={report.absolute()}",
        f"--ginkgo.timeout={round(hours * 3600)}s",
        *(f"--ginkgo.skip={each.label}" for each in absent()),
        "--ginkgo.flake-attempts=0",
        "--ginkgo.no-color",
        "--ginkgo.v",
        "--disable-log-dump",
    ]


def _tell(specs: tuple[Spec, ...], seconds: float) -> None:
    for spec in specs:
        out.print(f"{'[green]✓[/]' if spec.passed else '[red]✗[/]'} ", end="")
        out.print(f"{spec.seconds:6.0f} s  {spec.name}", markup=False, soft_wrap=True)
        if spec.message:
            out.print(f"            {spec.message}", markup=False, soft_wrap=True)
    failed = sum(not spec.passed for spec in specs)
    out.print(f"{len(specs) - failed} passed, {failed} failed in {seconds:.0f} s")


def _all(which: list[str] | None) -> list[str]:
    return which or ["conformance", "netpol"]


def _folder(choice: str) -> str:
    return choice if choice in CHOICES else "chosen"


def run() -> None:
    """The command line; what goes wrong is one message and exit code 1."""
    try:
        app()
    except SandboxError as error:
        out.print("[red]✗[/]", end=" ")
        out.print(str(error), markup=False, soft_wrap=True)
        raise SystemExit(1) from None
