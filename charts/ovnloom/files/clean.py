# ruff: noqa: INP001, T201  (it runs alone in a Pod, and prints what it waits for)
"""What `helm uninstall` waits for: `retire` ends the agents, `wait` sees that every node is clean.

The first argument says which, the second names the DaemonSet.
"""

import json
import os
import ssl
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

ACCOUNT = Path(os.environ.get("SERVICE_ACCOUNT", "/var/run/secrets/kubernetes.io/serviceaccount"))
HOST, PORT = os.environ["KUBERNETES_SERVICE_HOST"], os.environ["KUBERNETES_SERVICE_PORT"]
SERVER = f"https://[{HOST}]:{PORT}" if ":" in HOST else f"https://{HOST}:{PORT}"
NAMESPACE = os.environ["NAMESPACE"]
PATIENCE = float(os.environ.get("PATIENCE", "240"))
"""Seconds; helm itself waits for 300."""


def ask(path: str, method: str = "GET", body: dict[str, str] | None = None) -> Any:
    """The answer of the API server; None when there is no such object."""
    headers = {"Authorization": f"Bearer {(ACCOUNT / 'token').read_text().strip()}", "Content-Type": "application/json"}
    said = json.dumps(body).encode() if body else None
    trust = ssl.create_default_context(cafile=str(ACCOUNT / "ca.crt"))
    try:
        request = urllib.request.Request(SERVER + path, said, headers, method=method)
        with urllib.request.urlopen(request, timeout=10, context=trust) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        if error.code == 404:
            return None
        raise


def retire(path: str) -> str:
    """Empty once the DaemonSet is gone, and so are its Pods."""
    ask(path, "DELETE", {"apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": "Foreground"})
    return "" if ask(path) is None else "agents still run"


def wait(path: str) -> str:
    """Empty once each node that has a Pod of the DaemonSet is clean; else which ones aren't."""
    found = ask(path)
    if found is None:
        return "the DaemonSet that cleans is gone"
    status = found.get("status", {})
    if status.get("observedGeneration", 0) < found["metadata"]["generation"]:
        return "the DaemonSet that cleans was not looked at yet"
    wanted = status["desiredNumberScheduled"]
    missing = wanted - status.get("numberReady", 0)
    return f"{missing} of {wanted} nodes are not clean yet: {unclean(found)}" if missing else ""


def unclean(daemonset: Any) -> str:
    """The names of these nodes."""
    labels = daemonset["spec"]["selector"]["matchLabels"]
    selector = "%2C".join(f"{name}%3D{value}" for name, value in labels.items())
    pods = ask(f"/api/v1/namespaces/{NAMESPACE}/pods?labelSelector={selector}")["items"]
    return ", ".join(sorted(pod["spec"].get("nodeName", "?") for pod in pods if not is_ready(pod)))


def is_ready(pod: Any) -> bool:
    conditions = pod.get("status", {}).get("conditions", [])
    return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)


step = {"retire": retire, "wait": wait}[sys.argv[1]]
until = time.monotonic() + PATIENCE
told = ""
while True:
    try:
        left = step(f"/apis/apps/v1/namespaces/{NAMESPACE}/daemonsets/{sys.argv[2]}")
    except OSError as error:
        left = f"the API server doesn't answer as it should: {error}"
    if not left:
        break
    if left != told:
        print(left, flush=True)
        told = left
    if time.monotonic() > until:
        sys.exit(f"{left}; uninstall again to wait for longer, or with --no-hooks to leave the nodes as they are")
    time.sleep(1)
