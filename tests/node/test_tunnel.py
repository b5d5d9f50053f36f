"""Which interface carries a node's tunnels, and what fits into them."""

from __future__ import annotations

from ipaddress import ip_interface
from typing import Any

import pytest

from ovnloom.api.node import Node
from ovnloom.errors import Unavailable
from ovnloom.host.nics import Nic
from ovnloom.node.encap import external_ids
from ovnloom.node.tunnel import Tunnel, tunnel
from ovnloom.settings import NodeSettings


def nic(name: str, *addresses: str) -> Nic:
    """An interface with these addresses."""
    return Nic(name, tuple(map(ip_interface, addresses)))


NICS = (
    nic("eth0", "192.0.2.10/24", "2001:db8::10/64"),
    nic("eth1", "198.51.100.7/32", "198.51.100.10/24"),
    nic("bond0.7", "203.0.113.10/24"),
    nic("eth9"),
    nic("br-phy", "10.0.0.9/24"),
    nic("br-net", "10.1.0.9/24"),
)


def node(*addresses: str, annotations: dict[str, str] | None = None, labels: dict[str, str] | None = None) -> Node:
    """A Node with these InternalIPs."""
    said = [{"type": "InternalIP", "address": each} for each in addresses]
    meta: dict[str, Any] = {"name": "worker-1", "labels": labels or {}}
    meta["annotations"] = {f"ovn.kubernetes.io/{word}": text for word, text in (annotations or {}).items()}
    return Node.decode({"metadata": meta, "status": {"addresses": said}})


ME = node("2001:db8::10", "192.0.2.10")


def test_the_interface_with_the_internal_ip_is_the_usual_one() -> None:
    """IPv4 goes first where a node has both, as all nodes must choose alike."""
    assert tunnel(ME, "", NICS, {}) == Tunnel("eth0", "192.0.2.10")
    assert tunnel(node("2001:db8::10"), "", NICS, {}) == Tunnel("eth0", "2001:db8::10")


@pytest.mark.parametrize(
    ("setting", "found"),
    [
        ("eth1", Tunnel("eth1", "198.51.100.10")),
        ("^bond.*", Tunnel("bond0.7", "203.0.113.10")),
        ("^ens, eth1", Tunnel("eth1", "198.51.100.10")),
        ("([,eth1", Tunnel("eth1", "198.51.100.10")),
    ],
)
def test_a_setting_names_it_or_says_what_its_name_is_like(setting: str, found: Tunnel) -> None:
    """Hosts of one cluster call their storage network differently; the address of one host alone is a virtual one."""
    assert tunnel(ME, setting, NICS, {}) == found


def test_the_annotation_of_a_node_goes_before_the_setting() -> None:
    """One host differs from the others."""
    mine = node("192.0.2.10", annotations={"tunnel_interface": "eth1"})

    assert tunnel(mine, "bond0.7", NICS, {}).link == "eth1"


def test_a_node_that_forwards_in_userspace_has_its_address_on_a_bridge() -> None:
    """DPDK takes the NIC away from the kernel."""
    mine = node("192.0.2.10", labels={"ovn.kubernetes.io/ovs_dp_type": "userspace"})

    assert tunnel(mine, "eth1", NICS, {}) == Tunnel("br-phy", "10.0.0.9")


def test_an_interface_that_an_underlay_network_took_is_replaced_by_its_bridge() -> None:
    """ProviderNetworks move the addresses of a NIC to the bridge; the setting still names the NIC."""
    assert tunnel(ME, "eth9", NICS, {"eth9": "br-net"}) == Tunnel("br-net", "10.1.0.9")


@pytest.mark.parametrize(
    ("me", "setting", "said"),
    [
        (ME, "nonsense", "setting tunnel_interface is 'nonsense'"),
        (ME, "eth9", "eth9 has no address"),
        (node("192.0.2.77"), "", r"192\.0\.2\.77"),
        (node(), "", "none"),
        (node("192.0.2.10", annotations={"tunnel_interface": "ethX"}), "", "annotation .*ethX"),
    ],
)
def test_what_can_not_be_found_is_said_with_what_to_change(me: Node, setting: str, said: str) -> None:
    """The node isn't ready until somebody reads this."""
    with pytest.raises(Unavailable, match=said):
        tunnel(me, setting, NICS, {})


def test_further_addresses_are_for_subnets_with_a_network_of_their_own() -> None:
    """ovn-controller takes the first for everything else, so the order must not depend on chance."""
    mine = node(
        "192.0.2.10", annotations={"node_networks": '{"storage": "198.51.100.10", "b": "192.0.2.10", "a": "10.9.0.1"}'}
    )
    broken = node("192.0.2.10", annotations={"node_networks": '["x"]'})

    found = external_ids(tunnel(mine, "", NICS, {}), NodeSettings())

    assert found["ovn-encap-ip"] == "192.0.2.10,10.9.0.1,198.51.100.10"
    assert found["ovn-encap-ip-default"] == "192.0.2.10"
    assert tunnel(broken, "", NICS, {}).more == ()


def test_the_southbound_database_is_only_said_by_who_knows_it() -> None:
    """Where a host's own Open vSwitch is used, its administrator has said it there."""
    near = Tunnel("eth0", "192.0.2.10")

    assert "ovn-remote" not in external_ids(near, NodeSettings())
    assert external_ids(near, NodeSettings(ovn_sb="ssl:[192.0.2.1]:6642"))["ovn-remote"] == "ssl:[192.0.2.1]:6642"
    assert external_ids(near, NodeSettings(encap_checksum=False))["ovn-encap-csum"] == "false"


@pytest.mark.parametrize(
    ("address", "encapsulation", "size"),
    [
        ("192.0.2.10", "geneve", 1400),
        ("2001:db8::10", "geneve", 1380),
        ("192.0.2.10", "vxlan", 1450),
        ("2001:db8::10", "vxlan", 1430),
        ("192.0.2.10", "stt", 1428),
        ("192.0.2.10", "geneve,vxlan", 1400),
    ],
)
def test_what_fits_into_a_tunnel_depends_on_its_kind(address: str, encapsulation: str, size: int) -> None:
    """One byte too many, and large packets vanish while ping works."""
    assert Tunnel("eth0", address).pod_mtu(1500, encapsulation) == size
