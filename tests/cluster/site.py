"""What tests break of an installed cluster, and how they see that it is whole again."""

import json
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from demo.tour.install import NAMESPACE, Installed
from demo.tour.place import Place, Pod
from ovnloom.kube.events import COMPONENT
from sandbox import Sandbox, images, until
from sandbox.errors import CommandError
from sandbox.host import TASKS, Host
from sandbox.openvswitch import OpenVswitch
from sandbox.report import Quiet

IMAGE = "registry.k8s.io/e2e-test-images/agnhost:2.56"
PATIENCE = 90.0
"""In seconds. What is waited for takes one or two on an idle machine."""
AGENT, CONTROLLER = "agent", "controller"
"""Components, as the chart labels them."""
SOCKET, CONF = "/run/openvswitch/kube-ovn-daemon.sock", "/etc/cni/net.d/01-kube-ovn.conflist"


@dataclass(frozen=True)
class Site:
    """The cluster of the tests of this folder, in the hands of one who breaks it."""

    installed: Installed
    place: Place

    @property
    def sandbox(self) -> Sandbox:
        return self.installed.sandbox

    @property
    def hosts(self) -> tuple[Host, ...]:
        """The nodes."""
        return self.sandbox.workers.hosts

    def switch(self, host: Host) -> OpenVswitch:
        return OpenVswitch(host)

    # -- Pods ---------------------------------------------------------------------------------------------------------

    def create(self, name: str, node: str, **annotations: str) -> None:
        """A Pod that answers at port 8080 is bound to the node."""
        spec = {
            "nodeName": node,
            "terminationGracePeriodSeconds": 0,
            "tolerations": [{"operator": "Exists"}],
            "containers": [{"name": "main", "image": IMAGE, "args": ["netexec"]}],
        }
        notes = {f"ovn.kubernetes.io/{word}": value for word, value in annotations.items()}
        meta = {"name": name, "labels": {"of": "faults"}, "annotations": notes}
        body = {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": spec}
        self.sandbox.kubectl("create", "-f", "-", stdin=json.dumps(body))

    def ready(self, name: str) -> Pod:
        """The Pod, once it is."""
        words = ("--for=condition=Ready", f"--timeout={PATIENCE:.0f}s")
        self.sandbox.kubectl("wait", "pod", name, *words, seconds=PATIENCE + 30)
        body = self.place.get("pod", name)
        addresses = tuple(each["ip"] for each in body["status"]["podIPs"])
        return Pod("default", name, body["spec"]["nodeName"], addresses)

    def pair(self) -> tuple[Pod, Pod]:
        """A Pod on each of the two nodes."""
        names = tuple(f"end-{host.number}" for host in self.hosts)
        for name, host in zip(names, self.hosts, strict=True):
            if not self.exists("pod", name):
                self.create(name, host.name)
        first, second = (self.ready(name) for name in names)
        return first, second

    def delete(self, name: str, seconds: float = PATIENCE) -> None:
        """The Pod is gone, in time, and its node has ended it."""
        self.sandbox.kubectl("delete", "pod", name, f"--timeout={seconds:.0f}s", seconds=seconds + 30)

    def exists(self, *words: str) -> bool:
        return bool(self.sandbox.kubectl("get", *words, "--ignore-not-found", "-o", "name"))

    def events(self, name: str) -> str:
        """What the Events of a Pod say."""
        found = self.place.get("events", "--field-selector", f"involvedObject.name={name}")["items"]
        return "\n".join(f"{each['reason']}: {each['message']}" for each in found)

    def reasons(self, name: str) -> tuple[str, str]:
        """What the controller says of a Pod in an Event, and what its kubelet says last."""
        found = self.place.get("events", "--field-selector", f"involvedObject.name={name}")["items"]
        told = [each["message"] for each in found if each["source"].get("component") == COMPONENT]
        failed = [each["message"] for each in found if each["reason"] == "FailedCreatePodSandBox"]
        return told[0], failed[-1]

    def note(self, name: str, word: str) -> str:
        """An annotation of a Pod; empty when it has none."""
        found = self.place.get("pod", name)["metadata"].get("annotations", {})
        return str(found.get(f"ovn.kubernetes.io/{word}", ""))

    def ports(self, name: str, host: Host) -> list[dict[str, str]]:
        """The external_ids of the ports that Open vSwitch has for a Pod."""
        rows = self.switch(host).vsctl("--format=json", "--columns=external_ids", "list", "Interface")
        found = (dict(pairs) for ((_, pairs),) in json.loads(rows)["data"])
        return [ids for ids in found if ids.get("ovnloom_pod") == name]

    def netns(self, pod: Pod) -> str:
        """The path of its network namespace, in its node."""
        (port,) = self.ports(pod.name, self.sandbox.host(pod.node))
        return port["pod_netns"]

    def talk(self, near: Pod, far: Pod) -> bool:
        """Whether one reaches the other, after some time at most."""
        ask = (near.name, "--", "/agnhost", "connect", f"{far.address}:8080", "--timeout=2s")
        until(lambda: succeeds(lambda: self.sandbox.kubectl("exec", *ask)), f"{near} to reach {far}", PATIENCE)
        return True

    def renew_pods(self) -> None:
        """All Pods that have a network of their own are deleted; those of workloads come again."""
        for pod in self.place.get("pods", "-A")["items"]:
            if not pod["spec"].get("hostNetwork"):
                where = ("-n", pod["metadata"]["namespace"], pod["metadata"]["name"])
                self.sandbox.kubectl("delete", "pod", *where, "--wait=false", "--grace-period=0")

    def container(self, pod: Pod) -> str:
        """The container that runs in a Pod now, or ran last."""
        (status,) = self.place.get("pod", pod.name)["status"]["containerStatuses"]
        return str(status.get("containerID", ""))

    def clear(self) -> None:
        """All Pods that tests made here are gone."""
        words = ("-l", "of=faults", "--ignore-not-found", f"--timeout={PATIENCE:.0f}s")
        self.sandbox.kubectl("delete", "pods", *words, seconds=PATIENCE + 30)

    # -- ovnloom's own ------------------------------------------------------------------------------------------------

    def members(self, component: str) -> dict[str, dict[str, Any]]:
        """The Pods of a component, by node."""
        found = self.place.get("pods", "-n", NAMESPACE, "-l", f"app.kubernetes.io/component={component}")["items"]
        return {each["spec"]["nodeName"]: each for each in found if "deletionTimestamp" not in each["metadata"]}

    def uids(self) -> set[str]:
        """Of all agents and controllers."""
        found = (self.members(component).values() for component in (AGENT, CONTROLLER))
        return {pod["metadata"]["uid"] for pods in found for pod in pods}

    def process(self, component: str, host: Host) -> str:
        """The pid that the container has in its node."""
        (status,) = self.members(component)[host.name]["status"]["containerStatuses"]
        container = str(status["containerID"]).removeprefix("containerd://")
        return host.path(f"{TASKS}/{container}/init.pid").read_text()

    def kill(self, component: str, host: Host, how: signal.Signals = signal.SIGKILL) -> None:
        host.run("kill", f"-{how.value}", self.process(component, host))

    def starts(self, component: str, host: Host) -> int:
        (status,) = self.members(component)[host.name]["status"]["containerStatuses"]
        return int(status["restartCount"])

    def is_ready(self, component: str, host: Host) -> bool:
        found = self.members(component).get(host.name, {}).get("status", {}).get("containerStatuses", [])
        return bool(found) and all(each["ready"] for each in found)

    def kill_and_wait(self, component: str, host: Host) -> None:
        """The container was killed, and its successor is ready."""
        before = self.starts(component, host)
        self.kill(component, host)
        self.back(component, host, before)

    def back(self, component: str, host: Host, before: int) -> None:
        """It was started again since, and is ready."""
        until(
            lambda: self.starts(component, host) > before and self.is_ready(component, host),
            f"{component} of {host.name} to be back",
            PATIENCE,
        )

    def upgrade(self, *settings: str) -> None:
        """helm was told of these values besides, and what it changed runs."""
        given = (word for setting in settings for word in ("--set", setting))
        self.installed.helm(images.ovnloom(Quiet()), *given)
        self.installed.ready()

    def busy(self, host: Host) -> int:
        """How many requests of the runtime the agent works on."""
        said = host.run("curl", "--silent", "--fail", "http://127.0.0.1:10665/metrics")
        return next(int(float(line.split()[1])) for line in said.splitlines() if line.startswith("ovnloom_node_busy "))

    def is_following(self, host: Host) -> bool:
        """Whether its ovn-controller is connected to the southbound database."""
        return host.run("ovn-appctl", "-t", "ovn-controller", "connection-status").strip() == "connected"

    def is_joined(self, host: Host, pod: Pod) -> bool:
        """Whether the host itself reaches a Pod."""
        return succeeds(lambda: host.run("ping", "-c1", "-W1", pod.address))

    @contextmanager
    def without_northbound(self) -> Iterator[None]:
        """No Pod gets its port inside the block: ADD waits."""
        self.sandbox.stop_nb()
        try:
            yield
        finally:
            self.sandbox.start_nb()
            self.settled()

    def chassis(self, name: str) -> list[str]:
        """What the southbound database calls the node, each time that it has it."""
        return self.sandbox.sbctl("--bare", "--columns=name", "find", "Chassis", f"hostname={name}").split()

    def settled(self) -> None:
        """What the northbound database says has reached every node."""
        until(lambda: succeeds(lambda: self.sandbox.nbctl("--wait=hv", "sync")), "all nodes to follow OVN", PATIENCE)


def succeeds(call: Callable[[], object]) -> bool:
    try:
        call()
    except CommandError:
        return False
    return True
