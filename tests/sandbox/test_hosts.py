"""Hosts are machines of their own as far as networks and files go, and leave nothing behind."""

import subprocess
from pathlib import Path

import pytest

from sandbox import Fabric, Host, OpenVswitch, Ovn, until
from sandbox.errors import SandboxError
from sandbox.host import remove
from tests.hosts import NewHost


def answers(address: str) -> bool:
    """Whether this machine's ping of the address is answered."""
    return subprocess.run(["ping", "-c1", "-W1", address], capture_output=True, check=False).returncode == 0


def mounts_of(directory: Path) -> list[str]:
    """The mounts of all processes of this machine that show something of the directory."""
    found = []
    for path in Path("/proc").glob("[0-9]*/mountinfo"):
        try:
            found += [line for line in path.read_text().splitlines() if str(directory) in line]
        except OSError:
            continue
    return found


def test_hosts_reach_each_other_and_this_machine_once_per_packet(new_host: NewHost) -> None:
    """An address on both the NIC and the bridge would answer twice, which looks like a broken network under test."""
    one, two = new_host(), new_host()

    for address in two.addresses:
        said = one.run("ping", "-c2", "-i0.2", "-W2", address)
        assert "2 received" in said
        assert "DUP" not in said
        assert answers(address)
    assert one.fabric.addresses[0] in one.run("ip", "route", "show", "default")


def test_a_host_has_directories_of_its_own(new_host: NewHost) -> None:
    """What a DaemonSet writes to a hostPath must be neither on this machine nor on another node."""
    one, two = new_host(), new_host()
    marks = [f"{folder}/mark-of-a-host" for folder in ("/etc/cni/net.d", "/opt", "/run/openvswitch", "/var/lib")]

    for mark in marks:
        one.run("touch", mark)

    assert [one.path(mark).exists() for mark in marks] == [True] * 4
    assert [two.path(mark).exists() or Path(mark).exists() for mark in marks] == [False] * 4
    assert one.run("hostname").strip() == "worker-1"


def test_two_chassis_carry_packets_between_ports(new_host: NewHost, own_ovn: Ovn) -> None:
    """Geneve in userspace needs more than ovn-controller: a bridge with the address, honest checksums."""
    own_ovn.nbctl("ls-add", "green")
    for number in (1, 2):
        host = new_host()
        OpenVswitch(host).join(own_ovn.sb)
        own_ovn.nbctl("lsp-add", "green", f"p{number}")
        own_ovn.nbctl("lsp-set-addresses", f"p{number}", f"0a:00:00:00:00:0{number} 10.0.0.{number}")
        plug(host, f"p{number}", f"0a:00:00:00:00:0{number}", f"10.0.0.{number}/24")
    own_ovn.nbctl("--wait=hv", "sync")

    # In userspace the first packet to another chassis is lost while that one's MAC address is asked for.
    said = Host(host.fabric, 1).run("nsenter", "--net=/run/netns/p1", "ping", "-c5", "-i0.2", "-W2", "10.0.0.2")

    assert "icmp_seq=5" in said


def plug(host: Host, port: str, mac: str, address: str) -> None:
    """A namespace named after the logical port is its workload."""
    host.run("ip", "netns", "add", port)
    host.run("ip", "link", "add", f"{port}_h", "up", "type", "veth", "peer", "name", "eth0", "netns", port)
    inside = ("nsenter", f"--net=/run/netns/{port}")
    host.run(*inside, "ethtool", "-K", "eth0", "tx", "off")
    host.run(*inside, "ip", "link", "set", "eth0", "address", mac, "up")
    host.run(*inside, "ip", "address", "add", address, "dev", "eth0")
    OpenVswitch(host).vsctl(
        "add-port", "br-int", f"{port}_h", "--", "set", "interface", f"{port}_h", f"external_ids:iface-id={port}"
    )


def test_a_frozen_host_is_silent_until_it_thaws(host: Host) -> None:
    """A node that hangs differs from one that is gone: its state comes back, later than anybody thought."""
    with host.popen("sleep", "600") as working:
        host.freeze()
        assert not answers(host.address)

        host.thaw()

        until(lambda: answers(host.address), "the thawed host to answer")
        working.kill()


def test_a_killed_host_comes_back_with_its_disk(host: Host) -> None:
    """A node that lost its power keeps its chassis id; the processes, those started by hand too, are gone."""
    chassis = OpenVswitch(host).chassis
    with host.popen("sleep", "600") as working:
        host.kill()

        assert working.wait(10)
    assert not host.alive
    assert not answers(host.address)
    host.up()
    OpenVswitch(host).up()
    assert OpenVswitch(host).chassis == chassis
    assert answers(host.address)


def test_a_server_of_a_host_is_killed_and_comes_back(host: Host) -> None:
    """Tests kill what OVN runs on: the recorded pid has to be the program's, not that of what entered the host."""
    switch = OpenVswitch(host)
    before = switch.switch.identity
    assert before is not None
    assert "vswitchd" in Path(f"/proc/{before.pid}/cmdline").read_text()

    switch.switch.stop()
    assert "vswitchd" not in host.run("ps", "-e", "-o", "args")
    switch.start_switch()

    assert switch.switch.identity != before
    assert answers(host.address)


def test_down_leaves_no_interface_no_mount_and_no_process(host: Host) -> None:
    """Hosts come and go a hundred times a day on a developer's machine."""
    fabric, pid = host.fabric, host.pid
    assert mounts_of(host.directory)
    host.run("mount", "-t", "tmpfs", "left", "/var/lib/kubelet")

    remove(fabric)

    assert not Path(f"/proc/{pid}").exists()
    assert mounts_of(fabric.directory) == []
    assert not host.directory.exists()
    assert not fabric.alive


def test_two_fabrics_never_share_a_network(fabric: Fabric, tmp_path: Path) -> None:
    """Tests in parallel, a demo and a benchmark live on one machine, each with a worker-1."""
    other = Fabric(tmp_path, "ipv4")
    other.up()
    try:
        assert other.number != fabric.number
        assert not set(other.addresses) & set(fabric.addresses)
        assert len(other.addresses) == 1
    finally:
        other.down()


def test_a_host_beyond_its_network_is_refused(fabric: Fabric) -> None:
    """Its address would be the broadcast address, or no address at all."""
    with pytest.raises(SandboxError, match="host number 250 can't be"):
        Host(fabric, 250)
