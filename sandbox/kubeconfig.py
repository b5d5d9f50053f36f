"""Files that tell a client of Kubernetes where the API server is and who the client is."""

import base64
from pathlib import Path

import yaml


def write(path: Path, server: str, pki: Path, user: str) -> None:
    """The file lets `user` (a file name in `pki`) in; it holds the keys itself, so it can be copied."""
    cluster = {"server": server, "certificate-authority-data": _inline(pki / "ca.crt")}
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "sandbox", "cluster": cluster}],
        "users": [
            {
                "name": user,
                "user": {
                    "client-certificate-data": _inline(pki / f"{user}.crt"),
                    "client-key-data": _inline(pki / f"{user}.key"),
                },
            }
        ],
        "contexts": [{"name": "sandbox", "context": {"cluster": "sandbox", "user": user}}],
        "current-context": "sandbox",
    }
    path.touch(mode=0o600)
    path.write_text(yaml.safe_dump(content, sort_keys=False))


def _inline(path: Path) -> str:
    return base64.b64encode(path.read_bytes()).decode()
