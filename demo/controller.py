"""`ovnloom controller` as one more server of a sandbox."""

import http.client
import sys
from dataclasses import dataclass
from pathlib import Path

from sandbox import Sandbox, SandboxError, ports
from sandbox.report import Tell
from sandbox.server import Server
from sandbox.wait import until_ready

NAME = "ovnloom-controller"
OVNLOOM = str(Path(sys.executable).with_name("ovnloom"))
"""The program of this very environment."""
LEADS = "[+]written ok"
STANDBY = "]standby"
"""Lines of /readyz: only a leader has written a plan, and only a replica that doesn't lead is a standby."""
READY_SECONDS = 60.0
"""More than a killed predecessor's Lease lasts (15 s), on a busy machine."""


@dataclass(frozen=True)
class Controller:
    """The controller of a sandbox. Its pid file and log lie beside the other servers', so `down` ends it as well."""

    sandbox: Sandbox

    @property
    def server(self) -> Server:
        environment = {
            "OVNLOOM_KUBECONFIG": str(self.sandbox.kubeconfig),
            "OVNLOOM_OVN_NB": self.sandbox.nb,
            "OVNLOOM_LISTEN": f"127.0.0.1:{self._port}",
            "OVNLOOM_LOG_FORM": "text",
        }
        return Server(NAME, (OVNLOOM, "controller"), self.sandbox.directory, environment)

    @property
    def address(self) -> str:
        """Where /metrics, /healthz and /readyz are."""
        return f"127.0.0.1:{self._port}"

    def start(self, tell: Tell) -> None:
        """The controller leads, knows the whole cluster and has written its first plan; one that runs goes on.

        Meanwhile is told what it waits for: the Lease of one that was killed, for example.
        """
        if not self.server.alive:
            if not Path(OVNLOOM).exists():
                raise SandboxError(f"{OVNLOOM} is not there; run `make demo`, which installs it")
            directory = self.sandbox.directory
            ports.record(directory, {**ports.recorded(directory), NAME: ports.free()})
            self.server.start()
        until_ready(self.server, lambda: self._leads(tell), READY_SECONDS)

    @property
    def _port(self) -> int:
        return ports.recorded(self.sandbox.directory).get(NAME, 0)

    def _leads(self, tell: Tell) -> bool:
        connection = http.client.HTTPConnection(self.address, timeout=5)
        try:
            connection.request("GET", "/readyz")
            said = connection.getresponse().read().decode().splitlines()
        except OSError:
            return False
        finally:
            connection.close()
        tell(next((line for line in said if line.startswith("[-]") or STANDBY in line), ""))
        return LEADS in said
