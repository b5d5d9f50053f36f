"""Containers and Pods among themselves, and Pods and Services."""

from collections.abc import Iterator
from functools import partial

from demo.tour.place import Place, Pod, at, host_of
from demo.tour.scene import Scene, Seen

WEB = 8080


def in_a_pod(place: Place) -> Iterator[Seen]:
    place.apply("01-web.yaml")
    (pair,) = place.ready("tour", "pair")
    said = place.answers(partial(place.asks, pair, at("localhost", WEB), "client"))
    yield Seen("container client -> localhost, the container server of the same Pod", said, IN_A_POD, said == "pair")


def between_pods(place: Place) -> Iterator[Seen]:
    web, clients = place.on_each_node("tour", "web"), place.on_each_node("tour", "client")
    client = clients[0]
    for server in web:
        near = server.node == client.node
        for address in server.addresses:
            said = place.answers(partial(place.asks, client, at(address, WEB)))
            what = f"{client} -> {address}, {server}"
            yield Seen(what, said, SAME_NODE if near else ACROSS, said == server.name)
            source = host_of(place.answers(partial(place.asks, client, at(address, WEB, "/clientip"))))
            yield Seen(f"{what}: who asked?", source, NO_NAT, source in client.addresses)


def by_name(place: Place) -> Iterator[Seen]:
    place.apply("02-services.yaml")
    web, clients = place.on_each_node("tour", "web"), place.on_each_node("tour", "client")
    names = {pod.name for pod in web}
    for client in clients:
        said = place.answers(partial(place.asks, client, at("web.tour.svc.cluster.local", 80)), names.__contains__)
        yield Seen(f"{client} -> http://web.tour.svc.cluster.local", said, BY_NAME, said in names)
    for address in place.get("service", "web", "-n", "tour")["spec"]["clusterIPs"]:
        said = place.answers(partial(place.asks, clients[0], at(address, 80)), names.__contains__)
        yield Seen(f"{clients[0]} -> {address}, the cluster IP", said, BY_ADDRESS, said in names)
    heard = _all_of(place, clients[0], "web", names)
    yield Seen(f"{clients[0]} -> http://web, until all have answered", ", ".join(sorted(heard)), SPREAD, heard == names)


def _all_of(place: Place, client: Pod, service: str, names: set[str]) -> set[str]:
    heard: set[str] = set()

    def ask() -> str:
        if said := place.asks(client, at(service, 80)):
            heard.add(said)
        return "all" if heard >= names else ""

    place.answers(ask)
    return heard


IN_A_POD = "Containers of a Pod share its network namespace and its loopback."
SAME_NODE = "Both ports are on one node: the packet never leaves its Open vSwitch."
ACROSS = "The ports are on two nodes: the packet crosses a Geneve tunnel between them, and no gateway."
NO_NAT = "The server sees the address of the Pod itself: nothing translates between Pods."
BY_NAME = (
    "CoreDNS, itself a Pod behind a Service, told the address; OVN's load balancer on the client's own node chose."
)
BY_ADDRESS = "Of each family that the Service has, one."
SPREAD = "New connections go to all ready Pods behind the Service."

SCENES = (
    Scene("container", "Container to container", "Two containers of one Pod talk over localhost.", in_a_pod),
    Scene("pod", "Pod to Pod", "On one node and across nodes.", between_pods),
    Scene("service", "Pod to Service", "By its name, from every node.", by_name),
)
