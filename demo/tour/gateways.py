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
    named = {address: name for name, address in place.nodes.items()}
    active = _seen_as(place, tills[0], named.__contains__)
    for till in tills:
        source = _seen_as(place, till, active.__eq__)
        yield Seen(f"{till} -> a host outside: who asked?", _with(named, source), BY_ONE, source == active != "")
    address, other = next((pair for pair in named.items() if pair[0] != active), (active, named.get(active, "")))
    place.kubectl("patch", "subnet", SUBNET, "--type=merge", "-p", json.dumps({"spec": {"gatewayNode": other}}))
    source = _seen_as(place, tills[0], address.__eq__)
    yield Seen(f"the same once spec.gatewayNode is {other}", _with(named, source), MOVES, source == address)


def _seen_as(place: Place, pod: Pod, right: Callable[[str], bool]) -> str:
    """The address that the host outside sees, the first right one if there is any."""
    url = at(place.outside.address, ECHO, "/clientip")
    return host_of(place.answers(partial(place.asks, pod, url), lambda said: right(host_of(said))))


def _with(named: dict[str, str], address: str) -> str:
    return f"{address}, {named[address]}" if address in named else address


BY_ONE = "gatewayType is centralized: Pods of all nodes leave by the first node of gatewayNode that is ready."
MOVES = "New connections leave by another node as soon as the field says so."

SCENES = (Scene("gateway", "A gateway node", "One node for all that leaves a Subnet.", centralised),)
