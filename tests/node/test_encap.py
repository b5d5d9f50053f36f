"""A node as a chassis of OVN, on a host with Open vSwitch, with a controller and an API server."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from sandbox import until
from tests.node.field import Agent, NodeField
from tests.node.test_join import condition, given, link, node, settled

pytestmark = pytest.mark.xdist_group("node-agent")

NIC = "br-phy"
"""What has the host's address while Open vSwitch forwards in userspace."""


@pytest.fixture
def measuring(node_field: NodeField) -> Iterator[NodeField]:
    """The agent finds the MTU by itself."""
    node_field.agent.stop()
    other = Agent(node_field.host, node_field.sandbox.kubeconfig, {"OVNLOOM_POD_MTU": "0"})
    other.begin()
    yield node_field
    set_mtu(node_field, 1500)
    other.stop()
    node_field.agent.begin()


def set_mtu(at: NodeField, size: int) -> None:
    """The host's NIC carries packets of this size."""
    at.switch.vsctl("set", "interface", NIC, f"mtu_request={size}")


def said(at: NodeField, key: str) -> str:
    """An external_id of the host's Open vSwitch."""
    return at.switch.vsctl("--if-exists", "get", "open", ".", f"external_ids:{key}").strip().strip('"')


def events(at: NodeField, reason: str) -> list[Any]:
    """The Events of a reason."""
    found = json.loads(at.sandbox.kubectl("get", "events", "-A", "-o", "json", f"--field-selector=reason={reason}"))
    return list(found["items"])


def test_the_mtu_of_pods_follows_the_nic(measuring: NodeField) -> None:
    """A NIC that gets jumbo frames, or loses them, needs no restart of anything."""
    until(lambda: link(measuring)["mtu"] == 1400, "ovn0 to have what fits into geneve")

    set_mtu(measuring, 1450)

    until(lambda: link(measuring)["mtu"] == 1350, "ovn0 to follow")
    until(lambda: settled(measuring), "ovn0 to work")


def test_too_little_for_ipv6_is_told_and_ipv4_goes_on(measuring: NodeField) -> None:
    """The kernel takes IPv6 off such interfaces without a word; who debugs that reads the Events of the Node first."""
    set_mtu(measuring, 1350)

    until(lambda: events(measuring, "TunnelMtuTooSmall"), "an Event of the Node")
    until(lambda: link(measuring)["mtu"] == 1250, "ovn0 to follow")
    until(
        lambda: " 0% packet loss" in measuring.host.run("sh", "-c", "ping -c1 -W1 100.64.0.1 || true"), "IPv4 to work"
    )
    assert "1380 or more (it has 1350)" in events(measuring, "TunnelMtuTooSmall")[0]["message"]
    until(measuring.agent.is_ready, "the agent to be ready")

    set_mtu(measuring, 1500)
    until(lambda: settled(measuring), "IPv6 to be back")


@pytest.mark.parametrize("key", ["ovn-encap-ip", "ovn-encap-csum", "ovn-encap-type", "hostname"])
def test_what_ovn_controller_needs_is_put_back(node_field: NodeField, key: str) -> None:
    """Without its tunnel address a node is cut off from all others."""
    before = until(lambda: said(node_field, key), f"external_ids:{key}")

    node_field.switch.vsctl("remove", "open", ".", "external_ids", key)

    until(lambda: said(node_field, key), f"external_ids:{key} to be back")
    if key == "ovn-encap-ip":
        assert said(node_field, key) == node_field.host.address
    assert before


def test_who_starts_open_vswitch_chooses_the_tunnel(node_field: NodeField) -> None:
    """Two who know better would write in turn, and each time all tunnels would be made anew."""
    node_field.switch.vsctl("set", "open", ".", "external_ids:hostname=other.example")
    node_field.switch.vsctl("remove", "open", ".", "external_ids", "ovn-encap-csum")

    until(lambda: said(node_field, "ovn-encap-csum"), "the agent to have written")
    assert said(node_field, "hostname") == "other.example"
    node_field.switch.vsctl("set", "open", ".", f"external_ids:hostname={node_field.host.name}")


def test_a_node_that_was_deleted_and_made_anew_joins_again(node_field: NodeField) -> None:
    """kubeadm reset and join, or a cloud that replaces a Node object; the agent lives through both."""
    until(lambda: settled(node_field), "ovn0 to be as the Node says")
    body = node(node_field)
    before, uid = node_field.agent.server.identity, body["metadata"]["uid"]
    node_field.sandbox.kubectl("delete", "node", node_field.host.name)
    until(
        lambda: "registers" in node_field.agent.page("/metrics") or "registers" in node_field.agent.log,
        "the agent to miss it",
    )

    new = {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": node_field.host.name, "labels": body["metadata"]["labels"]},
    }
    ready = [each for each in body["status"]["conditions"] if each["type"] == "Ready"]
    node_field.api.create({**new, "status": {"addresses": body["status"]["addresses"], "conditions": ready}})

    until(lambda: given(node_field).get("chassis") == node_field.switch.chassis, "the Node to say which chassis it is")
    until(lambda: settled(node_field), "ovn0 to be as the new Node says")
    until(lambda: condition(node_field) == ("False", "JoinSubnetGatewayReachable"), "the new Node to be available")
    assert node(node_field)["metadata"]["uid"] != uid
    assert node_field.agent.server.identity == before


def test_a_wrong_chassis_is_corrected(node_field: NodeField) -> None:
    """A host whose disk was replaced is another chassis; the controller finds its Pods' nodes by this."""
    node_field.sandbox.kubectl("annotate", "node", node_field.host.name, "ovn.kubernetes.io/chassis=old", "--overwrite")

    until(lambda: given(node_field).get("chassis") == node_field.switch.chassis, "the annotation to be right again")
