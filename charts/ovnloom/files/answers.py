# ruff: noqa: INP001, T201  (it runs alone in a Pod, and prints its answer)
"""`helm test`: a ready replica of the controller answers, and the API server serves ovnloom's kinds."""

import json
import os
import ssl
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

ACCOUNT = Path(os.environ.get("SERVICE_ACCOUNT", "/var/run/secrets/kubernetes.io/serviceaccount"))


def ask(url: str, headers: dict[str, str] | None = None, context: ssl.SSLContext | None = None) -> tuple[str, str]:
    """What an address answers, or why it doesn't."""
    try:
        request = urllib.request.Request(url, headers=headers or {})
        with urllib.request.urlopen(request, timeout=10, context=context) as answer:
            return answer.read().decode(), ""
    except urllib.error.HTTPError as error:
        return "", f"{error.code} {error.read().decode(errors='replace').strip()[:500]}"
    except (OSError, ValueError) as error:
        return "", str(error)


def address(host: str, port: str) -> str:
    """Host and port as a URL has them."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def api(path: str) -> tuple[str, str]:
    """A list from the API server, as the Pod's service account."""
    server = address(os.environ["KUBERNETES_SERVICE_HOST"], os.environ["KUBERNETES_SERVICE_PORT"])
    trust = ssl.create_default_context(cafile=str(ACCOUNT / "ca.crt"))
    token = (ACCOUNT / "token").read_text().strip()
    return ask(f"https://{server}{path}", {"Authorization": f"Bearer {token}"}, trust)


def failures() -> Iterator[str]:
    """What doesn't work, each as a sentence."""
    readyz = f"http://{address(os.environ['READY_HOST'], os.environ['READY_PORT'])}/readyz"
    _, problem = ask(readyz)
    if problem:
        yield f"no replica of the controller is ready ({readyz}): {problem}; look at its log"
    for plural in ("vpcs", "subnets", "ips", "ippools"):
        answer, problem = api(f"/apis/kubeovn.io/v1/{plural}?limit=1")
        if problem:
            yield f"the API server doesn't serve {plural}.kubeovn.io: {problem}; install the CRDs (crds.install)"
        elif plural == "vpcs" and not json.loads(answer)["items"]:
            yield "there is no Vpc: the controller didn't make the default one; look at its log"


found = list(failures())
for sentence in found:
    print("failed:", sentence)
if not found:
    print("the controller is ready, and the API server serves ovnloom's kinds")
sys.exit(1 if found else 0)
