"""Where the controller is tested: a sandbox, and what a test makes in it."""

import itertools
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cached_property
from ipaddress import IPv4Network
from typing import Any

import pytest

from sandbox import Sandbox, until
from sandbox.errors import NotReadyError
from tests.controller.api import Api, Body, Refusal, condition
from tests.controller.replica import PATIENCE, Replica
from tests.controller.rows import Row, Rows

PREFIX = "ovn.kubernetes.io/"
NETWORKS = IPv4Network("10.128.0.0/9").subnets(new_prefix=22)
"""Each is given to one test; none overlaps the default, join or service networks."""
NUMBERS = itertools.count(1)
LAST = (
    "VpcDns",
    "SwitchLBRule",
    "EndpointSlice",
    "Service",
    "Pod",
    "StatefulSet",
    "Vip",
    "IP",
    "IPPool",
    "SecurityGroup",
    "Subnet",
    "Vlan",
    "ProviderNetwork",
    "Vpc",
    "NetworkAttachmentDefinition",
    "Namespace",
)
"""Of what a test made, in which order it goes."""


@dataclass
class Field:
    """A sandbox with the controller that works in it."""

    sandbox: Sandbox
    controller: Replica

    @cached_property
    def api(self) -> Api:
        return Api(self.sandbox.kubeconfig)

    def rows(self, *tables: str) -> Rows:
        """The northbound database as it is now."""
        return Rows(self.sandbox.nb, *tables)

    def port(self, name: str) -> Row | None:
        return self.rows("Logical_Switch_Port").one("Logical_Switch_Port", name=name)

    def settled(self, seconds: float = PATIENCE) -> None:
        """The controller leads, is ready (a standby is, too) and has nothing left to do."""
        leads = lambda: self.controller.is_leading() and self.controller.is_ready()  # noqa: E731
        rests = lambda: not self.controller.metric("ovnloom_queue_length")  # noqa: E731
        until(lambda: leads() and rests(), "the controller to have nothing to do", seconds)


@dataclass
class Place:
    """A part of the field for one test; what it made goes with it."""

    field: Field
    number: int = field(default_factory=lambda: next(NUMBERS))
    letter: str = "t"
    """Of two objects that were made in one second the one whose name comes first counts as older."""
    made: list[tuple[str, str, str]] = field(default_factory=list)

    @property
    def api(self) -> Api:
        return self.field.api

    def name(self, word: str) -> str:
        """A name that no other test has."""
        return f"{self.letter}{self.number:03}-{word}"

    @cached_property
    def network(self) -> IPv4Network:
        """1024 addresses that no other test has, but in a Vpc of its own."""
        return next(NETWORKS)

    def cidr(self, index: int = 0, prefix: int = 24) -> str:
        """One of the parts of the network."""
        return str(list(self.network.subnets(new_prefix=prefix))[index])

    def address(self, number: int) -> str:
        """The address with this number of the network; 1 is the gateway of its first part."""
        return str(self.network[number])

    # -- making -------------------------------------------------------------------------------------------------------

    def create(self, body: Body) -> Body:
        meta = body["metadata"]
        self.made.append((body["kind"], meta["name"], meta.get("namespace", "")))
        return self.api.create(body)

    def namespace(self, word: str = "space", **labels: str) -> str:
        """A namespace in which Pods may be created."""
        name = self.name(word)
        self.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}})
        account = {"name": "default", "namespace": name}
        with suppress(Refusal):  # who makes it otherwise takes a minute after the API server was away
            self.api.create({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": account})
        return name

    def custom(self, kind: str, word: str, **spec: Any) -> str:
        """An object of ours; the spec's names are those of the API."""
        name = self.name(word)
        self.create({"apiVersion": "kubeovn.io/v1", "kind": kind, "metadata": {"name": name}, "spec": spec})
        return name

    def vpc(self, word: str = "vpc", **spec: Any) -> str:
        return self.custom("Vpc", word, **spec)

    def subnet(self, word: str = "net", **spec: Any) -> str:
        """A Subnet, of 254 addresses unless it says otherwise."""
        return self.custom("Subnet", word, **{"cidrBlock": self.cidr(), **spec})

    def pod(self, word: str, namespace: str, annotations: Mapping[str, str] | None = None, **spec: Any) -> str:
        """A Pod on worker-1, unless it says otherwise."""
        self.create(pod(word, namespace, annotations, **spec))
        return word

    # -- waiting ------------------------------------------------------------------------------------------------------

    def ready(self, kind: str, name: str) -> Body:
        """The object, with condition Ready."""
        with self._explained(kind, name):
            what = f"{kind} {name} to be Ready"
            until(lambda: condition(self.api.get(kind, name), "Ready").get("status") == "True", what, PATIENCE)
        return self.api.the(kind, name)

    def fails(self, kind: str, name: str, reason: str = "", type_: str = "Ready") -> str:
        """The message of the condition that is False, with that reason."""

        def found() -> str:
            seen = condition(self.api.get(kind, name), type_)
            is_it = seen.get("status") == "False" and reason in ("", seen.get("reason"))
            return str(seen["message"]) if is_it else ""

        with self._explained(kind, name):
            return until(found, f"{kind} {name} to be refused for {reason}", PATIENCE)

    def tells(self, name: str, reason: str) -> str:
        """The message of the latest Event about the object of that name, which is this test's or in no namespace."""
        spaces = {"", *(made for kind, made, _ in self.made if kind == "Namespace")}

        def found() -> list[Body]:
            told = self.api.events(name, reason)
            return [event for event in told if event["involvedObject"].get("namespace", "") in spaces]

        return str(until(found, f"an Event {reason} about {name}", PATIENCE)[-1]["message"])

    def allocated(self, pod: str, namespace: str, provider: str = "ovn") -> Mapping[str, str]:
        """The annotations of a Pod that has its address, without the provider's prefix."""
        prefix = f"{provider}.kubernetes.io/"

        def found() -> Mapping[str, str]:
            body = self.api.get("Pod", pod, namespace) or {"metadata": {}}
            said = body["metadata"].get("annotations", {})
            answer = {key.removeprefix(prefix): value for key, value in said.items() if key.startswith(prefix)}
            return answer if answer.get("allocated") == "true" else {}

        return until(found, f"an address of Pod {namespace}/{pod}", PATIENCE)

    def gone(self, kind: str, name: str, namespace: str = "") -> None:
        until(lambda: self.api.get(kind, name, namespace) is None, f"{kind} {name} to go", PATIENCE)

    def no_port(self, name: str) -> None:
        until(lambda: self.field.port(name) is None, f"port {name} to go", PATIENCE)

    @contextmanager
    def _explained(self, kind: str, name: str) -> Iterator[None]:
        """Who waited in vain sees what the object says."""
        try:
            yield
        except NotReadyError as late:
            raise NotReadyError(f"{late}; it says: {(self.api.get(kind, name) or {}).get('status')}") from None

    # -- going --------------------------------------------------------------------------------------------------------

    def clear(self) -> None:
        """What the test made is gone or going, and nothing of it keeps an address."""
        self.field.controller.thaw()
        self.field.controller.start()
        kinds = {kind: [place for place in self.made if place[0] == kind] for kind in LAST}
        spaces = {name for _, name, _ in kinds["Namespace"]}
        for kind, name, namespace in itertools.chain(*kinds.values()):
            if kind == "Pod" and namespace in spaces:
                continue
            self.api.delete(kind, name, namespace)
        for space in spaces:
            self.api.delete_all("Pod", [body["metadata"]["name"] for body in self.api.every("Pod", space)], space)
        ours = [(kind, name) for kind, name, _ in self.made if kind in ("Subnet", "Vpc")]
        until(lambda: not any(self.api.get(*each) for each in ours), f"{ours} to go", PATIENCE)


def pod(name: str, namespace: str, annotations: Mapping[str, str] | None = None, **spec: Any) -> Body:
    """A Pod on worker-1, unless it says otherwise."""
    container = {"name": "main", "image": "registry.example/none"}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": namespace, "annotations": dict(annotations or {})},
        "spec": {"nodeName": "worker-1", "containers": [container], **spec},
    }


def stays(ask: Callable[[], Any], what: str, seconds: float = 1.5) -> None:
    """`ask` is true now and for some time: for what must not happen, where nothing tells that it won't."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        assert ask(), f"no longer: {what}"
        time.sleep(0.05)


def refusal(act: Callable[[], Any]) -> str:
    """Why the API server said no, which it did."""
    with pytest.raises(Refusal) as found:
        act()
    assert found.value.status in (400, 422), found.value
    return found.value.message
