"""Pods that are part of a physical network."""

from collections.abc import Iterator
from functools import partial

from demo.tour.place import ECHO, Place, at, host_of
from demo.tour.scene import Scene, Seen

WEB = 8080
ROUTER = "10.88.0.1"
"""The address of the host outside in the office; as the sample has it."""


def in_the_office(place: Place) -> Iterator[Seen]:
    for router, network in zip(place.numbers(ROUTER), place.numbers("10.88.0.0/24"), strict=True):
        word, length = ("nodad",) if ":" in router else (), network.partition("/")[2]
        place.outside.run("ip", "address", "replace", f"{router}/{length}", "dev", "eth1", *word)
    place.apply("06-underlay.yaml")
    place.kubectl("wait", "provider-networks/office", "--for=jsonpath={.status.ready}=true", "--timeout=60s")
    desks = place.on_each_node("tour-office", "desk")
    for desk in desks:
        for router, address in zip(place.numbers(ROUTER), desk.addresses, strict=True):
            source = host_of(place.answers(partial(place.asks, desk, at(router, ECHO, "/clientip"))))
            what = f"{desk} -> {router}, a machine of the office: who asked?"
            yield Seen(what, source, AS_IT_IS, source == address)
            said = place.answers(partial(place.asks_from_outside, at(address, WEB)))
            yield Seen(f"that machine -> {address}, {desk}", said, REACHED, said == desk.name)
    first, last = desks[0], desks[-1]
    client = place.on_each_node("tour", "client")[0]
    for asking, proves in ((first, ON_THE_WIRE), (client, JOINED)):
        for address in last.addresses:
            said = place.answers(partial(place.asks, asking, at(address, WEB)))
            yield Seen(f"{asking} -> {address}, {last}", said, proves, said == last.name)


AS_IT_IS = "The Pod has an address of the office's network, and nothing translates it."
REACHED = "… and is reached by it, as any machine there is."
ON_THE_WIRE = "Between Pods there is the physical network, and no tunnel."
JOINED = "With u2oInterconnection OVN's router joins the overlay to it."

SCENES = (Scene("underlay", "A physical network", "Pods among the machines of an office.", in_the_office),)
