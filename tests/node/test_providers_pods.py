"""Pods of an underlay Subnet are part of the physical network: real packets by OVN, Open vSwitch and the host's NIC."""

import subprocess

import pytest

from sandbox import Ovn, until
from tests.node.providers_site import HOST, PEER, PEER6, Site, site

__all__ = ["site"]  # a fixture of its own file
POD, POD6, MAC = "198.18.7.50", "2001:db8::50", "0a:00:00:00:00:50"


def switch(ovn: Ovn, tag: int = 0) -> None:
    """The rows of a Subnet with a Vlan and of one Pod, as tests/compile/vlan/uplink says them."""
    ovn.nbctl("ls-add", "desks", "--", "lsp-add", "desks", "localnet.desks")
    ovn.nbctl("lsp-set-type", "localnet.desks", "localnet", "--", "lsp-set-addresses", "localnet.desks", "unknown")
    ovn.nbctl("lsp-set-options", "localnet.desks", "network_name=phys")
    if tag:
        ovn.nbctl("set", "Logical_Switch_Port", "localnet.desks", f"tag={tag}")
    ovn.nbctl("lsp-add", "desks", "till.shop", "--", "lsp-set-addresses", "till.shop", f"{MAC} {POD} {POD6}")


def pod(site: Site) -> tuple[str, ...]:
    """A workload with that port; the words by which a program runs in it."""
    enter = ("nsenter", "--net=/run/netns/till")
    site.host.run("ip", "netns", "add", "till")
    site.host.run("ip", "link", "add", "till_h", "up", "type", "veth", "peer", "name", "eth0", "netns", "till")
    site.host.run(*enter, "ethtool", "-K", "eth0", "tx", "off")
    site.host.run(*enter, "ip", "link", "set", "eth0", "address", MAC, "up")
    for each in (f"{POD}/24", f"{POD6}/64"):
        site.host.run(*enter, "ip", "address", "add", each, "dev", "eth0", *(("nodad",) if ":" in each else ()))
    ids = ("--", "set", "interface", "till_h", "external_ids:iface-id=till.shop")
    site.ovs.vsctl("add-port", "br-int", "till_h", *ids)
    return enter


def test_a_pod_is_a_neighbour_of_physical_machines_and_of_its_host(site: Site, own_ovn: Ovn) -> None:
    """No node in between, no tunnel, no address translation; and the host is a machine of that network, too."""
    site.network()
    site.converge()
    switch(own_ovn)
    enter = pod(site)
    site.ovs.join(own_ovn.sb)
    own_ovn.nbctl("--wait=hv", "sync")

    for address in (PEER, PEER6, HOST):
        assert "3 received" in site.host.run(*enter, "ping", "-c3", "-i0.2", "-W3", address), address
    assert site.is_reached(POD, 3)
    assert site.is_reached(HOST, 3)


def test_frames_leave_with_the_tag_of_the_vlan(site: Site, own_ovn: Ovn) -> None:
    """Without it they would be in whatever network the wire's untagged frames are."""
    site.network()
    site.apply("Vlan", "ten", {"id": 10, "provider": "phys"})
    site.converge()
    switch(own_ovn, 10)
    enter = pod(site)
    site.ovs.join(own_ovn.sb)
    own_ovn.nbctl("--wait=hv", "sync")

    words = ("nsenter", f"--net=/run/netns/{site.peer}", "tcpdump", "-lnei", "eth0", "-c1", "vlan 10 and arp")
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as sniffer:
        assert sniffer.stderr is not None
        until(lambda: "listening on" in sniffer.stderr.readline(), "the sniffer to listen", 10)
        site.host.popen(*enter, "ping", "-c3", "-i0.2", "-W1", PEER, stdout=subprocess.DEVNULL).wait()
        seen, _ = sniffer.communicate(timeout=30)

    assert f"{MAC} > ff:ff:ff:ff:ff:ff" in seen
    assert "vlan 10, p 0, ethertype ARP" in seen


@pytest.mark.parametrize("server", ["ovs-vswitchd", "ovsdb-server"])
def test_the_host_is_reached_after_its_switch_was_started_anew(site: Site, server: str) -> None:
    """An upgrade of Open vSwitch must not need anybody at the console."""
    site.network()
    site.converge()
    ovs = site.ovs
    running = ovs.switch if server == "ovs-vswitchd" else ovs.database
    running.stop()
    ovs.start_database()
    ovs.start_switch()

    site.converge()

    until(lambda: site.is_reached(HOST), "the host to be reached", 20)
    assert site.addresses("eth1") == set()
