"""`ovnloom node status`: the agent's own account of its host, as a table."""

from __future__ import annotations

import http.client
import json
import socket
from typing import Any

from ovnloom.settings import NodeSettings

SECONDS = 10.0


class _OverUnix(http.client.HTTPConnection):
    """HTTP to a unix socket."""

    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=SECONDS)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(SECONDS)
        self.sock.connect(self._path)


def page(settings: NodeSettings) -> tuple[bool, list[str]]:
    """Whether something is wrong, and the lines to print."""
    try:
        found = _ask(settings.cni_socket)
    except (OSError, http.client.HTTPException, ValueError) as problem:
        why = f"the agent doesn't answer on {settings.cni_socket}: {problem}"
        return True, [
            f"-  agent  {why}; see its log (kubectl logs -n kube-system -l app.kubernetes.io/component=agent)"
        ]
    width = max(len(each["what"]) for each in found)
    lines = [f"{'-' if each['wrong'] else '+'}  {each['what']:{width}}  {_words(each)}".rstrip() for each in found]
    return any(each["wrong"] for each in found), lines


def _words(line: dict[str, str]) -> str:
    return ": ".join(filter(None, (line["has"], line["wrong"])))


def _ask(path: str) -> list[dict[str, str]]:
    connection = _OverUnix(path)
    try:
        connection.request("GET", "/api/v1/report")
        answer = connection.getresponse()
        found: Any = json.loads(answer.read())
    finally:
        connection.close()
    if answer.status != http.client.OK:
        raise http.client.HTTPException(str(found.get("error")))
    return list(found)
