"""The ends of a question as people write them: Pods, Nodes, Services, addresses."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cached_property
from typing import NamedTuple

from ovnloom.api.meta import Key
from ovnloom.api.node import Node
from ovnloom.api.pod import Pod
from ovnloom.api.service import Service, ServicePort
from ovnloom.cli.wrong import Wrong
from ovnloom.intent import Owner
from ovnloom.ipam import Malformed, address_text, parse_address
from ovnloom.verdict import PROTOCOLS, Network, Protocol
from ovnloom.verdict.layout import Port
from ovnloom.world.world import World

SHOWN = 5
"""Names that a sentence offers."""


class Asked(NamedTuple):
    """What `--port` says."""

    protocol: Protocol = "icmp"
    port: int = 0

    def __str__(self) -> str:
        return "ping" if self.protocol == "icmp" else f"{self.port}/{self.protocol}"


@dataclass(frozen=True, slots=True)
class End:
    """One end of a question: its name for people, and by family the port or address that it is."""

    label: str
    places: tuple[tuple[int, str], ...]
    entry: str = ""
    """The port by which packets of an address outside come in."""
    service: Service | None = None


def asked(text: str) -> Asked | None:
    """`80/tcp`, `80` (tcp) or `icmp`; None for no text. Raises Wrong."""
    if not text:
        return None
    number, _, protocol = text.lower().partition("/")
    if number in {"icmp", "ping"} and not protocol:
        return Asked()
    protocol = protocol or "tcp"
    if protocol not in PROTOCOLS or protocol == "icmp":
        raise Wrong(f"--port is {text!r}; use NUMBER/tcp, NUMBER/udp, NUMBER/sctp or icmp")
    if not number.isascii() or not number.isdigit() or not 0 < int(number) < 65536:
        raise Wrong(f"--port is {text!r}; its number must be 1 to 65535, like 80/tcp")
    return Asked(protocol, int(number))  # type: ignore[arg-type]  # it is one of the keys


class Ends:
    """Finds ends in one state of the world."""

    def __init__(self, world: World, network: Network, namespace: str) -> None:
        self._world = world
        self._network = network
        self._namespace = namespace

    @cached_property
    def _ports(self) -> Mapping[Owner, list[Port]]:
        """Every owner's, found once: a matrix asks for thousands."""
        found: dict[Owner, list[Port]] = {}
        for port in self._network.layout.ports.values():
            if port.owner is not None:
                found.setdefault(port.owner, []).append(port)
        return found

    def find(self, text: str, flag: str) -> End:
        """The end that a word means; `flag` names the word in complaints. Raises Wrong."""
        try:
            family, number = parse_address(text)
        except Malformed:
            pass
        else:
            return self._address(family, address_text(family, number))
        kind, _, rest = text.partition("/")
        if kind == "node" and "/" not in rest:
            return self._node(rest, flag)
        if kind in {"svc", "service"} and "/" in rest:
            namespace, _, name = rest.partition("/")
            return self._service(Key(name, namespace), flag)
        if kind == "pod" and "/" in rest:
            text = rest
        namespace, slash, name = text.partition("/")
        if not slash:
            namespace, name = self._namespace, text
        name, _, provider = name.partition(":")
        if not name or not namespace or "/" in name:
            usage = "NAMESPACE/POD, svc/NAMESPACE/NAME, node/NAME or an address"
            raise Wrong(f"{flag} is {text!r}; use {usage}")
        return self.pod(Key(name, namespace), flag, provider)

    def pod(self, key: Key, flag: str, provider: str = "") -> End:
        """The port of a Pod's main interface, or the one of a provider."""
        pod = self._world.tables[Pod].get(key)
        if pod is None:
            raise Wrong(f"{flag}: there is no Pod {key}{self._near(key, self._world.tables[Pod])}")
        if pod.host_network:
            found = self._node(pod.node, flag)
            return End(f"Pod {key} on the network of {found.label}", found.places, found.entry)
        ports = self._ports.get(Owner("Pod", key), [])
        main = [port for port in ports if port.name.count(".") == min(one.name.count(".") for one in ports)]
        if provider:
            main = [port for port in ports if port.name.endswith(f".{provider}")]
        if not main:
            which = f" for {provider}" if provider else ""
            why = "it has finished" if pod.finished else "ask `ovnloom plan` for the reason"
            raise Wrong(f"{flag}: Pod {key} has no port{which}: {why}")
        families = sorted({family for family, _ in main[0].addresses})
        return End(f"{key}" + (f":{provider}" if provider else ""), tuple((one, main[0].name) for one in families))

    def _node(self, name: str, flag: str) -> End:
        """A Node by its own addresses, which are what it talks to Pods with; where it has none by its join address."""
        key = Key(name)
        node = self._world.tables[Node].get(key)
        if node is None:
            raise Wrong(f"{flag}: there is no Node {name}{self._near(key, self._world.tables[Node])}")
        for port in self._ports.get(Owner("Node", key), ()):
            places = {family: port.name for family, _ in port.addresses}
            places |= {6 if ":" in ip else 4: ip for ip in reversed(node.internal_ips)}
            return End(f"node/{name}", tuple(sorted(places.items())), port.name)
        raise Wrong(f"{flag}: Node {name} has no port on the join network yet")

    def _service(self, key: Key, flag: str) -> End:
        service = self._world.tables[Service].get(key)
        if service is None:
            raise Wrong(f"{flag}: there is no Service {key}{self._near(key, self._world.tables[Service])}")
        if not service.cluster_ips:
            raise Wrong(f"{flag}: Service {key} has no address of its own (headless, or of another proxy); name a Pod")
        places = tuple((6 if ":" in ip else 4, ip) for ip in service.cluster_ips)
        return End(f"svc/{key}", places, service=service)

    def _address(self, family: int, text: str) -> End:
        """An address as it is; packets of a Node's come in by its port."""
        for node in self._world.tables[Node].values():
            if text in node.internal_ips:
                end = self._node(node.name, text)
                return End(f"{text} of node/{node.name}", ((family, text),), end.entry)
        return End(text, ((family, text),))

    @staticmethod
    def _near(key: Key, keys: Iterable[Key]) -> str:
        """The rest of a sentence: names that may have been meant."""
        known = sorted(map(str, keys))
        near = get_close_matches(str(key), known, n=SHOWN, cutoff=0.6)
        if not near and key.namespace:
            near = [name for name in known if name.startswith(f"{key.namespace}/")]
            near = near or [name for name in known if name.endswith(f"/{key.name}")]
        if near:
            more = ", …" if len(near) > SHOWN else ""
            return f"; did you mean {', '.join(near[:SHOWN])}{more}?"
        return f"; there are: {', '.join(known[:SHOWN])}{', …' if len(known) > SHOWN else ''}" if known else ""


def port_of(service: Service, flag: str) -> Asked:
    """The only port of a Service. Raises Wrong when it has several."""
    found = [_asked(port) for port in service.ports]
    if len(found) == 1:
        return found[0]
    names = ", ".join(map(str, found)) or "none"
    raise Wrong(f"{flag}: Service {service.key} has the ports {names}; choose one by --port")


def _asked(port: ServicePort) -> Asked:
    return Asked(port.protocol.lower(), port.port)  # type: ignore[arg-type]  # the API has these three
