"""What changes cost beside 9,000 Pods in one Subnet; reported, with no bar.

`pytest tests/pipeline/test_benchmark.py --benchmark-only` runs it; without that option it is skipped. A whole
cluster of 50,000 Pods is measured by `make bench` (bench/pure.py).
"""

import sys
from itertools import count, cycle
from typing import Any

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from ovnloom.api.pod import Pod
from ovnloom.northbound.operations import Written
from ovnloom.pipeline import Pipeline
from ovnloom.settings import Settings
from tests.compile.manifests import decode
from tests.northbound.simulation import Database
from tests.pipeline.test_cost import namespace, node, pod, put, subnet

pytestmark = pytest.mark.skipif("--benchmark-only" not in sys.argv, reason="only with --benchmark-only")

PODS = 9000


@pytest.fixture(scope="module")
def busy() -> Pipeline:
    """A cluster whose rows are all written."""
    pipeline = Pipeline(Settings())
    vpc = {"apiVersion": "kubeovn.io/v1", "kind": "Vpc", "metadata": {"name": "ovn-cluster"}}
    put(pipeline, vpc, subnet("join", "100.64.0.0/16"), subnet("ovn-default", "10.16.0.0/16"), namespace("default"))
    put(pipeline, node("n0"), node("n1"), *(pod(at) for at in range(PODS)))
    pipeline.run()
    found = pipeline.plan()
    pipeline.observe(Database().transact(Written(found).operations))
    pipeline.settled(found.owners, found)
    return pipeline


def plan(pipeline: Pipeline, *bodies: dict[str, Any]) -> int:
    """The number of edits that follow; they count as written, so that the next round starts from rest."""
    put(pipeline, *bodies)
    pipeline.run()
    found = pipeline.plan()
    pipeline.settled(found.owners, found)
    return len(found.operations)


def test_a_pod_that_comes_and_goes(benchmark: BenchmarkFixture, busy: Pipeline) -> None:
    """The unit of cost."""
    numbers = count(PODS)

    def come_and_go() -> None:
        body = pod(next(numbers))
        assert plan(busy, body)
        (found,) = decode(body)
        busy.put(Pod, found.key, None)
        busy.run()
        busy.settled(tuple(busy.unsettled), busy.plan())

    benchmark(come_and_go)


def test_an_edit_of_the_subnet_that_concerns_no_port(benchmark: BenchmarkFixture, busy: Pipeline) -> None:
    """natOutgoing is the nodes' affair."""
    flags = cycle((True, False))
    benchmark(lambda: plan(busy, subnet("ovn-default", "10.16.0.0/16", natOutgoing=next(flags))))


def test_an_edit_of_the_subnet_that_concerns_every_port(benchmark: BenchmarkFixture, busy: Pipeline) -> None:
    """DHCP is a column of each."""
    flags = cycle((True, False))
    benchmark.pedantic(
        lambda: plan(busy, subnet("ovn-default", "10.16.0.0/16", enableDHCP=next(flags))), rounds=4, iterations=1
    )


def test_a_node_that_flips(benchmark: BenchmarkFixture, busy: Pipeline) -> None:
    """Nodes do, all the time."""
    flags = cycle((True, False))
    benchmark.pedantic(lambda: plan(busy, node("n1", ready=next(flags))), rounds=20, iterations=1)
