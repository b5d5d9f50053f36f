"""What comes from outside into the cluster, and what leaves it."""

import json
from collections.abc import Iterator
from functools import partial

from demo.tour.place import ECHO, Place, at, host_of
from demo.tour.scene import Scene, Seen

PUBLIC = {4: "192.0.2.80", 6: "2001:db8::80"}
"""The address that Service web-public gets; of the ranges for documentation, so nobody's."""


def node_ports(place: Place) -> Iterator[Seen]:
    web = place.on_each_node("tour", "web")
    names = {pod.name for pod in web}
    for node, address in _ways(place):
        said = place.answers(partial(place.asks_from_outside, at(address, 30080)), names.__contains__)
        yield Seen(f"a host outside -> {node} by {address}, NodePort 30080", said, NODE_PORT, said in names)
    here = place.outside.addresses
    own = {pod.node: pod for pod in web}
    for node, address in _ways(place):
        pod = own[node]
        said = place.answers(partial(place.asks_from_outside, at(address, 30081)), pod.name.__eq__)
        what = f"a host outside -> {node} by {address}, NodePort 30081 (policy Local)"
        yield Seen(what, said, LOCAL, said == pod.name)
        source = host_of(place.answers(partial(place.asks_from_outside, at(address, 30081, "/clientip"))))
        yield Seen(f"the same: who asked {pod.name}?", source, CLIENT, source in here)


def load_balancer(place: Place) -> Iterator[Seen]:
    web = place.on_each_node("tour", "web")
    names = {pod.name for pod in web}
    node, through = next(iter(place.addresses.items()))
    ways = {PUBLIC[6 if ":" in address else 4]: address for address in through}
    status = json.dumps({"status": {"loadBalancer": {"ingress": [{"ip": public} for public in ways]}}})
    patch = ("patch", "service", "web-public", "-n", "tour", "--subresource=status", "--type=merge", "-p", status)
    place.kubectl(*patch)
    client = place.on_each_node("tour", "client")[-1]
    for public, address in ways.items():
        place.outside.run("ip", "route", "replace", public, "via", address)
        said = place.answers(partial(place.asks_from_outside, at(public, 80)), names.__contains__)
        yield Seen(f"a host outside -> {public}, port 80, routed to {node}", said, BALANCED, said in names)
        said = place.answers(partial(place.asks, client, at(public, 80)), names.__contains__)
        yield Seen(f"{client} -> {public}, port 80", said, BALANCED_INSIDE, said in names)


def egress(place: Place) -> Iterator[Seen]:
    for client in place.on_each_node("tour", "client"):
        for outside, node in zip(place.outside.addresses, place.addresses[client.node], strict=True):
            source = host_of(place.answers(partial(place.asks, client, at(outside, ECHO, "/clientip"))))
            yield Seen(f"{client} -> {outside}, a host outside: who asked?", source, EGRESS, source == node)


def _ways(place: Place) -> Iterator[tuple[str, str]]:
    """Each node with each of its addresses."""
    return ((node, address) for node, addresses in place.addresses.items() for address in addresses)


NODE_PORT = "Every node takes the connection, and translates it to a ready Pod, on whichever node that is."
LOCAL = "With externalTrafficPolicy Local a node only asks its own Pods."
CLIENT = "… and the Pod sees the client's own address."
BALANCED = "The nodes answer for the address that the Service's status names."
BALANCED_INSIDE = "From inside nobody has to leave the cluster for it."
EGRESS = "The Subnet has natOutgoing: outside the node's address is seen; the node of the Pod itself is the way out."

SCENES = (
    Scene("nodeport", "Outside to Service", "NodePorts, from a host that is no node.", node_ports),
    Scene("loadbalancer", "An address for a Service", "A Service of type LoadBalancer.", load_balancer),
    Scene("egress", "Out of the cluster", "A Pod asks a host that knows nothing of Pods.", egress),
)
