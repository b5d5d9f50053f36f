"""The plugin with the real agent behind its socket: driven by CNI's own tool on a host with Open vSwitch and OVN."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from sandbox import until
from tests.cni.conftest import Said
from tests.cni.conftest import program as program  # noqa: PLC0414,RUF100  (a fixture)
from tests.cni.conftest import reference as reference  # noqa: PLC0414,RUF100  (a fixture)
from tests.node.field import SOCKET, Container, NodeField

pytestmark = pytest.mark.xdist_group("node-agent")

NUMBERS = count(1)
PLUGIN = {"type": "kube-ovn", "server_socket": SOCKET}
CHAIN = [
    PLUGIN,
    {"type": "portmap", "snat": True, "capabilities": {"portMappings": True}},
    {"type": "bandwidth", "capabilities": {"bandwidth": True}},
]
UNAVAILABLE, AGAIN = 50, 11


@dataclass
class Runtime:
    """What a container runtime does on the host, by CNI's tool and by calling the plugin itself."""

    at: NodeField
    plugin: Path
    reference: Path
    folder: Path
    pods: list[str] = field(default_factory=list)
    containers: list[Container] = field(default_factory=list)

    def pod(self, *, is_ready: bool = True, **annotations: str) -> str:
        """A Pod of this host, and its address unless nobody waits for it."""
        name = f"cni-pod{next(NUMBERS)}"
        meta = {"name": name, "namespace": "default", "annotations": annotations}
        spec = {"nodeName": self.at.host.name, "containers": [{"name": "main", "image": "none"}]}
        self.at.api.create({"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": spec})
        self.pods.append(name)
        if is_ready:
            until(lambda: self.address(name), f"an address for {name}")
        return name

    def address(self, pod: str) -> str:
        """The first address that the controller gave."""
        body = self.at.api.get("Pod", pod, "default") or {}
        noted: str = body.get("metadata", {}).get("annotations", {}).get("ovn.kubernetes.io/ip_address", "")
        return noted.split(",")[0]

    def container(self, pod: str = "") -> Container:
        """A container with its network namespace, and nothing in it."""
        found = Container(self.at, pod or self.pod()).begin()
        self.containers.append(found)
        return found

    def tool(self, verb: str, container: Container, capabilities: dict[str, Any] | None = None) -> Said:
        """The whole chain, as libcni calls it."""
        environment = {
            "CNI_PATH": f"{self.plugin.parent}:{self.reference}",
            "NETCONFPATH": str(self.folder),
            "CNI_ARGS": f"IgnoreUnknown=1;K8S_POD_NAMESPACE={container.namespace};K8S_POD_NAME={container.pod}",
            "CAP_ARGS": json.dumps(capabilities or {}),
        }
        return self._run([self.reference / "cnitool", verb, "kube-ovn", container.netns], environment, "")

    def call(self, verb: str, container: Container, **more: Any) -> Said:
        """The plugin alone, for the container by its id."""
        environment = {
            "CNI_COMMAND": verb,
            "CNI_CONTAINERID": container.container,
            "CNI_NETNS": container.netns,
            "CNI_IFNAME": container.interface,
            "CNI_PATH": str(self.plugin.parent),
            "CNI_ARGS": f"IgnoreUnknown=1;K8S_POD_NAMESPACE={container.namespace};K8S_POD_NAME={container.pod}",
        }
        network = {"cniVersion": "1.1.0", "name": "kube-ovn", **PLUGIN, **more}
        return self._run([self.plugin], environment, json.dumps(network))

    def _run(self, command: list[str | Path], environment: dict[str, str], given: str) -> Said:
        variables = [f"{name}={value}" for name, value in environment.items()]
        # The exit code stands behind the output: a command that fails is an answer here.
        words = ["env", *variables, "sh", "-c", '"$@"; echo "code $?"', "sh", *command]
        out = self.at.host.run(*words, stdin=given, seconds=90)
        text, _, code = out.rpartition("code ")
        return Said(int(code), json.loads(text) if text.lstrip()[:1] == "{" else None, text)

    def clear(self) -> None:
        """Nothing is left of the test."""
        for container in self.containers:
            self.at.agent.ask("del", container.request())
            self.at.host.run("sh", "-c", f"ip netns delete {container.name} 2>/dev/null || true")
        for name in self.pods:
            self.at.api.delete("Pod", name, "default")


@pytest.fixture
def runtime(node_field: NodeField, program: Path, reference: Path, tmp_path: Path) -> Iterator[Runtime]:
    """A runtime whose conflist is the one that users have."""
    conflist = {"cniVersion": "1.1.0", "name": "kube-ovn", "plugins": CHAIN}
    (tmp_path / "01-kube-ovn.conflist").write_text(json.dumps(conflist))
    found = Runtime(node_field, program, reference, tmp_path)
    try:
        yield found
    finally:
        found.clear()


def test_a_chain_connects_checks_and_disconnects_twice(runtime: Runtime) -> None:
    """A sandbox that is made, looked at and ended, twice with everything."""
    other = runtime.container()
    assert runtime.call("ADD", other).code == 0
    container = runtime.container()

    for _ in range(2):
        added = runtime.tool("add", container)
        assert added.code == 0, added
        assert added.body["ips"][0]["address"].split("/")[0] == runtime.address(container.pod)
        assert "1 received" in container.run("ping", "-c1", "-W2", runtime.address(other.pod))
        assert runtime.tool("check", container).code == 0
        assert [runtime.tool("del", container).code for _ in range(2)] == [0, 0]
        assert "eth0" not in container.run("ip", "-br", "link")


def test_a_limit_of_bandwidth_is_set_by_the_plugin_behind_ours(runtime: Runtime) -> None:
    """It finds the host's end in our result, and sets its own queue there."""
    container = runtime.container()
    limits = {"ingressRate": 8_000_000, "ingressBurst": 8_000_000, "egressRate": 8_000_000, "egressBurst": 8_000_000}

    added = runtime.tool("add", container, {"bandwidth": limits})

    assert added.code == 0, added
    host_end = added.body["interfaces"][1]["name"]
    assert "tbf" in runtime.at.host.run("tc", "qdisc", "show", "dev", host_end)
    assert runtime.tool("del", container).code == 0


def test_orders_that_nobody_means_end_well(runtime: Runtime) -> None:
    """Runtimes are killed at any moment, and start again with what they remember."""
    container = runtime.container()

    assert runtime.call("DEL", container).code == 0
    both = [runtime.call("ADD", container) for _ in range(2)]
    assert [one.code for one in both] == [0, 0]
    assert both[0].body == both[1].body
    container.end()
    assert runtime.call("DEL", container).code == 0
    assert runtime.call("DEL", container, prevResult=both[0].body).code == 0
    assert runtime.at.interface(container.port, "name") == ""


def test_check_says_what_is_wrong_with_an_interface(runtime: Runtime) -> None:
    """A CHECK that can't fail says nothing."""
    container = runtime.container()
    result = runtime.call("ADD", container).body
    container.run("ip", "link", "set", "eth0", "down")

    said = runtime.call("CHECK", container, prevResult=result)

    assert (said.code, said.body["code"]) == (1, 100)
    assert "it is down" in said.body["msg"]


def test_gc_removes_what_no_container_has(runtime: Runtime) -> None:
    """A DEL that never came is made up for, and nobody else's interface goes with it."""
    kept, forgotten = runtime.container(), runtime.container()
    for container in (kept, forgotten):
        assert runtime.call("ADD", container).code == 0
    used = [{"containerID": kept.container, "ifname": kept.interface}]

    said = runtime.call("GC", kept, **{"cni.dev/valid-attachments": used})

    assert said.code == 0, said
    assert runtime.at.interface(forgotten.port, "name") == ""
    assert kept.port in runtime.at.interface(kept.port, "name")


def test_gc_of_another_network_leaves_the_default_one_alone(runtime: Runtime) -> None:
    """Its list names none of the Pods' main interfaces."""
    container = runtime.container()
    assert runtime.call("ADD", container).code == 0

    said = runtime.call("GC", container, provider="lan.default.ovn", **{"cni.dev/valid-attachments": []})

    assert said.code == 0, said
    assert container.port in runtime.at.interface(container.port, "name")


def test_without_the_agent_every_verb_says_so_and_with_it_again_all_is_well(runtime: Runtime) -> None:
    """An upgrade: the runtime tries again, running Pods don't notice, and nothing is forgotten."""
    running, coming = runtime.container(), runtime.container()
    assert runtime.call("ADD", running).code == 0
    assert runtime.call("STATUS", running).code == 0

    runtime.at.agent.kill()
    try:
        said = {verb: runtime.call(verb, coming if verb == "ADD" else running) for verb in ("STATUS", "ADD", "DEL")}
    finally:
        runtime.at.agent.begin()

    assert {verb: one.body["code"] for verb, one in said.items()} == {"STATUS": UNAVAILABLE, "ADD": AGAIN, "DEL": AGAIN}
    assert all(SOCKET in one.body["msg"] for one in said.values())
    assert runtime.call("ADD", coming).code == 0
    assert "1 received" in coming.run("ping", "-c1", "-W2", runtime.address(running.pod))
    assert runtime.call("DEL", running).code == 0


def test_an_agent_that_is_killed_in_the_middle_of_an_add_is_asked_again(runtime: Runtime) -> None:
    """The runtime's DEL and next ADD find whatever it had begun."""
    container = runtime.container("not-yet")
    # A connection that stays: whoever asks whether the agent is ready has an answer at once.
    name = Path(SOCKET).name
    asks = lambda: name in runtime.at.host.run("ss", "--unix", "--no-header", "state", "connected")  # noqa: E731

    with ThreadPoolExecutor(1) as thread:
        adding = thread.submit(runtime.call, "ADD", container)
        until(asks, "the plugin to wait for the agent")
        runtime.at.agent.kill()
        said = adding.result(60)
    runtime.at.agent.begin()

    assert (said.body["code"], "ended while it answered" in said.body["msg"]) == (AGAIN, True)
    container.pod = runtime.pod()
    assert runtime.call("DEL", container).code == 0
    assert runtime.call("ADD", container).code == 0


def test_the_reason_of_a_pod_without_an_address_is_passed_on(runtime: Runtime) -> None:
    """The Event of the kubelet says the same as the controller's."""
    container = runtime.container(runtime.pod(is_ready=False, **{"ovn.kubernetes.io/logical_switch": "nowhere-at-all"}))

    said = runtime.call("ADD", container)

    assert (said.code, said.body["code"]) == (1, AGAIN)
    assert "nowhere-at-all" in said.body["msg"]
