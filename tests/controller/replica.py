"""A controller as a process of its own, to be killed, frozen and started again."""

import http.client
import re
import signal
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from sandbox import Sandbox, ports, until
from sandbox.server import Server

PATIENCE = 60.0
"""Seconds that a test waits for the controller; the machine is shared with others."""
RUN = (
    "from ovnloom.controller.main import run; from ovnloom.settings import Settings; import sys; "
    "sys.exit(run(Settings()))"
)


@dataclass
class Replica:
    """One replica. It may be started and stopped as often as a test likes; its log has all its lives."""

    sandbox: Sandbox
    name: str = "controller"
    settings: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def port(self) -> int:
        return ports.free()

    @property
    def server(self) -> Server:
        environment = {
            "OVNLOOM_OVN_NB": self.sandbox.nb,
            "OVNLOOM_KUBECONFIG": str(self.sandbox.kubeconfig),
            "OVNLOOM_LISTEN": f"127.0.0.1:{self.port}",
            "OVNLOOM_LOG_FORM": "text",
            "OVNLOOM_IDENTITY": self.name,
            **self.settings,
        }
        return Server(self.name, (sys.executable, "-c", RUN), self.sandbox.directory, environment)

    def start(self) -> "Replica":
        """The process runs; it may not be ready yet."""
        self.server.start()
        return self

    def begin(self) -> "Replica":
        """It runs and is ready."""
        return self.start().ready()

    def ready(self) -> "Replica":
        until(self.is_ready, f"{self.name} to be ready", PATIENCE)
        return self

    def leading(self) -> "Replica":
        """It is ready, and the one that writes."""
        until(lambda: self.is_ready() and self.is_leading(), f"{self.name} to lead", PATIENCE)
        return self

    def stop(self) -> None:
        """It was asked to end, by SIGTERM, and did."""
        self.server.stop(signal.SIGTERM, patience=20.0)

    def kill(self) -> None:
        self.server.stop(signal.SIGKILL)

    def freeze(self) -> None:
        self.server.send(signal.SIGSTOP)

    def thaw(self) -> None:
        self.server.send(signal.SIGCONT)

    @property
    def is_alive(self) -> bool:
        return self.server.alive

    @property
    def log(self) -> str:
        return self.server.log.read_text(errors="replace") if self.server.log.exists() else ""

    def page(self, path: str) -> tuple[int, str]:
        """Status and text of a page; status 0 when nobody answers."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        except (OSError, http.client.HTTPException):
            return 0, ""
        finally:
            connection.close()

    def is_ready(self) -> bool:
        return self.page("/readyz")[0] == http.HTTPStatus.OK

    def is_leading(self) -> bool:
        return self.metric("ovnloom_leader") == 1

    def metric(self, name: str, **labels: str) -> float:
        """The sum of a metric's series with these labels; 0 when there is none."""
        total = 0.0
        for line in self.page("/metrics")[1].splitlines():
            found = re.fullmatch(r"(\w+)(?:\{(.*)\})? (\S+)", line)
            if (
                found
                and found[1] == name
                and all(f'{key}="{value}"' in (found[2] or "") for key, value in labels.items())
            ):
                total += float(found[3])
        return total
