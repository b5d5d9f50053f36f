"""What is told of a run of Kubernetes' tests. The texts are those of e2e.test itself, shortened."""

import io
from pathlib import Path

from rich.console import Console

from e2e.cli import tell
from e2e.run import Run, selected
from e2e.specs import Spec, read

REPORT = """\
<?xml version="1.0" encoding="UTF-8"?>
<testsuites tests="5">
  <testsuite name="Kubernetes e2e suite">
    <testcase name="[SynchronizedBeforeSuite]" status="passed" time="0.1"/>
    <testcase name="[It] [sig-network] Services should provide secure master service" status="passed" time="0.5"/>
    <testcase name="[It] [sig-network] DNS should provide DNS for services" status="failed" time="22.5">
      <failure message="timed out&#xA;  after 60 s" type="failed">[FAILED] timed out</failure>
    </testcase>
    <testcase name="[It] [sig-network] Topology Hints should distribute endpoints evenly" status="skipped" time="0.2">
      <skipped message="skipped - Requires more than one zone"></skipped>
    </testcase>
    <testcase name="[It] [sig-storage] subPath should support restarting containers" status="skipped" time="0">
      <skipped message="skipped"></skipped>
    </testcase>
  </testsuite>
</testsuites>
"""
LOG = "Random Seed: 1795985896\n\nWill run 4 of 7144 specs\n------\n"
PASSED = Spec("[sig-network] DNS should provide DNS for services", "passed", 22.5, "")
SKIPPED = Spec("[sig-network] Topology Hints should distribute endpoints evenly", "skipped", 0.2, "one zone")


def told(run: Run) -> str:
    out = io.StringIO()
    tell(run, Console(file=out, width=200))
    return out.getvalue()


def test_a_spec_that_skipped_itself_is_told_with_its_reason(tmp_path: Path) -> None:
    """Otherwise a spec that is counted as selected is nowhere, and nobody asks why."""
    report = tmp_path / "junit.xml"
    report.write_text(REPORT)
    run = Run(read([report]), selected(LOG), 1, 30.0)

    assert [(spec.outcome, spec.message) for spec in run.specs] == [
        ("failed", "timed out after 60 s"),
        ("passed", ""),
        ("skipped", "Requires more than one zone"),
    ]
    assert "Topology Hints should distribute endpoints evenly\n            Requires more than one zone\n" in told(run)
    assert "4 selected, 2 run, 1 skipped for the reasons above: 1 passed, 1 failed in 30 s" in told(run)
    assert "1 of the selected were not reached" in told(run)


def test_a_run_is_right_when_all_that_was_selected_passed_or_says_why_not() -> None:
    """A run that ended early has no failure to show, and must not look like one without any."""
    assert Run((PASSED, SKIPPED), 2, 0, 1.0).is_right
    assert not Run((PASSED, SKIPPED), 3, 0, 1.0).is_right
    assert not Run((SKIPPED,), 1, 0, 1.0).is_right
    assert not Run((), 0, 0, 1.0).is_right
    assert not Run((PASSED,), 1, 1, 1.0).is_right


def test_of_a_log_without_a_beginning_nothing_was_selected() -> None:
    """e2e.test ends at once where it doesn't reach the API server."""
    assert selected("E1129 no configuration has been provided\n") == 0
