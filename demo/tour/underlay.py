"""Pods that are part of a physical network."""

from collections.abc import Iterator
from functools import partial

from demo.tour.place import ECHO, Place, at, host_of
from demo.tour.scene import Scene, Seen

WEB = 8080
ROUTER = "10.88.0.1"
"""The address of the host outside in the office."""


def in_the_office(place: Place) -> Iterator[Seen]:
    place.outside.run("ip", "address", "replace", f"{ROUTER}/24", "dev", "eth1")
    place.apply("06-underlay.yaml")
    place.kubectl("wait", "provider-networks/office", "--for=jsonpath={.status.ready}=true", "--timeout=60s")
    desks = place.on_each_node("tour-office", "desk")
    for desk in desks:
        source = host_of(place.answers(partial(place.asks, desk, at(ROUTER, ECHO, "/clientip"))))
        yield Seen(f"{desk} -> {ROUTER}, a machine of the office: who asked?", source, AS_IT_IS, source == desk.address)
        said = place.answers(partial(place.asks_from_outside, at(desk.address, WEB)))
        yield Seen(f"that machine -> {desk.address}, {desk}", said, REACHED, said == desk.name)
    first, last = desks[0], desks[-1]
    said = place.answers(partial(place.asks, first, at(last.address, WEB)))
    yield Seen(f"{first} -> {last.address}, {last}", said, ON_THE_WIRE, said == last.name)
    client = place.on_each_node("tour", "client")[0]
    said = place.answers(partial(place.asks, client, at(last.address, WEB)))
    yield Seen(f"{client} -> {last.address}, {last}", said, JOINED, said == last.name)


AS_IT_IS = "The Pod has an address of the office's network, and nothing translates it."
REACHED = "… and is reached by it, as any machine there is."
ON_THE_WIRE = "Between Pods there is the physical network, and no tunnel."
JOINED = "With u2oInterconnection OVN's router joins the overlay to it."

SCENES = (Scene("underlay", "A physical network", "Pods among the machines of an office.", in_the_office),)
