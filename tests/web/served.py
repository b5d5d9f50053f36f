"""`ovnloom web` as a process of its own."""

import http.client
import json
import signal
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from sandbox import ports
from sandbox.server import Server
from sandbox.wait import until_ready

LOADING_SECONDS = 60.0


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    text: str

    @property
    def value(self) -> Any:
        return json.loads(self.text)


@dataclass(frozen=True)
class Served:
    """One page, with the arguments that the command line was given."""

    directory: Path
    arguments: tuple[str, ...]
    port: int = field(default_factory=ports.free)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/"

    @cached_property
    def server(self) -> Server:
        command = (sys.executable, "-m", "ovnloom", "web", "--listen", f"127.0.0.1:{self.port}", *self.arguments)
        return Server("web", command, self.directory)

    def start(self) -> "Served":
        self.server.start()
        until_ready(self.server, self.answers, LOADING_SECONDS)
        return self

    def stop(self) -> None:
        """It was asked to end, and did."""
        self.server.stop(signal.SIGTERM, patience=20.0)

    def answers(self) -> bool:
        try:
            return self.get("/").status == http.HTTPStatus.OK
        except OSError:
            return False

    def get(self, path: str, method: str = "GET", **headers: str) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            given = {name.replace("_", "-"): value for name, value in headers.items()}
            connection.request(method, path, headers=given)
            answer = connection.getresponse()
            return Answer(answer.status, dict(answer.getheaders()), answer.read().decode())
        finally:
            connection.close()
