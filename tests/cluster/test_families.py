"""Clusters of IPv6 only and of both families: the same scenes as in one of IPv4, by every address that there is.

One cluster at a time. Kubernetes' own tests in these families: `python -m e2e smoke --family dual`.
"""

import json
from collections.abc import Iterator
from functools import partial
from typing import cast

import pytest

from demo.tour.install import Installed
from demo.tour.place import Place, at
from demo.tour.scene import Scene
from demo.tour.walk import SCENES
from sandbox import Sandbox
from sandbox.fabric import Family
from sandbox.report import Quiet
from tests.conftest import remove_leftovers
from tests.leftover import sandbox_name

pytestmark = [pytest.mark.xdist_group("nodes"), pytest.mark.long, pytest.mark.timeout(300)]

PORT = 30082
BOTH = {
    "apiVersion": "v1",
    "kind": "Service",
    "metadata": {"name": "web-in-both", "namespace": "tour"},
    "spec": {
        "type": "NodePort",
        "ipFamilyPolicy": "RequireDualStack",
        "ipFamilies": ["IPv6", "IPv4"],
        "selector": {"app": "web"},
        "ports": [{"port": 80, "targetPort": 8080, "nodePort": PORT}],
    },
}


@pytest.fixture(scope="module", params=["ipv6", "dual"])
def place(request: pytest.FixtureRequest) -> Iterator[Place]:
    """A cluster of two nodes in this family, and a host outside; gone before the next one comes."""
    remove_leftovers()
    family = cast("Family", request.param)
    sandbox = Sandbox(sandbox_name(family), kubelets=True, family=family)
    try:
        installed = Installed(sandbox, Quiet())
        installed.up(2)
        yield installed.place()
    finally:
        sandbox.down()


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.name)
def test_a_scene_shows_what_it_promises(scene: Scene, place: Place) -> None:
    """A family that works for some kinds of traffic only is found by users, one after the other."""
    seen = list(scene.play(place))

    assert seen
    assert [each for each in seen if not each.right] == []


@pytest.mark.parametrize("place", ["dual"], indirect=True)
def test_a_service_has_the_families_that_it_asks_for(place: Place) -> None:
    """It may have both, in either order, and give one up: then nobody answers there any more."""
    place.apply("01-web.yaml")
    names = {pod.name for pod in place.on_each_node("tour", "web")}
    client = place.on_each_node("tour", "client")[0]
    place.sandbox.kubectl("apply", "-f", "-", stdin=json.dumps(BOTH))
    first, second = place.get("service", "web-in-both", "-n", "tour")["spec"]["clusterIPs"]
    old, new = next(iter(place.addresses.values()))

    assert (":" in first, ":" in second) == (True, False)
    for address in (first, second):
        assert place.answers(partial(place.asks, client, at(address, 80)), names.__contains__) in names
    for address in (old, new):
        assert place.answers(partial(place.asks_from_outside, at(address, PORT)), names.__contains__) in names

    one = {"ipFamilyPolicy": "SingleStack", "ipFamilies": ["IPv6"], "clusterIPs": [first]}
    place.kubectl("patch", "service", "web-in-both", "-n", "tour", "--type=merge", "-p", json.dumps({"spec": one}))

    assert place.silent(partial(place.asks, client, at(second, 80)))
    assert place.silent(partial(place.asks_from_outside, at(old, PORT)))
    assert place.answers(partial(place.asks, client, at(first, 80)), names.__contains__) in names
    assert place.answers(partial(place.asks_from_outside, at(new, PORT)), names.__contains__) in names
