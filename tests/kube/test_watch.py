"""The watches against a real API server: all arrives, nothing is missed, nothing ends them."""

import asyncio
import contextlib
import signal
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from ovnloom.api.meta import Key
from ovnloom.api.nad import NetworkAttachmentDefinition
from ovnloom.api.namespace import Namespace
from ovnloom.api.statefulset import StatefulSet
from ovnloom.controller.census import Census
from ovnloom.controller.inbox import Inbox
from ovnloom.controller.session import CRDS
from ovnloom.controller.watch import run_watches
from ovnloom.errors import Unavailable
from ovnloom.kube import access
from ovnloom.kube.client import Client
from ovnloom.world.tables import BY_TYPE, Table
from sandbox import Sandbox
from tests.kube.conftest import until, until_true

SETS, SPACES, NADS = BY_TYPE[StatefulSet], BY_TYPE[Namespace], BY_TYPE[NetworkAttachmentDefinition]


class Watching:
    """Running watches, and the objects that they told of."""

    def __init__(self, client: Client, tables: Sequence[Table]) -> None:
        self.inbox = Inbox()
        self.census = Census(tables, self.inbox)
        self.world: dict[tuple[type, Key], Any] = {}
        self.task = asyncio.create_task(run_watches(client, self.census))

    def has(self, table: Table, *keys: Key) -> bool:
        """Whether exactly these objects of the keys' namespaces are known."""
        self.absorb()
        spaces = {key.namespace for key in keys}
        return {key for kind, key in self.world if kind is table.type and key.namespace in spaces} == set(keys)

    def knows(self, table: Table, key: Key) -> bool:
        self.absorb()
        return (table.type, key) in self.world

    def absorb(self) -> None:
        for change in self.inbox.take():
            if change.found is None:
                self.world.pop((change.table.type, change.key), None)
            else:
                self.world[change.table.type, change.key] = change.found


@asynccontextmanager
async def watching(client: Client, *tables: Table) -> AsyncIterator[Watching]:
    found = Watching(client, tables)
    try:
        async with asyncio.timeout(20):
            await found.census.complete.wait()
        yield found
        assert not found.task.done(), "the watches ended"
    finally:
        found.task.cancel()
        await asyncio.gather(found.task, return_exceptions=True)


def stateful_set(key: Key, **labels: str) -> dict[str, Any]:
    """A StatefulSet without Pods."""
    selector = {"app": key.name}
    template = {"metadata": {"labels": selector}, "spec": {"containers": [{"name": "c", "image": "c"}]}}
    spec = {"replicas": 0, "serviceName": "s", "selector": {"matchLabels": selector}, "template": template}
    meta = {"name": key.name, "namespace": key.namespace, "labels": labels}
    return {"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": meta, "spec": spec}


async def test_what_is_there_and_what_happens_arrives(client: Client, namespace: str) -> None:
    """The whole product stands on these four."""
    old, new = Key("old", namespace), Key("new", namespace)
    await client.create(SETS, stateful_set(old))

    async with watching(client, SETS, SPACES) as found:
        assert found.has(SETS, old)
        assert found.knows(SPACES, Key(namespace))

        await client.create(SETS, stateful_set(new))
        await until(lambda: found.has(SETS, old, new))
        await client.patch(SETS, new, {"metadata": {"labels": {"colour": "red"}}})
        await until(lambda: found.has(SETS, old, new) and found.world[StatefulSet, new].labels == {"colour": "red"})
        await client.delete(SETS, old)
        await until(lambda: found.has(SETS, new))


async def test_watching_leaves_no_trace_on_the_objects(client: Client, namespace: str) -> None:
    """Finalizers of a framework keep objects from being deleted when we are gone."""
    key = Key("clean", namespace)
    async with watching(client, SETS) as found:
        await client.create(SETS, stateful_set(key))
        await until(lambda: found.has(SETS, key))
        await client.patch(SETS, key, {"metadata": {"labels": {"seen": "twice"}}})
        await until(lambda: found.has(SETS, key) and found.world[StatefulSet, key].labels == {"seen": "twice"})
        meta = (await client.get(SETS, key))["metadata"]

    assert "annotations" not in meta
    assert "finalizers" not in meta


async def test_a_kind_that_comes_later_is_watched_from_then_on(client: Client, namespace: str) -> None:
    """Multus and KubeVirt are installed when somebody needs them, and we aren't restarted for it."""
    key = Key("attachment", namespace)
    name = "network-attachment-definitions.k8s.cni.cncf.io"
    names = {"plural": NADS.plural, "singular": "network-attachment-definition", "kind": NADS.kind}
    schema = {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}
    version = {"name": "v1", "served": True, "storage": True, "schema": schema}
    definition = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": name},
        "spec": {"group": NADS.group, "scope": "Namespaced", "names": names, "versions": [version]},
    }
    body = {"apiVersion": NADS.api_version, "kind": NADS.kind, "metadata": {"name": key.name, "namespace": namespace}}

    async with watching(client, SPACES, NADS) as found:
        assert not found.census.is_listed(NADS)
        try:
            await client.create(CRDS, definition)

            async def served() -> bool:
                return NADS.plural in await client.discover(NADS.group)

            await until_true(served, 20)
            await until(lambda: found.census.is_listed(NADS), 60)  # half a minute, when kopf looked too early
            await client.create(NADS, body)
            await until(lambda: found.has(NADS, key))
            await client.delete(NADS, key)
            await until(lambda: not found.knows(NADS, key))
        finally:
            await client.delete(CRDS, Key(name))


async def test_the_rights_to_read_the_watched_kinds_are_enough(
    cluster: Sandbox, client: Client, namespace: str
) -> None:
    """Some clusters don't give out the right to look at CustomResourceDefinitions; new kinds are found by asking."""
    key = Key("readable", namespace)
    cluster.kubectl("create", "serviceaccount", "reader", "-n", namespace)
    cluster.kubectl("create", "clusterrole", namespace, "--verb=list,watch", "--resource=statefulsets.apps")
    account = f"--serviceaccount={namespace}:reader"
    cluster.kubectl("create", "clusterrolebinding", namespace, f"--clusterrole={namespace}", account)
    token = cluster.kubectl("create", "token", "reader", "-n", namespace).strip()
    admin = await access.load(str(cluster.kubeconfig))
    trust = ssl.create_default_context(cadata=cluster_ca(cluster))
    own = replace(admin, tls=trust, credentials=access.Fixed(f"Bearer {token}"))
    try:
        async with Client(own) as reader, watching(reader, SETS) as found:
            await client.create(SETS, stateful_set(key))
            await until(lambda: found.has(SETS, key))
    finally:
        cluster.kubectl("delete", "clusterrole,clusterrolebinding", namespace)


async def test_a_token_that_is_replaced_lets_the_watches_in(cluster: Sandbox, client: Client, tmp_path: Path) -> None:
    """Tokens expire while a control plane is being repaired; nobody should have to restart us for it."""
    cluster.kubectl("create", "serviceaccount", "late", "-n", "default")
    cluster.kubectl("create", "clusterrolebinding", "late", "--clusterrole=view", "--serviceaccount=default:late")
    file = tmp_path / "token"
    file.write_text("expired")
    admin = await access.load(str(cluster.kubeconfig))
    trust = ssl.create_default_context(cadata=cluster_ca(cluster))
    own = replace(admin, tls=trust, credentials=access.TokenFile(file))
    inbox = Inbox()
    census = Census((SETS,), inbox)
    async with Client(own) as late:
        with pytest.raises(Unavailable, match="Unauthorized"):
            await late.list(SETS)
        task = asyncio.create_task(run_watches(late, census))
        file.write_text(cluster.kubectl("create", "token", "late", "-n", "default"))
        try:
            async with asyncio.timeout(20):
                await census.complete.wait()
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


def cluster_ca(cluster: Sandbox) -> str:
    """The certificate that the API server's is signed with."""
    content = yaml.safe_load(cluster.kubeconfig.read_text())
    return access.decoded(content["clusters"][0]["cluster"]["certificate-authority-data"]).decode()


class Wire:
    """A connection to the API server that can be cut: nothing passes, and what was open is closed."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._is_cut = False
        self._writers: set[asyncio.StreamWriter] = set()
        self._joins: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def laid(self) -> AsyncIterator[int]:
        async with await asyncio.start_server(self._take, "127.0.0.1") as server:
            yield server.sockets[0].getsockname()[1]
            self.cut()
            await asyncio.gather(*self._joins)

    def cut(self) -> None:
        self._is_cut = True
        for writer in list(self._writers):
            writer.transport.abort()

    def mend(self) -> None:
        self._is_cut = False

    def _take(self, near_in: asyncio.StreamReader, near_out: asyncio.StreamWriter) -> None:
        self._joins.add(asyncio.create_task(self._join(near_in, near_out)))

    async def _join(self, near_in: asyncio.StreamReader, near_out: asyncio.StreamWriter) -> None:
        if self._is_cut:
            near_out.transport.abort()
            return
        far_in, far_out = await asyncio.open_connection("127.0.0.1", self._port)
        self._writers |= {near_out, far_out}
        if self._is_cut:
            self.cut()
        await asyncio.gather(self._copy(near_in, far_out), self._copy(far_in, near_out))
        for end in (near_out, far_out):
            with contextlib.suppress(OSError):
                await end.wait_closed()

    async def _copy(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        try:
            while content := await source.read(65536):
                sink.write(content)
                await sink.drain()
        except OSError:
            pass
        finally:
            self._writers.discard(sink)
            sink.transport.abort()


# A server that is killed in the middle of a TLS connection sometimes leaves its transport to the garbage collector.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
async def test_what_was_deleted_in_a_gap_is_gone_after_it(cluster: Sandbox, client: Client, namespace: str) -> None:
    """Nobody sends DELETED for it: the watch has expired (410), and the new list simply lacks it.

    An address that is never given back is the leak that kube-ovn sweeps for every six minutes.
    """
    stays, goes, comes = Key("stays", namespace), Key("goes", namespace), Key("comes", namespace)
    await client.create(SETS, stateful_set(stays))
    await client.create(SETS, stateful_set(goes))
    found_access = await access.load(str(cluster.kubeconfig))
    wire = Wire(int(found_access.server.rpartition(":")[2]))
    async with (
        wire.laid() as port,
        Client(replace(found_access, server=f"https://127.0.0.1:{port}")) as far,
        watching(far, SETS) as found,
    ):
        assert found.has(SETS, stays, goes)

        wire.cut()
        await client.delete(SETS, goes)
        await client.create(SETS, stateful_set(comes))
        # A new API server has no memory of what happened before it, so the watch can't go on where it was.
        await asyncio.to_thread(cluster.stop_apiserver)
        await asyncio.to_thread(cluster.start_apiserver)
        wire.mend()

        await until(lambda: found.has(SETS, stays, comes), 30)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # as above
async def test_an_api_server_that_comes_back_is_watched_again(cluster: Sandbox, namespace: str) -> None:
    """And the process is still the same one."""
    key = Key("after", namespace)
    async with await Client.open(str(cluster.kubeconfig)) as client, watching(client, SETS) as found:
        await asyncio.to_thread(cluster.stop_apiserver)
        try:
            await asyncio.sleep(3)  # of outage, while every watch tries again
        finally:
            await asyncio.to_thread(cluster.start_apiserver)

        await client.create(SETS, stateful_set(key))
        await until(lambda: found.has(SETS, key), 20)


async def test_watches_that_end_leave_the_rest_of_the_program_alone(client: Client) -> None:
    """kopf on its own takes the signals, and cancels every task that is younger than itself."""
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, stopped.set)
    try:
        async with watching(client, SPACES):
            neighbour = asyncio.create_task(asyncio.sleep(3600))
            signal.raise_signal(signal.SIGTERM)
            async with asyncio.timeout(5):
                await stopped.wait()
    finally:
        loop.remove_signal_handler(signal.SIGTERM)

    assert not neighbour.done()
    neighbour.cancel()


async def test_an_event_from_before_the_list_changes_nothing(client: Client, namespace: str) -> None:
    """It could bring back an object that the list showed as gone."""
    key = Key("crossing", namespace)
    await client.create(SETS, stateful_set(key))
    event = await client.get(SETS, key)
    await client.delete(SETS, key)
    inbox = Inbox()
    census = Census((SETS,), inbox)
    await census.list(SETS, client)
    inbox.take()

    census.observe(SETS, "ADDED", event)

    assert inbox.take() == []


async def test_what_a_watch_missed_is_found_by_the_check(client: Client, namespace: str) -> None:
    """The last line of defence, against bugs that we don't know yet."""
    gone, changed, new, same = (Key(name, namespace) for name in ("gone", "changed", "new", "same"))
    for key in (gone, changed, same):
        await client.create(SETS, stateful_set(key))
    inbox = Inbox()
    census = Census((SETS,), inbox)
    await census.list(SETS, client)
    inbox.take()
    await client.delete(SETS, gone)
    await client.patch(SETS, changed, {"metadata": {"labels": {"a": "b"}}})
    await client.create(SETS, stateful_set(new))

    # The StatefulSets' own controller may write to them in between, which is news all the same.
    await census.check(SETS, client, settle=0)

    found = {change.key: change.found for change in inbox.take()}
    assert {gone, changed, new} <= set(found)
    assert found[gone] is None
    assert found[changed].labels == {"a": "b"}
    assert await census.check(SETS, client, settle=0) == 0
