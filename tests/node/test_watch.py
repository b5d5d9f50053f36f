"""What a node is told comes from the API server, and only what concerns it."""

import asyncio
from time import monotonic

import pytest

from ovnloom.api.meta import Key
from ovnloom.kube.client import Client
from ovnloom.node.board import Board
from ovnloom.node.watch import run_watches
from sandbox import until
from tests.node.field import NodeField
from tests.node.pods import Pods

pytestmark = pytest.mark.xdist_group("node-agent")


async def become(board: Board, key: Key, *, is_there: bool) -> None:
    deadline = monotonic() + 30
    while (key in board.view.pods) is not is_there:
        assert monotonic() < deadline
        await asyncio.sleep(0.02)


async def test_only_pods_of_the_node_are_told_and_a_gap_hides_nothing(node_field: NodeField) -> None:
    """A hundred nodes that read all Pods of a cluster are a load; a missed deletion is a leak."""
    api, sandbox = node_field.api, node_field.sandbox
    spec = {"containers": [{"name": "main", "image": "none"}], "terminationGracePeriodSeconds": 0}
    made = [("watched", "worker-1"), ("elsewhere", "worker-9"), ("removed", "worker-1")]
    for name, node in made:
        meta = {"name": name, "namespace": "default"}
        await asyncio.to_thread(
            api.create, {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": {**spec, "nodeName": node}}
        )
    async with await Client.open(str(sandbox.kubeconfig)) as client:
        board = Board("worker-1")
        task = asyncio.create_task(run_watches(client, board))
        try:
            async with asyncio.timeout(30):
                await board.complete.wait()
            assert Key("watched", "default") in board.view.pods
            assert Key("elsewhere", "default") not in board.view.pods

            await asyncio.to_thread(sandbox.stop_apiserver)
            await asyncio.to_thread(sandbox.start_apiserver)
            await asyncio.to_thread(api.delete, "Pod", "removed", "default")
            await become(board, Key("removed", "default"), is_there=False)

            await asyncio.to_thread(api.delete, "Pod", "watched", "default")
            await become(board, Key("watched", "default"), is_there=False)
        finally:
            task.cancel()
            await asyncio.wait([task])
            await asyncio.to_thread(api.delete, "Pod", "elsewhere", "default")


def test_pods_that_are_known_start_while_the_api_server_is_away(pods: Pods) -> None:
    """A control plane that is upgraded must not keep containers from being started anew."""
    pod = pods.create()
    container = pods.container(pod)
    until(lambda: pods.field.agent.ask("status")[0] == 200, "the agent to be ready")
    until(lambda: container.check()[1]["error"].find("isn't known") < 0, "the agent to know the Pod")
    pods.field.sandbox.stop_apiserver()
    try:
        status, answer = container.add()
    finally:
        pods.field.sandbox.start_apiserver()

    assert status == 200, answer
    until(lambda: pods.note(pod, "routed") == "true", "the API server")
