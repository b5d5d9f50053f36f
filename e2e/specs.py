"""Which of Kubernetes' own tests are run, and what came of them."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

SMOKE = (
    "should be able to create a functioning NodePort service",
    "should be able to change the type from ExternalName to NodePort",
    "should serve a basic endpoint from pods",
    "should serve multiport endpoints from pods",
    r"should have session affinity work for service with type clusterIP \[LinuxOnly\]",
    r"should function for intra-pod communication: http \[NodeConformance\]",
    r"should function for intra-pod communication: udp \[NodeConformance\]",
    r"should function for node-pod communication: http \[LinuxOnly\]",
    "should provide DNS for services",
    "should provide DNS for pods for Hostname",
    "validates that there is no conflict between pods with same hostPort but different hostIP and protocol",
    "should provide secure master service",
)
"""One of each kind of thing: Services by name and by port, affinity, endpoints, DNS, ports of hosts."""
CHOICES = {
    "conformance": r"\[sig-network\].*\[Conformance\]",
    "netpol": r"\[sig-network\].*(NetworkPolicy|Netpol)",
    "dualstack": r"\[sig-network\].*\[Feature:IPv6DualStack\]",
    "smoke": rf"\[sig-network\].*({'|'.join(SMOKE)})",
}


LEFT_OUT = "skipped - "
"""Before the reason of a spec that skipped itself; those that weren't selected have none."""


@dataclass(frozen=True)
class Spec:
    """One test of Kubernetes, and what came of it. Times are in seconds."""

    name: str
    outcome: str
    seconds: float
    message: str
    """Why it failed, or why it was skipped."""

    @property
    def passed(self) -> bool:
        return self.outcome == "passed"

    @property
    def was_run(self) -> bool:
        return self.outcome != "skipped"


def read(files: Iterable[Path]) -> tuple[Spec, ...]:
    """The specs that were begun, of JUnit reports as ginkgo writes them: those that then skipped themselves too.

    A spec that wasn't selected, or never reached, is skipped without a reason and is not among them.
    """
    found = []
    for file in files:
        for case in ElementTree.parse(file).iter("testcase"):
            name, status = case.get("name", ""), case.get("status", "")
            message = _message(case)
            if not name.startswith("[It] ") or status == "pending":
                continue
            if status == "skipped" and not message.startswith(LEFT_OUT):
                continue
            short = re.sub(r"\s+", " ", message.removeprefix(LEFT_OUT))[:300]
            found.append(Spec(name.removeprefix("[It] "), status, float(case.get("time") or 0), short))
    return tuple(sorted(found, key=lambda spec: spec.name))


def _message(case: ElementTree.Element) -> str:
    said = next((found for tag in ("failure", "error", "skipped") if (found := case.find(tag)) is not None), None)
    return "" if said is None else (said.get("message") or said.text or "").strip()
