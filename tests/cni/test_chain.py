"""The plugin in a chain, driven by CNI's own tool and library as a runtime drives it, with real packets.

What the node agent does to the kernel is done here by a few links; `served` is where an agent is put behind the socket.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from secrets import token_hex
from typing import Any

import pytest
from pyroute2 import IPRoute

from tests.cni.agent import ADDED, Agent, network, serving
from tests.cni.conftest import POD, Said, run
from tests.netns import address, inside, listener, route, wire

GATEWAY, OWN, HOST_NIC = "10.16.0.1", "10.16.0.5", "c0ffee_h"


@dataclass(frozen=True, slots=True)
class Tool:
    """cnitool on a host: one Pod, one network."""

    path: str
    folder: Path
    host: str
    pod: str
    network: str

    async def __call__(self, verb: str, capabilities: dict[str, Any] | None = None, name: str = "") -> Said:
        """The runtime did one thing with the whole chain."""
        environment = {
            "CNI_PATH": self.path,
            "NETCONFPATH": str(self.folder),
            "CNI_ARGS": POD,
            "CAP_ARGS": json.dumps(capabilities or {}),
        }
        tool = self.path.split(":")[1] + "/cnitool"
        return await run(self.host, [tool, verb, name or self.network, f"/run/netns/{self.pod}"], environment)


@pytest.fixture
async def served(tmp_path: Path, host: str, pod: str) -> AsyncIterator[Agent]:
    """An agent whose Pods are connected by a veth to the host itself."""
    async with serving(tmp_path / "agent.sock") as agent:

        def connect(path: str, asked: Any) -> None:
            if path == "add" and asked["cni_type"] == "kube-ovn" and not linked(host):
                wire(host, HOST_NIC, pod, mtu=1400)
                address(host, HOST_NIC, f"{GATEWAY}/16")
                address(pod, "eth0", f"{OWN}/16")
                route(pod, "0.0.0.0/0", GATEWAY)
            if path == "del" and linked(host):
                cut(host)
            if path == "check":
                agent.says["check"] = (
                    (HTTPStatus.NO_CONTENT, None) if linked(host) else (HTTPStatus.CONFLICT, {"error": "no eth0"})
                )

        agent.does = connect
        agent.says["add"] = (HTTPStatus.OK, {**ADDED, "host_nicname": HOST_NIC, "routes": []})
        yield agent


async def is_linked(host: str) -> bool:
    """The same, asked by a test: pyroute2 runs a loop of its own, so it gets a thread of its own."""
    return await asyncio.to_thread(linked, host)


def linked(host: str) -> bool:
    """Whether the Pod's interface is there, seen from the host."""
    with inside(host), IPRoute() as kernel:
        return bool(kernel.link_lookup(ifname=HOST_NIC))


def cut(host: str) -> None:
    """The Pod's interface is gone."""
    with inside(host), IPRoute() as kernel:
        kernel.link("del", ifname=HOST_NIC)


@pytest.fixture
def tool(program: Path, reference: Path, tmp_path: Path, served: Agent, host: str, pod: str) -> Tool:
    """The tool, with the conflist that a host has."""
    chain = [
        {key: value for key, value in network(served.socket).items() if key not in {"name", "cniVersion"}},
        {"type": "portmap", "snat": True, "capabilities": {"portMappings": True}},
        {"type": "bandwidth", "capabilities": {"bandwidth": True}},
    ]
    folder = tmp_path / "net.d"
    folder.mkdir()
    # The tool remembers attachments in a folder of the whole machine, by network, and collects all of one network.
    name = f"loomtest-{token_hex(4)}"
    conflist = {"cniVersion": "1.1.0", "name": name, "plugins": chain}
    (folder / "01-kube-ovn.conflist").write_text(json.dumps(conflist))
    return Tool(os.pathsep.join((str(program.parent), str(reference))), folder, host, pod, name)


async def test_a_pod_in_a_chain_is_connected_checked_and_disconnected_twice(tool: Tool, served: Agent) -> None:
    """The life of a sandbox; the second DEL is a runtime that wasn't sure."""
    for _ in range(2):
        added = await tool("add")
        checked = await tool("check")
        ended = [await tool("del") for _ in range(2)]

        assert [one.code for one in (added, checked, *ended)] == [0] * 4, (added, checked, ended)
        assert not await is_linked(tool.host)
    assert [path for path, _ in served.asked] == ["add", "check", "del", "del"] * 2


async def test_add_twice_is_one_interface(tool: Tool) -> None:
    """A runtime that was killed in the middle of ADD calls it again."""
    both = [await tool("add"), await tool("add")]

    assert [one.code for one in both] == [0, 0]
    assert both[0].body == both[1].body
    assert (await tool("del")).code == 0


async def test_del_before_add_ends_well(tool: Tool) -> None:
    """A sandbox may fail before its network is asked for, and is taken down all the same."""
    assert (await tool("del")).code == 0


async def test_check_after_del_fails(tool: Tool) -> None:
    """A CHECK that can't fail says nothing."""
    await tool("add")
    await asyncio.to_thread(cut, tool.host)

    checked = await tool("check")

    assert (checked.code, "no eth0" in checked.problems) == (1, True)
    assert (await tool("del")).code == 0


async def test_status_and_gc_go_through_the_whole_chain(tool: Tool) -> None:
    """Verbs of 1.1.0; the tool collects without a list, after a DEL of all that it knows."""
    assert (await tool("status")).code == 0
    await tool("add")

    assert (await tool("gc")).code == 0
    assert not await is_linked(tool.host)


async def test_a_port_of_the_host_leads_to_the_pod(tool: Tool) -> None:
    """What users have hostPort for: portmap stands behind this plugin and reads its result."""
    await asyncio.to_thread(address, tool.host, "lo", "192.0.2.1/32")
    added = await tool("add", {"portMappings": [{"hostPort": 8080, "containerPort": 80, "protocol": "tcp"}]})
    assert added.code == 0, added

    await asyncio.to_thread(connect, tool.host, tool.pod)
    assert (await tool("del")).code == 0


def connect(host: str, pod: str) -> None:
    """A connection of the host to its own port arrives in the Pod."""
    with (
        listener(pod, OWN, 80) as server,
        inside(host),
        socket.create_connection(("192.0.2.1", 8080), timeout=10) as client,
    ):
        arrived, peer = server.accept()
        arrived.close()
        assert peer[1] == client.getsockname()[1]


async def test_bandwidth_finds_the_hosts_end(tool: Tool) -> None:
    """It looks for it in our result, and every Pod with a bandwidth annotation would fail without."""
    limits = {"ingressRate": 8_000_000, "ingressBurst": 8_000_000, "egressRate": 8_000_000, "egressBurst": 8_000_000}

    added = await tool("add", {"bandwidth": limits})

    assert added.code == 0, added
    assert "tbf" in await asyncio.to_thread(queues, tool.host)
    assert (await tool("del")).code == 0


def queues(host: str) -> list[str]:
    """Kinds of the queues at the host's end."""
    with inside(host), IPRoute() as kernel:
        return [queue.get_attr("TCA_KIND") for queue in kernel.get_qdiscs(kernel.link_lookup(ifname=HOST_NIC)[0])]


async def test_it_gives_addresses_to_other_plugins(tool: Tool, served: Agent) -> None:
    """A secondary network of Multus: macvlan makes the interface, the address is ours."""
    conflist = {
        "cniVersion": "1.0.0",
        "name": "lan",
        "plugins": [
            {
                "type": "macvlan",
                "master": "uplink",
                "ipam": {"type": "kube-ovn", "server_socket": str(served.socket), "provider": "lan.shop"},
            }
        ],
    }
    (tool.folder / "lan.conflist").write_text(json.dumps(conflist))
    await asyncio.to_thread(uplink, tool.host)

    added = await tool("add", name="lan")

    assert added.code == 0, added
    assert (served.asked[0][1]["cni_type"], served.asked[0][1]["provider"]) == ("macvlan", "lan.shop")
    assert await asyncio.to_thread(addresses, tool.pod) == [OWN]
    assert (await tool("del", name="lan")).code == 0
    assert served.asked[-1][0] == "del"


def uplink(host: str) -> None:
    """The host has an interface that macvlan can share."""
    with inside(host), IPRoute() as kernel:
        kernel.link("add", ifname="uplink", kind="veth", peer={"ifname": "lan"})
        kernel.link("set", index=kernel.link_lookup(ifname="uplink")[0], state="up")


def addresses(pod: str) -> list[str]:
    """IPv4 addresses of the Pod's interface."""
    with inside(pod), IPRoute() as kernel:
        index = kernel.link_lookup(ifname="eth0")[0]
        return [found.get_attr("IFA_ADDRESS") for found in kernel.get_addr(index=index, family=socket.AF_INET)]
