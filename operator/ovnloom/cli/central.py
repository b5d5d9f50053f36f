"""OVN's databases from where there is only an API server: in one of their own Pods."""

from __future__ import annotations

import subprocess

CENTRAL = ("app.kubernetes.io/component=ovn-central", "app=ovn-central")
"""Labels of Pods with the databases: those of the chart, and those of Kube-OVN's."""
PODS = "{range .items[*]}{.metadata.namespace}/{.metadata.name} {end}"


def words(kubeconfig: str) -> tuple[str, ...]:
    """The words that run a program in a Pod with the databases; none when there is no kubectl or no such Pod."""
    kubectl = ("kubectl", *((f"--kubeconfig={kubeconfig}",) if kubeconfig else ()))
    for labels in CENTRAL:
        asked = ("get", "pods", "-A", "-l", labels, "--field-selector=status.phase=Running", f"-o=jsonpath={PODS}")
        try:
            done = subprocess.run(
                [*kubectl, "--request-timeout=10s", *asked],
                capture_output=True,
                text=True,
                check=False,
                timeout=30,
                stdin=subprocess.DEVNULL,
            )
        except (OSError, subprocess.TimeoutExpired):
            return ()
        if pods := done.stdout.split():
            namespace, _, name = pods[0].partition("/")
            return (*kubectl, "exec", "-n", namespace, name, "--")
    return ()
