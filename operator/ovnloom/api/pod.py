"""A Pod as the network sees it: where it runs, who owns it, what it asks for, and what it was given."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from sys import intern
from typing import Any, NamedTuple, Self

from ovnloom.api.meta import (
    EMPTY,
    Key,
    OwnerRef,
    controlling,
    deletion_time,
    empty,
    metadata,
    part,
    strings,
    text,
    word,
)

INFIX = ".kubernetes.io/"
ASKED = ("k8s.v1.cni.cncf.io/", "v1.multus-cni.io/", "kubevirt.io/")
RESULTS = frozenset(
    {"allocated", "routed", "cidr", "gateway", "logical_router", "vlan_id", "provider_network", "virtualmachine"}
)
"""Names that only the controller writes."""
ANSWERS = frozenset({"logical_switch", "ip_address", "mac_address", "pod_nic_type"})
"""Names that are a wish until the provider's `allocated` is "true", and the controller's answer from then on."""
UNIQUE = frozenset({"ip_address", "mac_address"})
MIRROR = "kubernetes.io/config.mirror"
"""Written by a kubelet on the object that shows a static Pod: the uid by which it knows the Pod itself."""


@dataclass(frozen=True, slots=True)
class Pod:
    """Equality leaves out what the controller itself wrote, so its own patch coming back queues nobody.

    Who must notice that somebody else changed or removed the answer compares `written` besides.
    """

    key: Key
    uid: str = ""
    labels: Mapping[str, str] = field(default_factory=empty)
    annotations: Mapping[str, str] = field(default_factory=empty)
    """What is asked of the network, by full annotation key."""
    node: str = ""
    host_network: bool = False
    phase: str = ""
    restart_policy: str = "Always"
    finished: bool = False
    """It will never run again, so what it holds is free: succeeded, failed for good, or evicted."""
    deletion_time: float | None = None
    """Unix time in seconds at which its grace period ends; None while nobody asked for deletion."""
    owner: OwnerRef | None = None
    created: str = ""
    ports: tuple[tuple[str, str, int], ...] = ()
    """Its containers' named ports: name, protocol (`TCP`, `UDP`, `SCTP`), number."""
    mirrors: str = ""
    """Of an object that shows a static Pod: the uid of that one."""
    written: Mapping[str, str] = field(default_factory=empty, compare=False)
    """The controller's answer, by full annotation key."""
    resource_version: str = field(default="", compare=False)

    @property
    def name(self) -> str:
        return self.key.name

    @property
    def namespace(self) -> str:
        return self.key.namespace

    @property
    def kubelet_uid(self) -> str:
        """The kubelet and its runtime know the Pod by it; it lasts as long as the Pod runs."""
        return self.mirrors or self.uid

    @property
    def deleting(self) -> bool:
        return self.deletion_time is not None

    @classmethod
    def decode(cls, body: Mapping[str, Any]) -> Self:
        """The Pod in a JSON body; what can't be read counts as absent."""
        meta, spec, status = metadata(body), part(body, "spec"), part(body, "status")
        phase = word(status, "phase")
        restart = word(spec, "restartPolicy") or "Always"
        asked, written = _split(meta.get("annotations"))
        return cls(
            Key(text(meta, "name"), word(meta, "namespace")),
            text(meta, "uid"),
            strings(meta.get("labels")),
            asked,
            word(spec, "nodeName"),
            spec.get("hostNetwork") is True,
            phase,
            restart,
            _finished(phase, restart, status),
            deletion_time(meta),
            controlling(meta.get("ownerReferences")),
            word(meta, "creationTimestamp"),
            _named_ports(spec),
            _mirrored(meta.get("annotations")),
            written,
            text(meta, "resourceVersion"),
        )


def _named_ports(spec: Mapping[str, Any]) -> tuple[tuple[str, str, int], ...]:
    """The ports that policies may name, of containers and of init containers that keep running (sidecars)."""
    found: dict[tuple[str, str], int] = {}
    for containers in (spec.get("containers"), spec.get("initContainers")):
        for container in containers if isinstance(containers, list) else ():
            ports = container.get("ports") if isinstance(container, dict) else None
            if not ports or not isinstance(ports, list):
                continue
            if containers is not spec.get("containers") and container.get("restartPolicy") != "Always":
                continue
            for port in ports:
                if not isinstance(port, dict) or "name" not in port:
                    continue
                name, number = word(port, "name"), port.get("containerPort")
                if name and type(number) is int:
                    found.setdefault((name, word(port, "protocol") or "TCP"), number)
    return tuple((name, protocol, number) for (name, protocol), number in sorted(found.items())) if found else ()


def _mirrored(annotations: Any) -> str:
    found = annotations.get(MIRROR) if isinstance(annotations, dict) else None
    return found if isinstance(found, str) else ""


def _finished(phase: str, restart: str, status: Mapping[str, Any]) -> bool:
    if phase == "Succeeded":
        return restart != "Always"
    if phase == "Failed":
        return restart == "Never" or status.get("reason") == "Evicted"
    return False


def _split(found: Any) -> tuple[Mapping[str, str], Mapping[str, str]]:
    """The annotations that ask something of the network, and those that answer; all others are dropped."""
    if not isinstance(found, dict) or not found:
        return EMPTY, EMPTY
    asked: dict[str, str] = {}
    written: dict[str, str] = {}
    meanings = _MEANINGS
    for key, value in found.items():
        if key not in meanings:
            _learn(key)
        part, key, allocated, unique = meanings[key]
        if part is FOREIGN or type(value) is not str:
            continue
        if part is RESULT or (part is ANSWER and found.get(allocated) == "true"):
            written[key] = value if unique else intern(value)
        else:
            asked[key] = value
    return asked or EMPTY, written or EMPTY


WISH, ANSWER, RESULT, FOREIGN = range(4)
"""What an annotation is in the talk between users and the controller (numbers: this is the hot path of every Pod)."""


class Meaning(NamedTuple):
    """What there is to know about an annotation key, found once for all Pods."""

    part: int
    key: str
    allocated: str = ""
    """The key that says whether the provider has answered."""
    unique: bool = False


_MEANINGS: dict[Any, Meaning] = {}
MOST_MEANINGS = 4096
"""Keys remembered; a cluster has some dozens, and Pods with junk for keys must not fill the memory."""


def _learn(key: Any) -> None:
    if len(_MEANINGS) >= MOST_MEANINGS:
        _MEANINGS.clear()
    _MEANINGS[key] = _meaning(key)


def _meaning(key: Any) -> Meaning:
    if type(key) is not str:
        return Meaning(FOREIGN, "")
    provider, infix, name = key.partition(INFIX)
    if not infix:
        return Meaning(WISH if key.startswith(ASKED) else FOREIGN, intern(key))
    if provider == "kubectl":  # last-applied-configuration: kilobytes, and not for us
        return Meaning(FOREIGN, key)
    if name in RESULTS:
        return Meaning(RESULT, intern(key))
    if name in ANSWERS:
        return Meaning(ANSWER, intern(key), intern(provider + INFIX + "allocated"), name in UNIQUE)
    return Meaning(WISH, intern(key))
