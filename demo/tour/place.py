"""Where the tour takes place: a cluster with ovnloom in it, and a host outside that is no node of it."""

import json
import subprocess
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

from demo.tour import families
from sandbox import Sandbox
from sandbox.errors import CommandError, NotReadyError
from sandbox.host import Host
from sandbox.wait import until

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "docs" / "samples" / "tour"
PATIENCE = 60.0
"""In seconds: for what a controller, an agent and a kubelet have to do; mostly it takes one."""
ECHO = 8090
"""The port at which the host outside answers with the address of who asks."""
ATTEMPT = 2
"""In seconds: after this a packet that got no answer is taken for lost."""


@dataclass(frozen=True)
class Pod:
    """A running Pod, as its status tells it."""

    namespace: str
    name: str
    node: str
    addresses: tuple[str, ...]

    @property
    def address(self) -> str:
        """The first, of the cluster's first family."""
        return self.addresses[0]

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name} on {self.node}"


@dataclass(frozen=True)
class Place:
    """A sandbox with nodes, and the host outside."""

    sandbox: Sandbox
    outside: Host

    def apply(self, file: str) -> None:
        """The cluster holds what is in this file of docs/samples/tour, in its own families."""
        family = self.sandbox.layout.family
        objects = [families.rewritten(family, each) for each in yaml.safe_load_all((FOLDER / file).read_text())]
        self.sandbox.kubectl("apply", "-f", "-", stdin=yaml.safe_dump_all(objects))

    def numbers(self, number: str) -> tuple[str, ...]:
        """What stands for an address or network of a sample in this cluster's families."""
        return families.of(self.sandbox.layout.family, number)

    def kubectl(self, *arguments: str) -> str:
        return self.sandbox.kubectl(*arguments)

    def get(self, *arguments: str) -> dict[str, Any]:
        """The object, or the list, that `kubectl get` finds."""
        found: dict[str, Any] = json.loads(self.sandbox.kubectl("get", *arguments, "-o", "json"))
        return found

    def ready(self, namespace: str, *selector: str) -> tuple[Pod, ...]:
        """The Pods that the selector takes (`-l app=web`, or a name), once all are ready; by node."""
        words = selector or ("--all",)
        self.sandbox.kubectl(
            "wait", "pods", "-n", namespace, *words, "--for=condition=Ready", f"--timeout={PATIENCE:.0f}s", seconds=90
        )
        found = self.get("pods", "-n", namespace, *selector)
        pods = [
            Pod(
                namespace,
                item["metadata"]["name"],
                item["spec"]["nodeName"],
                tuple(each["ip"] for each in item["status"]["podIPs"]),
            )
            for item in found.get("items", [found])
        ]
        return tuple(sorted(pods, key=lambda pod: (pod.node, pod.name)))

    def on_each_node(self, namespace: str, name: str) -> tuple[Pod, ...]:
        """The Pods of a DaemonSet that are labelled app=NAME, once there is a ready one on every node."""
        self.sandbox.kubectl(
            "rollout", "status", "-n", namespace, f"daemonset/{name}", f"--timeout={PATIENCE:.0f}s", seconds=90
        )
        return self.ready(namespace, "-l", f"app={name}")

    def asks(self, pod: Pod, url: str, container: str | None = None) -> str | None:
        """What a web server answers that Pod; None when no answer comes."""
        words = ("-c", container) if container else ()
        command = ("exec", "-n", pod.namespace, pod.name, *words, "--", *_curl(url))
        return _said(lambda: self.sandbox.kubectl(*command))

    def asks_from_outside(self, url: str) -> str | None:
        """What a web server answers the host outside; None when no answer comes."""
        return _said(lambda: self.outside.run(*_curl(url)))

    @property
    def nodes(self) -> dict[str, str]:
        """The InternalIP of each node, the first of its families, by name."""
        return {name: addresses[0] for name, addresses in self.addresses.items()}

    @cached_property
    def addresses(self) -> dict[str, tuple[str, ...]]:
        """The InternalIPs of each node, one of each of its families, by name."""
        found = {}
        for item in self.get("nodes")["items"]:
            addresses = (each["address"] for each in item["status"]["addresses"] if each["type"] == "InternalIP")
            found[item["metadata"]["name"]] = tuple(addresses)
        return dict(sorted(found.items()))

    def answers(self, ask: Callable[[], str | None], right: Callable[[str], bool] = bool) -> str:
        """The first right answer, or, when none comes in PATIENCE, the last one there was."""
        heard = [""]

        def attempt() -> bool:
            heard.append(ask() or "")
            return right(heard[-1])

        with suppress(NotReadyError):
            until(attempt, "a right answer", PATIENCE)
        return heard[-1]

    def silent(self, ask: Callable[[], str | None], times: int = 3) -> bool:
        """Whether no answer comes any more: within PATIENCE there were `times` attempts in a row without one."""
        missed = 0

        def attempt() -> bool:
            nonlocal missed
            missed = missed + 1 if ask() is None else 0
            return missed >= times

        try:
            until(attempt, "silence", PATIENCE)
        except NotReadyError:
            return False
        return True


def at(address: str, port: int, path: str = "/hostname") -> str:
    """The URL of a web server at this address of either family."""
    host = f"[{address}]" if ":" in address else address
    return f"http://{host}:{port}{path}"


def host_of(said: str) -> str:
    """The address in what `/clientip` of agnhost answers: ADDRESS:PORT, with brackets around IPv6."""
    return said.strip().rpartition(":")[0].strip("[]").removeprefix("::ffff:")


def _curl(url: str) -> tuple[str, ...]:
    return "curl", "--globoff", "--silent", "--fail", "--max-time", str(ATTEMPT), url


def _said(call: Callable[[], str]) -> str | None:
    try:
        return call().strip()
    except (CommandError, subprocess.TimeoutExpired):
        return None
