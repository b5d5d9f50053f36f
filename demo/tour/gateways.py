"""Subnets whose traffic leaves by chosen nodes."""

import json
from collections.abc import Callable, Iterator
from functools import partial

from demo.tour.place import ECHO, Place, Pod, at, host_of
from demo.tour.scene import Scene, Seen

SUBNET = "tour-branch"


def centralised(place: Place) -> Iterator[Seen]:
    place.apply("07-gateway.yaml")
    tills = place.on_each_node(SUBNET, "till")
    named = {address: name for name, addresses in place.addresses.items() for address in addresses}
    first = named.get(_seen_as(place, tills[0], place.outside.address, named.__contains__), "")
    for till in tills:
        for outside, source in _exchanges(place, till, first):
            right = named.get(source) == first != ""
            yield Seen(f"{till} -> {outside}, a host outside: who asked?", _with(named, source), BY_ONE, right)
    other = next((name for name in place.nodes if name != first), first)
    place.kubectl("patch", "subnet", SUBNET, "--type=merge", "-p", json.dumps({"spec": {"gatewayNode": other}}))
    for outside, source in _exchanges(place, tills[0], other):
        what = f"{tills[0]} -> {outside} once spec.gatewayNode is {other}"
        yield Seen(what, _with(named, source), MOVES, named.get(source) == other)


def _exchanges(place: Place, pod: Pod, node: str) -> Iterator[tuple[str, str]]:
    """Each address of the host outside, and the address that it sees there: the node's, if it ever comes."""
    for outside, wanted in zip(place.outside.addresses, place.addresses.get(node, ()), strict=False):
        yield outside, _seen_as(place, pod, outside, wanted.__eq__)


def _seen_as(place: Place, pod: Pod, outside: str, right: Callable[[str], bool]) -> str:
    """The address that the host outside sees, the first right one if there is any."""
    url = at(outside, ECHO, "/clientip")
    return host_of(place.answers(partial(place.asks, pod, url), lambda said: right(host_of(said))))


def _with(named: dict[str, str], address: str) -> str:
    return f"{address}, {named[address]}" if address in named else address


BY_ONE = "gatewayType is centralized: Pods of all nodes leave by the first node of gatewayNode that is ready."
MOVES = "New connections leave by another node as soon as the field says so."

SCENES = (Scene("gateway", "A gateway node", "One node for all that leaves a Subnet.", centralised),)
