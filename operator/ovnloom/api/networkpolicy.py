"""A NetworkPolicy: which Pods it isolates, and what may reach them and be reached from them all the same."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Self

from ovnloom.api.fields import Fields, shown
from ovnloom.api.meta import Object, decode_meta, key_of
from ovnloom.api.selector import LabelSelector, decode_selector

PROTOCOLS = ("TCP", "UDP", "SCTP")
INGRESS, EGRESS = "Ingress", "Egress"
EVERYTHING = LabelSelector()


class Port(NamedTuple):
    """Ports of one protocol: a number, the numbers up to `end`, a container port's name, or (0) all of them."""

    protocol: str
    number: int = 0
    end: int = 0
    name: str = ""


class Block(NamedTuple):
    """Addresses inside a CIDR and outside of some others, all as they were written."""

    cidr: str
    excepts: tuple[str, ...] = ()


class Peer(NamedTuple):
    """The other end: Pods (None: all of the namespaces) of namespaces (None: the policy's own), or addresses."""

    pods: LabelSelector | None = None
    namespaces: LabelSelector | None = None
    block: Block | None = None


class Rule(NamedTuple):
    """What is let through: without peers from or to anywhere, without ports on all of them.

    A part that can't be read is left out and lets nothing through; `peers` or `ports` is None when that left nothing.
    """

    peers: tuple[Peer, ...] | None = ()
    ports: tuple[Port, ...] | None = ()


@dataclass(frozen=True, slots=True)
class NetworkPolicy(Object):
    """A policy of the networking.k8s.io API; `malformed` says what is wrong with parts that have no effect."""

    pods: LabelSelector = field(default=EVERYTHING)
    ingress: tuple[Rule, ...] = ()
    egress: tuple[Rule, ...] = ()
    isolates: tuple[str, ...] = (INGRESS,)
    """The directions in which the Pods are cut off from what no rule lets through."""
    malformed: tuple[str, ...] = ()

    @property
    def namespace(self) -> str:
        return self.key.namespace

    @classmethod
    def decode(cls, body: Mapping[str, Any]) -> Self:
        """The policy in a JSON body.

        https://kubernetes.io/docs/reference/kubernetes-api/policy-resources/network-policy-v1/
        """
        malformed: list[str] = []
        spec = Fields(body.get("spec"), "spec", malformed)
        selected = spec.one("podSelector")
        ingress = tuple(_rule(item, "from") for item in spec.many("ingress"))
        egress = tuple(_rule(item, "to") for item in spec.many("egress"))
        return cls(
            key=key_of(body),
            meta=decode_meta(body),
            # A selector that can't be read selects all Pods of the namespace: isolating too many is the safe side.
            pods=_closed(decode_selector(selected)) if selected else EVERYTHING,
            ingress=ingress,
            egress=egress,
            isolates=_isolated(spec, bool(spec.body.get("egress"))),
            malformed=tuple(malformed),
        )


def _closed(selector: LabelSelector) -> LabelSelector:
    return EVERYTHING if selector.malformed else selector


def _isolated(spec: Fields, has_egress: bool) -> tuple[str, ...]:
    types = spec.texts("policyTypes")
    known = tuple(kind for kind in (INGRESS, EGRESS) if kind in types)
    unknown = sorted(set(types) - {INGRESS, EGRESS})
    if unknown:
        spec.malformed.append(f"spec.policyTypes has {shown(unknown[0])}; use Ingress and Egress")
        return INGRESS, EGRESS
    if known:
        return known
    return (INGRESS, EGRESS) if has_egress else (INGRESS,)


def _rule(fields: Fields, side: str) -> Rule:
    listed, ports = fields.body.get(side), fields.body.get("ports")
    peers = tuple(peer for item in fields.many(side) if (peer := _peer(item)) is not None)
    read = tuple(port for item in fields.many("ports") if (port := decode_port(item)) is not None)
    return Rule(peers if peers or not listed else None, read if read or not ports else None)


def _peer(fields: Fields) -> Peer | None:
    before = len(fields.malformed)
    pods, namespaces, block = (fields.one(name) for name in ("podSelector", "namespaceSelector", "ipBlock"))
    if block is not None and (pods is not None or namespaces is not None):
        fields.malformed.append(f"{fields.path} has an ipBlock and a selector; write two peers")
        return None
    if block is not None:
        found = Block(block.text("cidr"), block.texts("except"))
        return Peer(block=found) if len(fields.malformed) == before else None
    if pods is None and namespaces is None:
        fields.malformed.append(f"{fields.path} is empty; name a podSelector, a namespaceSelector or an ipBlock")
        return None
    chosen = decode_selector(pods) if pods is not None else None
    spaces = decode_selector(namespaces) if namespaces is not None else None
    return Peer(chosen, spaces) if len(fields.malformed) == before else None


def decode_port(fields: Fields) -> Port | None:
    """A NetworkPolicyPort; None, and a sentence, for one that can't be read."""
    protocol = fields.text("protocol") or "TCP"
    port, end = fields.body.get("port"), fields.number("endPort", 1, 65535)
    if protocol not in PROTOCOLS:
        fields.malformed.append(f"{fields.path}.protocol is {shown(protocol)}; use TCP, UDP or SCTP")
        return None
    if port is None:
        if fields.body.get("endPort") is not None:
            fields.malformed.append(f"{fields.path} has an endPort without port; name the first port of the range")
            return None
        return Port(protocol)
    if isinstance(port, str) and port:
        if fields.body.get("endPort") is not None:
            fields.malformed.append(f"{fields.path} has an endPort and the named port {shown(port)}; use a number")
            return None
        return Port(protocol, name=port)
    number = fields.number("port", 1, 65535)
    if not number or (fields.body.get("endPort") is not None and end < number):
        if number:
            fields.malformed.append(f"{fields.path}.endPort is {end}, less than port {number}; swap them")
        return None
    return Port(protocol, number, end)
