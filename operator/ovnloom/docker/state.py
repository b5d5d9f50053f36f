"""What is there, as one call of dockerd sees it, and what that call makes of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ovnloom.api.ip import ENDPOINT, IP, labels
from ovnloom.api.meta import FINALIZER, Key, key_of
from ovnloom.api.subnet import Subnet
from ovnloom.assign.choice import Take
from ovnloom.docker import words
from ovnloom.errors import Refused
from ovnloom.ipam import Exhausted, Malformed, Pair, Ranges, TakenMac, parse_address, parse_cidr_block, parse_network
from ovnloom.pipeline import Pipeline
from ovnloom.world.graph import Reader
from ovnloom.world.indexes import IPS_OF_SUBNET
from ovnloom.world.subnet import Segment, segment
from ovnloom.world.tables import BY_KIND, Table

Body = Mapping[str, Any]
Place = tuple[str, Key]
"""An object's kind and key."""
VERSION = "kubeovn.io/v1"


@dataclass(slots=True)
class Objects:
    """The bodies of all objects, and the pipeline whose world has their values."""

    pipeline: Pipeline
    bodies: dict[Place, Body] = field(default_factory=dict)
    endpoints: dict[str, str] = field(default_factory=dict)
    """The names of IPs by the endpoint that has them."""

    def put(self, place: Place, body: Body | None) -> None:
        """The object is there as given, or gone."""
        table = table_of(place[0])
        if place[0] == "IP":
            self._note(place[1], body)
        if body is None:
            self.bodies.pop(place, None)
            self.pipeline.put(table.type, place[1], None)
        else:
            self.bodies[place] = body
            self.pipeline.put(table.type, place[1], table.decode(body))
        self.pipeline.settle()

    def _note(self, key: Key, body: Body | None) -> None:
        before = self.pipeline.world.tables[IP].get(key)
        if before is not None and self.endpoints.get(before.endpoint) == key.name:
            del self.endpoints[before.endpoint]
        endpoint = body["metadata"].get("annotations", {}).get(ENDPOINT, "") if body is not None else ""
        if endpoint:
            self.endpoints[endpoint] = key.name


def table_of(kind: str) -> Table:
    """The table of a kind that a Site keeps."""
    return BY_KIND.get((VERSION, kind)) or BY_KIND["v1", kind]


class State:
    """Reads objects, and collects what a call changes; nothing is outside before the Site has written it."""

    def __init__(self, objects: Objects) -> None:
        self._objects = objects
        self._read = Reader(objects.pipeline.graph)
        self.before: dict[Place, Body | None] = {}
        """What was there of all that this call changed."""

    @property
    def edits(self) -> dict[Place, Body | None]:
        """What is to be there; None for what goes."""
        return {
            place: self._objects.bodies.get(place)
            for place, before in self.before.items()
            if self._objects.bodies.get(place) != before
        }

    # -- reading ------------------------------------------------------------------------------------------------------

    def body(self, kind: str, name: str) -> Body | None:
        """An object as it is written."""
        return self._objects.bodies.get((kind, Key(name)))

    def subnet(self, name: str) -> Subnet | None:
        """A Subnet by its name."""
        return self._objects.pipeline.world.tables[Subnet].get(Key(name))

    def subnets(self) -> Iterator[Subnet]:
        """All Subnets, in the order of their names."""
        table = self._objects.pipeline.world.tables[Subnet]
        return (table[key] for key in sorted(table))

    def segment(self, name: str) -> Segment:
        """A Subnet as it is used: networks, gateway, problems. Raises Refused when there is none."""
        found = segment(self._read, name)
        if found is None:
            raise Refused(f"Subnet {name} does not exist; create it, or name another by {words.SUBNET}")
        return found

    def ip(self, name: str) -> IP | None:
        """An IP by its name."""
        return self._objects.pipeline.world.tables[IP].get(Key(name))

    def ips(self) -> Iterator[IP]:
        """All IPs."""
        return iter(tuple(self._objects.pipeline.world.tables[IP].values()))

    def of_endpoint(self, endpoint: str) -> IP | None:
        """The IP that an endpoint has."""
        name = self._objects.endpoints.get(endpoint)
        return self.ip(name) if name else None

    def holder_of(self, subnet: str, address: str) -> IP | None:
        """The IP that has an address of a Subnet."""
        held = self._objects.pipeline.books.pool(self._read, subnet)
        name = held.holder_of(*parse_address(address)) if held is not None else None
        return self.ip(name) if name else None

    @staticmethod
    def is_endpoints(ip: IP) -> bool:
        """Whether a plugin made it: its name is its MAC."""
        return ip.pod_name == ip.mac.replace(":", "") and bool(ip.mac)

    def ips_of(self, subnet: str) -> list[IP]:
        """The IPs of a Subnet."""
        return list(self._read.find(IPS_OF_SUBNET, subnet))

    # -- changing -----------------------------------------------------------------------------------------------------

    def put(self, body: Body) -> None:
        """The object is to be there as given."""
        self._set((body["kind"], key_of(body)), body)

    def remove(self, kind: str, name: str) -> None:
        """The object is to be gone."""
        self._set((kind, Key(name)), None)

    def annotate(self, kind: str, name: str, annotations: Mapping[str, str | None]) -> None:
        """The object has these annotations besides its others; those that are None go."""
        body = self._objects.bodies[kind, Key(name)]
        meta = body["metadata"]
        merged = {**meta.get("annotations", {}), **annotations}
        kept = {key: value for key, value in merged.items() if value is not None}
        self.put({**body, "metadata": {**meta, "annotations": kept}})

    def take(self, subnet: str, ip: IP, wanted: Pair, among: str = "") -> IP:
        """The IP has the wanted addresses and the next of each family that it lacks, and its MAC. Raises Refused.

        `among` is a CIDR within the Subnet, of which the next address is to be.
        """
        net = self.segment(subnet)
        if not net.is_valid:
            raise Refused(f"Subnet {subnet} can't be used: {net.problems[0].message}")
        books = self._objects.pipeline.books
        if among:
            wanted = self._next(subnet, among, wanted)
        fill = tuple(family for family in net.networks.families if wanted.of(family) is None)
        pair = books.take(self._read, subnet, ip.name, wanted, fill, "")
        if not isinstance(pair, Pair):
            why = pair.sentence if pair is not None else "it gives no addresses until it is repaired"
            more = "; remove containers, or use a network with a bigger --subnet" if isinstance(pair, Exhausted) else ""
            raise Refused(f"Subnet {subnet}: {why}{more}")
        mac = books.take_mac(ip.name, ip.mac)
        if isinstance(mac, TakenMac):
            self._objects.pipeline.revoke(Take(ip_with(ip, subnet, pair, "")))
            raise Refused(mac.sentence)
        taken = ip_with(ip, subnet, pair, mac)
        body = taken.encode()
        body["metadata"]["annotations"] = dict(ip.annotations)
        self.put(body)
        return taken

    def _next(self, subnet: str, among: str, wanted: Pair) -> Pair:
        network = parse_network(among)
        held = self._objects.pipeline.books.pool(self._read, subnet)
        if held is None or wanted.of(network.family) is not None:
            return wanted
        free = held.available(network.family) & Ranges([(network.address, network.last_address)])
        if free.first is None:
            raise Refused(f"--ip-range {among} of Subnet {subnet} has no free address; use a wider range")
        return wanted._replace(**{f"v{network.family}": free.first})

    def _set(self, place: Place, body: Body | None) -> None:
        self.before.setdefault(place, self._objects.bodies.get(place))
        self._objects.put(place, body)

    def undo(self) -> None:
        """All that this call changed is as it was."""
        for place, body in reversed(self.before.items()):
            self._objects.put(place, body)


def ip_with(ip: IP, subnet: str, pair: Pair, mac: str) -> IP:
    """The IP with what it was given, as one that lasts until somebody gives it back."""
    meta = replace(ip.meta, labels=labels(subnet, ip.node_name, "true"), finalizers=(FINALIZER,))
    return replace(ip, meta=meta, subnet=subnet, v4=pair.v4_text, v6=pair.v6_text, mac=mac)


def networks_of(cidr_block: str) -> tuple[str, ...]:
    """The CIDRs of a Subnet, IPv4 first; none when they can't be read."""
    try:
        return tuple(map(str, parse_cidr_block(cidr_block)))
    except Malformed:
        return ()
