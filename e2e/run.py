"""One run of Kubernetes' tests in a cluster, and what came of it."""

import re
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from e2e.absent import absent
from e2e.specs import Spec, read
from sandbox import Sandbox, build

LOG = "e2e.log"
SELECTED = re.compile(r"^Will run (\d+) of \d+ specs$", re.MULTILINE)
"""What e2e.test says of itself before it begins."""


@dataclass(frozen=True)
class Run:
    """What came of a run. `specs` are those that were run and those that left themselves out, which say why."""

    specs: tuple[Spec, ...]
    selected: int
    code: int
    """Of e2e.test."""
    seconds: float

    @property
    def run(self) -> tuple[Spec, ...]:
        return tuple(spec for spec in self.specs if spec.was_run)

    @property
    def skipped(self) -> tuple[Spec, ...]:
        """They were selected, and found when they began that they don't apply here."""
        return tuple(spec for spec in self.specs if not spec.was_run)

    @property
    def unreached(self) -> int:
        """How many were selected of which nothing is known, since the run ended before."""
        return self.selected - len(self.specs)

    @property
    def is_right(self) -> bool:
        """Every selected spec was heard of, none failed, and there was one that was run."""
        return self.code == 0 and bool(self.run) and self.unreached == 0 and all(spec.passed for spec in self.run)


def run(sandbox: Sandbox, focus: str, folder: Path, hours: float) -> Run:
    """The specs of the focus were run; JUnit and the whole log are in the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    report, log = folder / "junit.xml", folder / LOG
    report.unlink(missing_ok=True)
    started = time.monotonic()
    with log.open("w") as lines:
        words = command(sandbox, focus, report, hours)
        code = subprocess.run(words, stdout=lines, stderr=lines, check=False).returncode
    specs = read([report] if report.exists() else [])
    return Run(specs, selected(log.read_text(errors="replace")), code, time.monotonic() - started)


def selected(log: str) -> int:
    """How many specs e2e.test took, by its log; 0 when it ended before that."""
    found = SELECTED.search(log)
    return int(found[1]) if found else 0


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
