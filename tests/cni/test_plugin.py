"""What the plugin asks the node agent, and what it tells the runtime."""

from __future__ import annotations

import socket
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest

from tests.cni.agent import ADDED, Agent, network
from tests.cni.conftest import Plugin
from tests.netns import inside, ip

AGAIN, WRONG_CONF, WRONG_ENVIRONMENT, UNREADABLE, WRONG_NETNS, INCOMPATIBLE, UNAVAILABLE = 11, 7, 4, 6, 8, 1, 50
"""Error codes of CNI."""
VERSIONS = ["0.1.0", "0.2.0", "0.3.0", "0.3.1", "0.4.0", "1.0.0", "1.1.0"]
BUSY = "no address is left in Subnet blue; make spec.cidrBlock larger"


async def test_add_asks_for_the_pod_and_answers_with_its_interface(plugin: Plugin, agent: Agent) -> None:
    """These keys are the contract with every agent of this API, those of others included."""
    conf = network(agent.socket, routes=[{"dst": "10.9.0.0/16", "gw": "10.16.0.254"}], dns={"domain": "shop.example"})

    said = await plugin("ADD", conf)

    netns = f"/run/netns/{plugin.pod}"
    assert agent.asked == [
        (
            "add",
            {
                "cni_type": "kube-ovn",
                "pod_name": "web",
                "pod_namespace": "shop",
                "pod_uid": "u-1",
                "container_id": "c0ffee",
                "net_ns": netns,
                "if_name": "eth0",
                "provider": "ovn",
                "routes": [{"dst": "10.9.0.0/16", "gw": "10.16.0.254"}],
                "dns": {"domain": "shop.example"},
                "vf_driver": "",
                "deviceID": "",
                "vhost_user_socket_volume_name": "",
                "vhost_user_socket_name": "",
                "vhost_user_socket_consumption": "",
            },
        )
    ]
    assert (said.code, said.body) == (
        0,
        {
            "cniVersion": "1.1.0",
            "interfaces": [{"name": "eth0", "mac": "00:00:00:aa:bb:cc", "mtu": 1400, "sandbox": netns}],
            "ips": [{"address": "10.16.0.5/16", "gateway": "10.16.0.1", "interface": 0}],
            "routes": [{"dst": "0.0.0.0/0", "gw": "10.16.0.1"}],
            "dns": {"domain": "shop.example"},
        },
    )


@pytest.mark.parametrize("version", VERSIONS)
async def test_every_version_of_the_specification_is_answered_in_its_own_words(
    plugin: Plugin, agent: Agent, version: str
) -> None:
    """Runtimes of all ages are in use; Debian 12 has containerd 1.6, which speaks up to 1.0.0."""
    said = await plugin("ADD", network(agent.socket, version))

    assert (said.code, said.body["cniVersion"]) == (0, version)
    address = said.body["ip4"]["ip"] if version in VERSIONS[:2] else said.body["ips"][0]["address"]
    assert address == "10.16.0.5/16"


async def test_all_versions_are_named(plugin: Plugin, agent: Agent) -> None:
    """A runtime asks before it calls."""
    said = await plugin("VERSION", network(agent.socket))

    assert said.body["supportedVersions"] == VERSIONS


async def test_a_version_of_the_future_is_refused(plugin: Plugin, agent: Agent) -> None:
    """An answer in words that the runtime doesn't know would be worse."""
    said = await plugin("ADD", network(agent.socket, "9.0.0"))

    assert (said.body["code"], agent.asked) == (INCOMPATIBLE, [])


async def test_ipv6_is_on_and_advertisements_are_off_before_the_agent_is_asked(plugin: Plugin, agent: Agent) -> None:
    """The agent sets addresses at once; with IPv6 off that fails."""
    names = [f"{name}/{key}" for name in ("all", "default") for key in ("disable_ipv6", "accept_ra")]
    paths = [Path("/proc/sys/net/ipv6/conf", name) for name in names]
    with inside(plugin.pod):
        for path in paths:
            path.write_text("1")
    seen: list[str] = []

    def look(_path: str, _body: Any) -> None:
        with inside(plugin.pod):
            seen.extend(path.read_text().strip() for path in paths)

    agent.does = look
    await plugin("ADD", network(agent.socket))

    assert seen == ["0"] * 4


@pytest.mark.parametrize("verb", ["ADD", "DEL", "CHECK"])
async def test_what_the_agent_says_is_said_to_the_runtime(plugin: Plugin, agent: Agent, verb: str) -> None:
    """The runtime puts it into an Event of the Pod, where the user looks; and it tries again."""
    agent.says[verb.lower()] = (HTTPStatus.SERVICE_UNAVAILABLE, {"error": BUSY})

    said = await plugin(verb, network(agent.socket, prevResult={"cniVersion": "1.1.0"}))

    assert (said.code, said.body["code"], said.body["msg"]) == (1, AGAIN, BUSY)
    assert said.body["details"] == f"the node agent answered /api/v1/{verb.lower()} with 503"


async def test_a_reason_that_is_not_json_is_passed_on_as_it_is(plugin: Plugin, agent: Agent) -> None:
    """A server that fails early has its own words."""
    agent.says["add"] = (HTTPStatus.INTERNAL_SERVER_ERROR, "500 Internal Server Error\n")

    said = await plugin("ADD", network(agent.socket))

    assert (said.body["code"], said.body["msg"]) == (AGAIN, "500 Internal Server Error")


@pytest.mark.parametrize("body", ["busy", {"ips": [{"ip": "10.16.0.5", "cidr": "10.16.0.0"}]}])
async def test_an_answer_that_makes_no_sense_connects_nothing(plugin: Plugin, agent: Agent, body: Any) -> None:
    """A Pod with a wrong mask looks connected."""
    agent.says["add"] = (HTTPStatus.OK, body)

    said = await plugin("ADD", network(agent.socket))

    assert (said.code, said.body["code"]) == (1, UNREADABLE)


async def test_without_an_agent_add_says_which_socket_and_what_to_look_at(plugin: Plugin, tmp_path: Path) -> None:
    """After a reboot this is what the Events of all Pods say, until the agent runs."""
    missing = tmp_path / "missing.sock"

    said = await plugin("ADD", network(missing))

    assert said.body["code"] == AGAIN
    assert said.body["msg"] == (
        f"no node agent listens at {missing} (no such file or directory); "
        "it comes with the Pod of DaemonSet kube-ovn-cni on this node"
    )


async def test_a_socket_that_an_agent_left_behind_is_as_none(plugin: Plugin, agent: Agent, tmp_path: Path) -> None:
    """An agent that was killed doesn't remove its socket."""
    left = tmp_path / "left.sock"
    with socket.socket(socket.AF_UNIX) as once:
        once.bind(str(left))

    said = await plugin("ADD", network(left))

    assert (said.body["code"], "connection refused" in said.body["msg"]) == (AGAIN, True)


async def test_del_asks_as_often_as_it_is_called(plugin: Plugin, agent: Agent) -> None:
    """A runtime repeats DEL until it ends well, and once more to be sure."""
    said = [await plugin("DEL", network(agent.socket)) for _ in range(2)]

    assert [one.code for one in said] == [0, 0]
    assert [(path, body["container_id"], body["if_name"]) for path, body in agent.asked] == [
        ("del", "c0ffee", "eth0")
    ] * 2


async def test_del_of_a_network_namespace_that_is_gone_asks_for_the_container(plugin: Plugin, agent: Agent) -> None:
    """After a reboot only the container's name is left, and by it the port in Open vSwitch."""
    said = await plugin("DEL", network(agent.socket), CNI_NETNS="")

    assert said.code == 0
    assert [(path, body["container_id"], body["net_ns"]) for path, body in agent.asked] == [("del", "c0ffee", "")]


async def test_del_without_an_agent_is_tried_again_while_the_pod_is_connected(plugin: Plugin, tmp_path: Path) -> None:
    """A success would end the sandbox and leave its interface on the host."""
    with inside(plugin.pod):
        ip("link add eth0 type bridge")

    said = await plugin("DEL", network(tmp_path / "missing.sock"))

    assert (said.code, said.body["code"]) == (1, AGAIN)


async def test_del_after_an_add_that_found_no_agent_ends_well(plugin: Plugin, tmp_path: Path) -> None:
    """containerd calls it at once; were it to fail, the name of the sandbox would be taken when the agent is there."""
    conf = network(tmp_path / "missing.sock")
    assert (await plugin("ADD", conf)).body["code"] == AGAIN

    assert (await plugin("DEL", conf)).code == 0


@pytest.mark.parametrize("netns", ["", "/run/netns/loomtest-that-is-gone"])
async def test_del_without_an_agent_ends_well_when_the_network_namespace_is_gone(
    plugin: Plugin, tmp_path: Path, netns: str
) -> None:
    """Nothing is connected any more; a failure would keep Pods in Terminating on a host whose agent was removed."""
    said = await plugin("DEL", network(tmp_path / "missing.sock"), CNI_NETNS=netns)

    assert said.code == 0


async def test_an_agent_that_fails_fails_a_del_without_network_namespace_too(plugin: Plugin, agent: Agent) -> None:
    """It is there, so it can be asked again."""
    agent.says["del"] = (HTTPStatus.INTERNAL_SERVER_ERROR, {"error": "Open vSwitch doesn't answer"})

    said = await plugin("DEL", network(agent.socket), CNI_NETNS="")

    assert (said.body["code"], said.body["msg"]) == (AGAIN, "Open vSwitch doesn't answer")


async def test_check_gives_the_agent_what_add_answered(plugin: Plugin, agent: Agent) -> None:
    """Only the runtime remembers it."""
    result = {"cniVersion": "1.0.0", "ips": [{"address": "10.16.0.5/16"}]}

    said = await plugin("CHECK", network(agent.socket, "1.0.0", prevResult=result))

    assert (said.code, agent.asked[0][0], agent.asked[0][1]["prev_result"]) == (0, "check", result)


async def test_check_has_a_code_of_its_own_for_a_difference(plugin: Plugin, agent: Agent) -> None:
    """Trying again doesn't mend an interface, unlike an agent that is busy."""
    agent.says["check"] = (HTTPStatus.CONFLICT, {"error": "eth0 has no address 10.16.0.5"})

    said = await plugin("CHECK", network(agent.socket, prevResult={"cniVersion": "1.1.0"}))

    assert (said.body["code"], said.body["msg"]) == (100, "eth0 has no address 10.16.0.5")


async def test_check_without_what_add_answered_is_refused(plugin: Plugin, agent: Agent) -> None:
    """There is nothing to compare with, and a success would say that all is well."""
    said = await plugin("CHECK", network(agent.socket))

    assert (said.body["code"], "prevResult" in said.body["details"], agent.asked) == (WRONG_CONF, True, [])


async def test_gc_passes_on_what_is_in_use_and_of_which_network(plugin: Plugin, agent: Agent) -> None:
    """A second network of the same type has a list of its own, and the first one's Pods aren't in it."""
    used = [{"containerID": "c0ffee", "ifname": "eth0"}, {"containerID": "facade", "ifname": "eth0"}]
    conf = {**network(agent.socket, provider="lan.shop.ovn"), "cni.dev/valid-attachments": used}

    said = await plugin("GC", conf, CNI_CONTAINERID="", CNI_NETNS="", CNI_IFNAME="", CNI_ARGS="")

    assert said.code == 0
    assert agent.asked == [
        (
            "gc",
            {
                "cni_type": "kube-ovn",
                "provider": "lan.shop.ovn",
                "valid_attachments": [
                    {"container_id": "c0ffee", "if_name": "eth0"},
                    {"container_id": "facade", "if_name": "eth0"},
                ],
            },
        )
    ]


async def test_gc_without_a_list_removes_nothing(plugin: Plugin, agent: Agent) -> None:
    """Taken for an empty list it would disconnect every Pod of the host."""
    said = await plugin("GC", network(agent.socket))

    assert (said.code, agent.asked) == (0, [])


async def test_gc_with_an_empty_list_says_that_nothing_is_in_use(plugin: Plugin, agent: Agent) -> None:
    """After the last Pod the runtime has an empty list, and leftovers are still to be removed."""
    said = await plugin("GC", {**network(agent.socket), "cni.dev/valid-attachments": []})

    assert (said.code, agent.asked[0][1]["valid_attachments"]) == (0, [])


async def test_status_is_well_when_the_agent_is_ready(plugin: Plugin, agent: Agent) -> None:
    """The runtime tells the kubelet, which makes the node Ready."""
    said = await plugin("STATUS", network(agent.socket), CNI_CONTAINERID="", CNI_NETNS="", CNI_IFNAME="")

    assert (said.code, agent.asked) == (0, [("status", None)])


async def test_status_says_why_the_agent_is_not_ready(plugin: Plugin, agent: Agent) -> None:
    """It ends up as the reason of the node's condition."""
    agent.says["status"] = (HTTPStatus.SERVICE_UNAVAILABLE, {"error": "ovn-controller isn't connected"})

    said = await plugin("STATUS", network(agent.socket))

    assert (said.body["code"], said.body["msg"]) == (UNAVAILABLE, "ovn-controller isn't connected")


async def test_status_without_an_agent_is_not_ready(plugin: Plugin, tmp_path: Path) -> None:
    """A node without an agent takes no Pods."""
    said = await plugin("STATUS", network(tmp_path / "missing.sock"))

    assert (said.body["code"], "missing.sock" in said.body["msg"]) == (UNAVAILABLE, True)


@pytest.mark.parametrize("verb", ["ADD", "DEL", "CHECK"])
@pytest.mark.parametrize("missing", ["K8S_POD_NAME", "K8S_POD_NAMESPACE"])
async def test_without_the_name_of_a_pod_nothing_is_asked(
    plugin: Plugin, agent: Agent, verb: str, missing: str
) -> None:
    """A container that is no Pod has no address here."""
    there = ({"K8S_POD_NAME", "K8S_POD_NAMESPACE"} - {missing}).pop()

    said = await plugin(verb, network(agent.socket), CNI_ARGS=f"IgnoreUnknown=1;{there}=web")

    assert (said.body["code"], agent.asked) == (WRONG_CONF, [])
    assert f"no {missing};" in said.body["details"]


async def test_without_a_socket_in_the_configuration_nothing_is_asked(plugin: Plugin, agent: Agent) -> None:
    """The sentence names the key and its usual value."""
    said = await plugin("ADD", network(agent.socket) | {"server_socket": ""})

    assert (said.body["code"], agent.asked) == (WRONG_CONF, [])
    assert said.body["details"].startswith("server_socket is empty; set it to")


async def test_the_network_of_the_host_is_never_taken_for_a_pods(plugin: Plugin, agent: Agent) -> None:
    """Its sysctls would change, and its addresses."""
    said = await plugin("ADD", network(agent.socket), CNI_NETNS=f"/run/netns/{plugin.host}")

    assert (said.body["code"], agent.asked) == (WRONG_NETNS, [])


async def test_a_network_namespace_that_is_gone_is_not_asked_for(plugin: Plugin, agent: Agent) -> None:
    """The sandbox ended while the runtime still connected it; nothing may be made for it."""
    said = await plugin("ADD", network(agent.socket), CNI_NETNS="/run/netns/loomtest-that-is-gone")

    assert (said.body["code"], agent.asked) == (WRONG_NETNS, [])


async def test_a_secondary_network_is_asked_for_by_its_provider(plugin: Plugin, agent: Agent) -> None:
    """Multus calls the plugin once for each network of a Pod."""
    agent.says["add"] = (HTTPStatus.OK, {**ADDED, "nicname": "net1"})

    said = await plugin("ADD", network(agent.socket, provider="lan.shop.ovn"), CNI_IFNAME="net1")

    assert (agent.asked[0][1]["provider"], agent.asked[0][1]["if_name"]) == ("lan.shop.ovn", "net1")
    assert said.body["interfaces"][0]["name"] == "net1"


async def test_devices_are_named_to_the_agent(plugin: Plugin, agent: Agent) -> None:
    """The keys of SR-IOV and DPDK, one of which KubeVirt implies."""
    device = {"deviceID": "0000:3b:00.2", "vf_driver": "vfio-pci"}
    vhost = {"vhost_user_socket_name": "net.sock", "vhost_user_socket_consumption": "kubevirt"}

    await plugin("ADD", network(agent.socket, **device, **vhost))

    asked = agent.asked[0][1]
    assert asked.items() >= {**device, **vhost, "vhost_user_socket_volume_name": "vhostuser-sockets"}.items()
