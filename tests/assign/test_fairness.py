"""Who gets an address when there are too few."""

from collections import deque

from hypothesis import given, settings
from hypothesis import strategies as st

from ovnloom.api.ip import IP
from ovnloom.api.meta import Key
from ovnloom.api.pod import Pod
from ovnloom.pipeline import Pipeline
from ovnloom.settings import Settings
from tests.compile.manifests import load

ADDRESSES = 3
SMALL = """
apiVersion: kubeovn.io/v1
kind: Vpc
metadata: {name: ovn-cluster}
---
apiVersion: kubeovn.io/v1
kind: Subnet
metadata: {name: ovn-default}
spec: {cidrBlock: 10.16.0.0/29, excludeIps: [10.16.0.1..10.16.0.3]}
---
apiVersion: v1
kind: Namespace
metadata: {name: default}
"""
batches = st.lists(st.lists(st.integers(0, 9), min_size=1, max_size=4), max_size=12)


class Queue:
    """What fair means: what is freed goes to who waited longest, and only what is left to who comes now."""

    def __init__(self) -> None:
        self.holding: list[int] = []
        self.waiting: deque[int] = deque()

    def change(self, toggled: list[int]) -> None:
        for pod in toggled:
            if pod in self.holding:
                self.holding.remove(pod)
            elif pod in self.waiting:
                self.waiting.remove(pod)
        self._serve()
        self.waiting.extend(pod for pod in toggled if pod not in self._gone)
        self._serve()

    def toggle(self, pods: list[int]) -> tuple[list[int], list[int]]:
        """Those who come and those who go."""
        here = {*self.holding, *self.waiting}
        self._gone = [pod for pod in pods if pod in here]
        return [pod for pod in pods if pod not in here], self._gone

    def _serve(self) -> None:
        while self.waiting and len(self.holding) < ADDRESSES:
            self.holding.append(self.waiting.popleft())


@given(batches)
@settings(deadline=None, derandomize=True, max_examples=150)
def test_who_waits_longest_is_served_first(history: list[list[int]]) -> None:
    """A Pod must not starve because others come after it; a retry by chance lets it."""
    pipeline, queue = Pipeline(Settings()), Queue()
    for found in load(SMALL):
        pipeline.put(type(found), found.key, found)
    pipeline.run()
    for batch in history:
        pods = list(dict.fromkeys(batch))
        come, go = queue.toggle(pods)
        for pod in go:
            pipeline.put(Pod, Key(f"p{pod}", "default"), None)
        pipeline.run()
        for pod in come:
            pipeline.put(Pod, Key(f"p{pod}", "default"), Pod(Key(f"p{pod}", "default"), uid=f"u{pod}"))
        pipeline.run()
        queue.change(pods)

        holding = {ip.pod_name for ip in pipeline.world.tables[IP].values()}
        assert holding == {f"p{pod}" for pod in queue.holding}
        assert pipeline.books.waiting("ovn-default") == len(queue.waiting)
