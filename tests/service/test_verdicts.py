"""The load balancers of generated Services do what kube-proxy does."""

from collections import Counter

import pytest
from hypothesis import given, settings

from ovnloom.api.endpointslice import EndpointSlice
from ovnloom.pipeline import Pipeline
from ovnloom.settings import Settings
from tests.compile.kit import HERE
from tests.compile.manifests import decode, load_file
from tests.service import balancers, reference
from tests.service.worlds import World, world, worlds

EXAMPLES = 2000
QUIET = load_file(HERE / "cluster.yaml")


def started(world: World) -> Pipeline:
    """A controller that has seen the world and the quiet cluster around it."""
    pipeline = Pipeline(Settings())
    for found in (*QUIET, *decode(*world.bodies)):
        pipeline.put(type(found), found.key, found)
    pipeline.run()
    return pipeline


def assert_as_kube_proxy(pipeline: Pipeline, world: World) -> None:
    for body in world.nodes:
        name = body["metadata"]["name"]
        said = reference.tables(world.services, world.slices, body)
        assert balancers.tables(pipeline.wanted, "ovn-cluster", f"chassis-{name}") == said


@settings(max_examples=EXAMPLES)
@given(worlds())
def test_every_address_has_the_backends_that_kube_proxy_gives_it(world: World) -> None:
    """Users know Services by kube-proxy: each difference is an outage that nobody can explain."""
    assert_as_kube_proxy(started(world), world)


@settings(max_examples=200)
@given(worlds(), worlds())
def test_the_tables_follow_from_the_state_alone(first: World, second: World) -> None:
    """Endpoints come and go all the time; what was there before must leave no trace."""
    pipeline = started(first)
    pipeline.become((*QUIET, *decode(*second.bodies)))

    assert_as_kube_proxy(pipeline, second)


def test_the_worlds_have_something_of_everything() -> None:
    """A generator that never makes a Local Service without a backend on some node proves nothing about it."""
    seen: Counter[str] = Counter()
    for seed in range(300):
        found = world(seed)
        tables = [reference.tables(found.services, found.slices, body) for body in found.nodes]
        answers = [answer for table in tables for answer in table.values()]
        seen["rejected"] += reference.REJECT in answers
        seen["dropped"] += reference.DROP in answers
        seen["by node"] += tables[0] != tables[1]
        seen["by hint"] += any(
            one.get(place) != answer and reference.DROP not in (one.get(place), answer)
            for one in tables
            for place, answer in tables[0].items()
        )
        seen["several"] += any(len(answer) > 1 for answer in answers if isinstance(answer, frozenset))

    assert min(seen[word] for word in ("rejected", "dropped", "by node", "by hint", "several")) > 20, seen


@pytest.mark.parametrize("conditions", [{}, {"ready": None}, {"ready": True, "serving": False}])
def test_what_is_not_said_of_an_endpoint_means_ready(conditions: dict[str, bool | None]) -> None:
    """Hand-written slices seldom have conditions."""
    body = {"metadata": {"name": "a", "namespace": "b"}, "addressType": "IPv4", "ports": []}
    found = EndpointSlice.decode({**body, "endpoints": [{"addresses": ["10.0.0.1"], "conditions": conditions}]})

    assert [endpoint.state for endpoint in found.endpoints] == [2]
