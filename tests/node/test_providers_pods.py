"""Pods of an underlay Subnet are part of the physical network: real packets by OVN, Open vSwitch and the host's NIC."""

import subprocess

import pytest

from sandbox import Ovn, until
from tests.netns import address
from tests.node.providers_site import HOST, PEER, PEER6, Site, site

__all__ = ["site"]  # a fixture of its own file
POD, POD6, MAC = "198.18.7.50", "2001:db8::50", "0a:00:00:00:00:50"
ROUTER = "198.18.7.60"
"""Of the Vpc, in the underlay Subnet (u2oInterconnectionIP)."""


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
    return workload(site, "till", MAC, f"{POD}/24", f"{POD6}/64")


def workload(site: Site, name: str, mac: str, *addresses: str) -> tuple[str, ...]:
    """A workload with the port NAME.shop; the words by which a program runs in it."""
    enter = ("nsenter", f"--net=/run/netns/{name}")
    site.host.run("ip", "netns", "add", name)
    site.host.run("ip", "link", "add", f"{name}_h", "up", "type", "veth", "peer", "name", "eth0", "netns", name)
    site.host.run(*enter, "ethtool", "-K", "eth0", "tx", "off")
    site.host.run(*enter, "ip", "link", "set", "eth0", "address", mac, "up")
    for each in addresses:
        site.host.run(*enter, "ip", "address", "add", each, "dev", "eth0", *(("nodad",) if ":" in each else ()))
    ids = ("--", "set", "interface", f"{name}_h", f"external_ids:iface-id={name}.shop")
    site.ovs.vsctl("add-port", "br-int", f"{name}_h", *ids)
    return enter


def test_a_pod_is_a_neighbour_of_physical_machines_and_of_its_host(site: Site, own_ovn: Ovn) -> None:
    """No node in between, no tunnel, no address translation; and the host is a machine of that network, too."""
    site.network()
    site.converge()
    switch(own_ovn)
    enter = pod(site)
    site.ovs.join(own_ovn.sb)
    own_ovn.nbctl("--wait=hv", "sync")

    for each in (PEER, PEER6, HOST):
        assert "3 received" in site.host.run(*enter, "ping", "-c3", "-i0.2", "-W3", each), each
    # The first packet of a flow may be lost to a busy switch; a second answer to one would come each time.
    for each in (POD, HOST):
        until(lambda each=each: site.is_reached(each, 3), f"{each} to be reached", 20)


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


def test_pods_of_the_overlay_and_of_an_interconnected_subnet_reach_each_other(site: Site, own_ovn: Ovn) -> None:
    """The router stands between them; everything else the Pod of the underlay reaches by the physical gateway."""
    site.network()
    site.converge()
    switch(own_ovn)
    own_ovn.nbctl("lr-add", "vpc", "--", "ls-add", "overlay", "--", "lsp-add", "overlay", "back.shop")
    own_ovn.nbctl("lsp-set-addresses", "back.shop", "0a:00:00:00:00:51 10.16.0.5")
    for at, (net, cidr) in enumerate((("desks", f"{ROUTER}/24"), ("overlay", "10.16.0.1/16"))):
        own_ovn.nbctl("lrp-add", "vpc", f"vpc-{net}", f"0a:00:00:00:01:0{at}", cidr)
        own_ovn.nbctl("lsp-add", net, f"{net}-vpc", "--", "lsp-set-type", f"{net}-vpc", "router")
        own_ovn.nbctl("lsp-set-addresses", f"{net}-vpc", "router")
        own_ovn.nbctl("lsp-set-options", f"{net}-vpc", f"router-port=vpc-{net}")
    own_ovn.nbctl("lr-route-add", "vpc", "0.0.0.0/0", "10.16.0.254")  # without any route no policy is asked
    for priority, match, *action in (
        (31000, "ip4.dst == 10.16.0.0/16", "allow"),
        (29400, "ip4.dst == 198.18.7.0/24", "allow"),
        (29000, "ip4.src == 198.18.7.0/24", "reroute", PEER),
    ):
        own_ovn.nbctl("lr-policy-add", "vpc", str(priority), match, *action)
    till = pod(site)
    site.host.run(*till, "ip", "route", "add", "default", "via", ROUTER)
    back = workload(site, "back", "0a:00:00:00:00:51", "10.16.0.5/16")
    site.host.run(*back, "ip", "route", "add", "default", "via", "10.16.0.1")
    address(site.peer, "eth0", "203.0.113.9/24")
    site.ovs.join(own_ovn.sb)
    own_ovn.nbctl("--wait=hv", "sync")

    assert "icmp_seq=3" in site.host.run(*till, "ping", "-c3", "-i0.2", "-W3", "10.16.0.5")
    assert "3 received" in site.host.run(*back, "ping", "-c3", "-i0.2", "-W3", POD)
    assert "icmp_seq=3" in site.host.run(*till, "ping", "-c3", "-i0.2", "-W3", "203.0.113.9")
