"""Pods and their containers, as a kubelet and its runtime would have them."""

from itertools import count

from sandbox import until
from tests.node.field import Container, NodeField

NUMBERS = count(1)
ANNOTATED = "ovn.kubernetes.io/"


class Pods:
    """Pods of this node, gone with their test."""

    def __init__(self, field: NodeField) -> None:
        self.field = field
        self.made: list[str] = []
        self.containers: list[Container] = []

    def create(self, *, wait: bool = True, **annotations: str) -> str:
        """A Pod on this node; its address is there unless nobody shall wait for it."""
        name = f"pod{next(NUMBERS)}"
        spec = {
            "nodeName": self.field.host.name,
            "terminationGracePeriodSeconds": 0,
            "containers": [{"name": "main", "image": "none"}],
        }
        notes = {ANNOTATED + word: value for word, value in annotations.items()}
        meta = {"name": name, "namespace": "default", "annotations": notes}
        self.field.api.create({"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": spec})
        self.made.append(name)
        if wait:
            until(lambda: self.note(name, "routed") == "true", f"an address for {name}")
        return name

    def note(self, name: str, word: str) -> str:
        body = self.field.api.get("Pod", name, "default") or {}
        return str(body.get("metadata", {}).get("annotations", {}).get(ANNOTATED + word, ""))

    def container(self, pod: str) -> Container:
        found = Container(self.field, pod).begin()
        self.containers.append(found)
        return found

    def connected(self) -> Container:
        """A container of a new Pod that has its interface."""
        found = self.container(self.create())
        status, answer = found.add()
        assert status == 200, answer
        return found

    def clear(self) -> None:
        for container in self.containers:
            self.field.agent.ask("del", container.request())
            self.field.host.run("sh", "-c", f"ip netns delete {container.name} 2>/dev/null || true")
        for name in self.made:
            self.field.api.delete("Pod", name, "default")
