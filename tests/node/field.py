"""Where the agent is tested: a control plane with a controller, one host with Open vSwitch, and the agent on it."""

import http.client
import json
import re
import signal
import socket
import sys
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from sandbox import Host, OpenVswitch, Sandbox, until
from sandbox.inside import Inside
from tests.controller.api import Api, Body
from tests.controller.replica import Replica

SOCKET = "/run/openvswitch/kube-ovn-daemon.sock"
CONF = "/etc/cni/net.d/01-kube-ovn.conflist"
PORT = 10665
MTU = "1400"
PATIENCE = 60.0


class OverUnix(http.client.HTTPConnection):
    """HTTP over a unix socket, as the plugin speaks it."""

    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=90)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))


@dataclass
class Agent:
    """`ovnloom node` on a host. It may be killed and started as often as a test likes."""

    host: Host
    kubeconfig: Path
    settings: Mapping[str, str] = field(default_factory=dict)
    name: str = "agent"

    @property
    def server(self) -> Inside:
        environment = {
            "OVNLOOM_KUBECONFIG": str(self.kubeconfig),
            "OVNLOOM_NODE_NAME": self.host.name,
            "OVNLOOM_POD_MTU": MTU,
            "OVNLOOM_LOG_FORM": "text",
            **self.settings,
        }
        return self.host.server(self.name, sys.executable, "-m", "ovnloom", "node", environment=environment)

    def begin(self) -> None:
        """It runs, and can serve Pods."""
        self.server.start()
        until(self.is_ready, "the agent to be ready", PATIENCE)

    def stop(self) -> None:
        self.server.stop(signal.SIGTERM, patience=20.0)

    def kill(self) -> None:
        self.server.stop(signal.SIGKILL)

    @property
    def log(self) -> str:
        return self.server.log.read_text(errors="replace") if self.server.log.exists() else ""

    def ask(self, verb: str, body: Mapping[str, Any] | None = None) -> tuple[int, Any]:
        """Status and content of an answer; status 0 when nobody answers."""
        connection = OverUnix(self.host.path(SOCKET))
        try:
            if body is None:
                connection.request("GET", f"/api/v1/{verb}")
            else:
                connection.request("POST", f"/api/v1/{verb}", json.dumps(body))
            answer = connection.getresponse()
            text = answer.read()
            return answer.status, json.loads(text) if text else None
        except (OSError, http.client.HTTPException):
            return 0, None
        finally:
            connection.close()

    def is_ready(self) -> bool:
        return self.ask("status")[0] == http.HTTPStatus.OK

    def page(self, path: str) -> str:
        """A page of the agent, failures too."""
        return self.host.run("curl", "--silent", f"http://127.0.0.1:{PORT}{path}")

    def metric(self, name: str, **labels: str) -> float:
        """The sum of a metric's series with these labels."""
        total = 0.0
        for line in self.page("/metrics").splitlines():
            found = re.fullmatch(r"(\w+)(?:\{(.*)\})? (\S+)", line)
            if (
                found
                and found[1] == name
                and all(f'{key}="{value}"' in (found[2] or "") for key, value in labels.items())
            ):
                total += float(found[3])
        return total


@dataclass
class NodeField:
    """Everything that the tests of the agent share."""

    sandbox: Sandbox
    controller: Replica
    host: Host

    @cached_property
    def api(self) -> Api:
        return Api(self.sandbox.kubeconfig)

    @cached_property
    def agent(self) -> Agent:
        return Agent(self.host, self.sandbox.kubeconfig)

    @property
    def switch(self) -> OpenVswitch:
        return OpenVswitch(self.host)

    def interface(self, name: str, column: str) -> str:
        """A column of an Interface; empty when there is no such Interface."""
        return self.switch.vsctl("--if-exists", "get", "interface", name, column).strip()


@dataclass
class Container:
    """What a runtime makes for a Pod before it calls the plugin: an id and a network namespace."""

    at: NodeField
    pod: str
    namespace: str = "default"
    container: str = field(default_factory=lambda: uuid.uuid4().hex * 2)
    interface: str = "eth0"
    provider: str = "ovn"
    name: str = ""

    def __post_init__(self) -> None:
        self.name = self.name or f"cni-{uuid.uuid4().hex[:12]}"

    @property
    def netns(self) -> str:
        return f"/run/netns/{self.name}"

    @property
    def port(self) -> str:
        """The host's end."""
        return f"{self.container[:12]}_h"

    def begin(self) -> "Container":
        """The network namespace is there."""
        self.at.host.run("ip", "netns", "add", self.name)
        return self

    def end(self) -> None:
        """The network namespace is gone, with what is in it."""
        self.at.host.run("ip", "netns", "delete", self.name)

    def request(self, **more: Any) -> Body:
        return {
            "cni_type": "kube-ovn",
            "pod_name": self.pod,
            "pod_namespace": self.namespace,
            "container_id": self.container,
            "net_ns": self.netns,
            "if_name": self.interface,
            "provider": self.provider,
            "routes": None,
            **more,
        }

    def add(self, **more: Any) -> tuple[int, Any]:
        return self.at.agent.ask("add", self.request(**more))

    def delete(self, **more: Any) -> tuple[int, Any]:
        return self.at.agent.ask("del", self.request(**more))

    def check(self, **more: Any) -> tuple[int, Any]:
        return self.at.agent.ask("check", self.request(**more))

    def run(self, *command: str) -> str:
        """What a command prints that runs in the container's network."""
        return self.at.host.run("nsenter", f"--net={self.netns}", "--", *command)

    def reaches(self, address: str) -> bool:
        """Whether one ping of the address is answered."""
        return " 0% packet loss" in self.run("sh", "-c", f"ping -c1 -W1 {address} || true")

    def link(self) -> dict[str, Any]:
        """The container's interface, as `ip` describes it."""
        found: dict[str, Any] = json.loads(self.run("ip", "-j", "address", "show", "dev", self.interface))[0]
        return found
