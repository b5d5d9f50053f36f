"""A node's own port in the default Vpc, on a host with Open vSwitch, with a controller and an API server."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from ovnloom.node.availability import TYPE, changed
from ovnloom.node.joined import LINK
from sandbox import until
from tests.node.field import NodeField

pytestmark = pytest.mark.xdist_group("node-agent")


def node(at: NodeField) -> Any:
    """The Node as the API server has it."""
    return json.loads(at.sandbox.kubectl("get", "node", at.host.name, "-o", "json"))


def condition(at: NodeField) -> tuple[str, str]:
    """Status and reason of NetworkUnavailable."""
    found = [each for each in node(at)["status"].get("conditions", []) if each["type"] == TYPE]
    return (found[0]["status"], found[0]["reason"]) if found else ("", "")


def link(at: NodeField) -> Any:
    """ovn0 as the kernel has it, with its addresses; None when there is none."""
    try:
        return json.loads(at.host.run("ip", "-json", "address", "show", "dev", LINK))[0]
    except Exception:  # noqa: BLE001  # any failure of `ip` means the same here
        return None


def addresses(at: NodeField) -> set[str]:
    """The addresses of ovn0 with their lengths, link-local ones left out."""
    found = link(at)
    return (
        {f"{each['local']}/{each['prefixlen']}" for each in found["addr_info"] if each["scope"] == "global"}
        if found
        else set()
    )


def given(at: NodeField) -> dict[str, str]:
    """What the controller has given the node."""
    return {
        key.partition("/")[2]: value
        for key, value in node(at)["metadata"]["annotations"].items()
        if key.startswith("ovn.kubernetes.io/")
    }


def expected(at: NodeField) -> set[str]:
    """The addresses that ovn0 should have."""
    said = given(at)
    lengths = [each.rpartition("/")[2] for each in said["cidr"].split(",")]
    return {f"{each}/{length}" for each, length in zip(said["ip_address"].split(","), lengths, strict=True)}


def reaches(at: NodeField, address: str) -> bool:
    """Whether a ping from the host is answered."""
    return " 0% packet loss" in at.host.run("sh", "-c", f"ping -c1 -W1 {address} || true")


def settled(at: NodeField) -> bool:
    """Whether ovn0 is as the Node says, the kernel has checked its link-local address, and both routers answer."""
    if addresses(at) != expected(at) or "tentative" in at.host.run("ip", "address", "show", "dev", LINK):
        return False
    return all(reaches(at, each) for each in given(at)["gateway"].split(","))


def test_a_node_joins_the_default_vpc_in_both_families(node_field: NodeField) -> None:
    """Without this no kubelet's probe and no hostNetwork Pod reaches any Pod."""
    until(lambda: settled(node_field), "ovn0 to be as the Node says")
    found, said = link(node_field), given(node_field)

    assert found["address"] == said["mac_address"].lower()
    assert found["txqlen"] == 1000
    assert f"iface-id={said['port_name']}," in node_field.interface(LINK, "external_ids").replace('"', "")
    assert condition(node_field) == ("False", "JoinSubnetGatewayReachable")
    assert said["chassis"] == node_field.switch.chassis


def test_a_restart_of_the_agent_doesnt_touch_ovn0(node_field: NodeField) -> None:
    """Hosts with long connections to Pods must not notice an upgrade: same device, no address or route made anew."""
    until(lambda: settled(node_field), "ovn0 to be as the Node says")
    index, log = link(node_field)["ifindex"], node_field.host.path("/run/monitor.log")
    with node_field.host.popen("sh", "-c", "exec ip monitor link address route >/run/monitor.log") as monitor:
        until(lambda: _heard(node_field, log), "the monitor to hear of changes")
        node_field.agent.stop()
        node_field.agent.begin()
        monitor.kill()

    assert link(node_field)["ifindex"] == index
    assert [line for line in log.read_text().splitlines() if f" {LINK}" in line] == []


def _heard(at: NodeField, log: Path) -> bool:
    at.host.run("ip", "address", "add", "127.0.0.9/8", "dev", "lo")
    at.host.run("ip", "address", "delete", "127.0.0.9/8", "dev", "lo")
    return log.exists() and " lo " in log.read_text()


@pytest.mark.parametrize(
    "damage",
    [
        f"ip link set {LINK} down",
        f"ip address flush dev {LINK}",
        f"ip link set {LINK} address 0a:00:00:00:00:99",
        f"ovs-vsctl del-port {LINK}",
        f"ovs-vsctl remove interface {LINK} external_ids iface-id",
        f"ovs-vsctl set interface {LINK} mtu_request=900",
        "ip route flush proto static table main dev ovn0",
    ],
)
def test_what_somebody_does_to_ovn0_is_put_right_at_once(node_field: NodeField, damage: str) -> None:
    """`netplan apply`, NetworkManager, a slip of the hand: the node comes back without a restart."""
    until(lambda: settled(node_field), "ovn0 to be as the Node says")
    size = link(node_field)["mtu"]

    node_field.host.run("sh", "-c", damage)

    until(lambda: settled(node_field) and link(node_field)["mtu"] == size, f"ovn0 to survive: {damage}")
    until(lambda: "via" in node_field.host.run("ip", "route", "show", "10.16.0.0/16"), "the route to Pods to be back")


def test_a_hiccup_of_ovn_ends_nothing(node_field: NodeField) -> None:
    """The agent serves Pods' plugin calls; it must live on while ovn-controller is restarted."""
    until(lambda: settled(node_field), "ovn0 to be as the Node says")
    before = node_field.agent.server.identity

    node_field.switch.controller.stop()
    node_field.switch.start_controller()

    until(lambda: settled(node_field), "ovn0 to work again")
    assert node_field.agent.server.identity == before


def test_the_switch_may_be_started_anew(node_field: NodeField) -> None:
    """In userspace ovn0 goes with vswitchd, and its addresses and the routes over it with it."""
    until(lambda: settled(node_field), "ovn0 to be as the Node says")

    node_field.switch.switch.stop()
    node_field.switch.start_switch()

    until(lambda: settled(node_field), "ovn0 to be as the Node says again")
    until(lambda: "via" in node_field.host.run("ip", "route", "show", "10.16.0.0/16"), "the route to Pods to be back")


def test_a_node_that_is_cut_off_says_so_and_serves_on(node_field: NodeField) -> None:
    """The scheduler must give it no Pods; the agent itself is needed for those that go."""
    until(lambda: settled(node_field), "ovn0 to be as the Node says")
    before = node_field.agent.server.identity
    node_field.switch.controller.stop()
    node_field.host.run("ovs-ofctl", "del-flows", "br-int")

    until(lambda: condition(node_field) == ("True", "JoinSubnetGatewayUnreachable"), "the Node to say so", 60)
    assert node_field.agent.server.identity == before

    node_field.switch.start_controller()
    until(lambda: condition(node_field) == ("False", "JoinSubnetGatewayReachable"), "the Node to be available", 60)


def test_rates_of_a_node_limit_its_own_port(node_field: NodeField) -> None:
    """A host that pulls from Pods at full speed starves them; what can't be read leaves the host joined."""
    name = node_field.host.name

    def annotate(*notes: str) -> None:
        node_field.sandbox.kubectl(
            "annotate", "--overwrite", "node", name, *(f"ovn.kubernetes.io/{each}" for each in notes)
        )

    def queues() -> str:
        return node_field.switch.vsctl("--columns=other_config", "find", "queue", f"external_ids:node={name}")

    annotate("ingress_rate=30", "egress_rate=20")
    until(lambda: 'max-rate="30000000"' in queues(), "the rate to ovn0")
    until(lambda: node_field.interface(LINK, "ingress_policing_rate") == "20000", "the rate from ovn0")

    annotate("ingress_rate=much")
    until(lambda: "ingress_rate is 'much'" in node_field.agent.log, "the agent to say what is wrong")
    assert 'max-rate="30000000"' in queues()
    assert settled(node_field)

    annotate("ingress_rate-", "egress_rate-")
    until(lambda: not queues().strip(), "no rate to ovn0")
    until(lambda: node_field.interface(LINK, "ingress_policing_rate") == "0", "no rate from ovn0")


NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def test_the_condition_says_whether_the_gateway_answers() -> None:
    """A scheduler that believes an old answer puts Pods where none can start."""
    kubelet = {"type": "Ready", "status": "True"}

    cut_off = changed([kubelet], ["100.64.0.1"], NOW)
    assert cut_off is not None
    assert cut_off[0] == kubelet
    assert (cut_off[1]["status"], cut_off[1]["reason"]) == ("True", "JoinSubnetGatewayUnreachable")
    assert "100.64.0.1" in cut_off[1]["message"]

    back = changed(cut_off, [], NOW)
    assert back is not None
    assert (back[1]["status"], back[1]["reason"]) == ("False", "JoinSubnetGatewayReachable")
    assert changed(back, [], NOW) is None


def test_another_reason_keeps_the_time_of_the_transition() -> None:
    """Cloud providers set the condition when they make the Node; it was available since then."""
    cloud = {"type": TYPE, "status": "False", "reason": "RouteCreated", "lastTransitionTime": "2020-01-01T00:00:00Z"}

    found = changed([cloud], [], NOW)

    assert found is not None
    assert found[0]["lastTransitionTime"] == "2020-01-01T00:00:00Z"
