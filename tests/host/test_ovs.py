"""One connection to Open vSwitch for everybody: with a real database server."""

import asyncio
from collections.abc import AsyncIterator
from functools import partial
from time import monotonic

import pytest

from ovnloom.errors import Refused, Unavailable
from ovnloom.host import ports
from ovnloom.host.ovs import OpenVSwitch
from ovnloom.host.ovs_rows import Rows
from ovnloom.host.wire import Limits, Wire
from sandbox import Host
from sandbox import OpenVswitch as Servers


@pytest.fixture
async def ovs(host: Host) -> AsyncIterator[OpenVSwitch]:
    """Open vSwitch of a host, connected."""
    found = OpenVSwitch(Servers(host).db)
    found.start()
    try:
        await connected(found)
        yield found
    finally:
        await asyncio.to_thread(found.stop)


async def connected(ovs: OpenVSwitch) -> None:
    deadline = monotonic() + 20
    while not ovs.is_connected:
        assert monotonic() < deadline
        await asyncio.sleep(0.01)


def wire(number: int, **more: str) -> Wire:
    ids = {"iface-id": f"pod{number}.default", "pod_name": f"pod{number}", "pod_namespace": "default", **more}
    return Wire(f"p{number}_h", "eth0", "02:00:00:00:00:01", 1400, ids=ids)


def names(rows: Rows) -> set[str]:
    return {row.name for row in rows.every("Interface")}


async def test_edits_that_wait_together_are_all_written(ovs: OpenVSwitch, host: Host) -> None:
    """Fifty Pods that start at once shall not wait for fifty transactions."""
    connect = [partial(ports.connect, bridge="br-int", wire=wire(number)) for number in range(50)]

    await asyncio.gather(*map(ovs.edit, connect))

    assert set(Servers(host).vsctl("list-ports", "br-int").split()) == {f"p{number}_h" for number in range(50)}


async def test_an_edit_that_fails_fails_alone(ovs: OpenVSwitch) -> None:
    """A bad annotation of one Pod must not cost another Pod its port."""

    def refused(rows: Rows) -> None:
        rows.bridge("br-int").addvalue("ports", rows.insert("Port", "without-interface"))

    def stopped(_: Rows) -> None:
        raise Refused("it is not wanted")

    good = partial(ports.connect, bridge="br-int", wire=wire(1))
    answers = await asyncio.gather(*map(ovs.edit, (refused, good, stopped)), return_exceptions=True)

    assert isinstance(answers[0], Refused)
    assert answers[1] is None
    assert str(answers[2]) == "it is not wanted"
    assert await ovs.read(lambda rows: names(rows) & {"p1_h", "without-interface"}) == {"p1_h"}


async def test_a_question_is_answered_by_the_change_that_somebody_else_makes(ovs: OpenVSwitch, host: Host) -> None:
    """ovn-controller says that a port is connected: nobody should have to ask again and again."""
    await ovs.edit(partial(ports.connect, bridge="br-int", wire=wire(1)))
    waiting = asyncio.create_task(ovs.until(partial(ports.is_installed, name="p1_h"), 20))
    with pytest.raises(TimeoutError):
        await ovs.until(partial(ports.is_installed, name="p1_h"), 0.05)
    assert not waiting.done()

    await asyncio.to_thread(
        Servers(host).vsctl, "--no-wait", "set", "interface", "p1_h", "external_ids:ovn-installed=true"
    )

    assert await waiting is True


async def test_a_question_ends_when_the_port_is_removed(ovs: OpenVSwitch) -> None:
    """Whoever waits for a port that is gone would wait for nothing."""
    await ovs.edit(partial(ports.connect, bridge="br-int", wire=wire(1)))
    waiting = asyncio.create_task(ovs.until(partial(ports.is_installed, name="p1_h"), 20))

    await ovs.edit(partial(ports.disconnect, bridge="br-int", name="p1_h"))

    with pytest.raises(Refused, match="was removed"):
        await waiting


async def test_a_database_that_comes_back_is_used_again(ovs: OpenVSwitch, host: Host) -> None:
    """Open vSwitch is upgraded under a running agent, which must notice both the end and the return."""
    servers = Servers(host)
    waiting = asyncio.create_task(ovs.until(lambda rows: rows.find("Interface", "never"), 30))
    await ovs.edit(partial(ports.connect, bridge="br-int", wire=wire(1)))

    await asyncio.to_thread(servers.database.stop)
    with pytest.raises(Unavailable, match="not connected"):
        await waiting
    with pytest.raises(Unavailable):
        await ovs.edit(partial(ports.connect, bridge="br-int", wire=wire(2)))
    await asyncio.to_thread(servers.start_database)
    await connected(ovs)

    await ovs.edit(partial(ports.connect, bridge="br-int", wire=wire(2)))
    assert {"p1_h", "p2_h"} <= await ovs.read(names)


async def test_a_logical_port_is_bound_to_one_interface(ovs: OpenVSwitch) -> None:
    """ovn-controller would choose one of two by itself, perhaps that of a container that is gone."""
    for number in (1, 2):
        port = wire(number, **{"iface-id": "pod.default"})
        await ovs.edit(partial(ports.connect, bridge="br-int", wire=port))

    def bound(rows: Rows) -> list[str]:
        return [row.name for row in rows.every("Interface") if row.external_ids.get("iface-id") == "pod.default"]

    assert await ovs.read(bound) == ["p2_h"]


async def test_removing_a_port_removes_its_limits(ovs: OpenVSwitch) -> None:
    """QoS and Queue rows belong to nobody for the database: each Pod would leave two behind."""
    limits = Limits(out_rate=1_000_000, out_burst=800_000, in_rate=2_000_000, in_burst=200_000)
    limited = Wire("q_h", "eth0", "02:00:00:00:00:01", 1400, ids=wire(1).ids, limits=limits)
    count = partial(ovs.read, lambda rows: (len([*rows.every("QoS")]), len([*rows.every("Queue")])))

    await ovs.edit(partial(ports.connect, bridge="br-int", wire=limited))
    assert await count() == (1, 1)

    assert await ovs.edit(partial(ports.disconnect, bridge="br-int", name="q_h")) is True
    assert await count() == (0, 0)
    assert await ovs.edit(partial(ports.disconnect, bridge="br-int", name="q_h")) is False
